"""The configuration section `data`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field, field_validator, model_validator

from components.artifacts.features import EVAL, SPLITS, TEST, TRAIN, Binarization
from components.artifacts.spans import Window
from components.settings import Place, Section

_SOURCES: Final = 4
_ROUNDING: Final = 1e-6
_WHITE: Final = 255


def _own(data: Mapping[str, Any]) -> bool:
    return bool(data.get("images") or data.get("examples"))


class DataConfig(Section):
    """The images: a dataset of tensorflow-datasets, a folder or TFRecords; their splits and their schema."""

    images: Path | None = None
    """A folder of image files, instead of `dataset`: `DIR`, `DIR/*.png`, `DIR/*/*.jpg`. Subfolders are labels, or the splits
    `train`, `eval` and `test` with or without labels below. `{SPAN}`, `{YYYY}`, `{MM}`, `{DD}` and `{VERSION}` stand for
    spans, as in TFX's ExampleGen; `window` says which are used."""

    examples: Path | None = None
    """Files of TFRecords of tf.Example, instead of `dataset`: `DIR/*.tfrecord`, with spans as in `images`. Each example has one
    `image`, the bytes of a PNG, JPEG, GIF or BMP file, and perhaps an integer `label`. The bytes decide the split
    (`fractions`)."""

    # MNIST and its schema are defaults only where no folder is named.
    dataset: str | None = Field(default_factory=lambda data: None if _own(data) else "mnist")
    """Name in tensorflow-datasets, with the configuration if there is one: `fashion_mnist`, `emnist/digits`."""

    version: str | None = None
    """Version of the dataset, e.g. `3.0.1`; null is the newest in the installed tensorflow-datasets."""

    directory: Path | None = None
    """Directory of a prepared dataset (`tfds.builder_from_directory`), instead of `dataset`."""

    fractions: dict[str, float] = Field(default_factory=lambda: {TRAIN: 0.9, EVAL: 0.05, TEST: 0.05})
    """Of `images`: the share of each split. The pixels of an image decide, so it keeps its split when others are added, and
    duplicates share one. Split folders decide instead."""

    background: tuple[int, int, int] = (0, 0, 0)
    """Red, green and blue, 0 to 255, shown behind transparent pixels and beside an image that is padded."""

    max_broken: float = Field(default=0.01, ge=0, le=1)
    """Of `images`: the share of files that may be left out because they cannot be decoded; more stop the run."""

    data_dir: Place | None = None
    """Directory for prepared datasets; null is `<runtime.root>/datasets`."""

    manual_dir: Path | None = Path("data/{dataset}")
    """Directory of the dataset's source files; null downloads them. `{dataset}` is replaced by the dataset's name; if that
    directory does not exist, the files are downloaded. `data/mnist` is also part of the package."""

    image_feature: str | None = None
    """The dataset's image feature; null is its only one."""

    label_feature: str | None = None
    """The dataset's integer label, e.g. `attributes/digit`; null is `label` if that is an integer, or no label."""

    splits: dict[str, str] = Field(default_factory=lambda: {TRAIN: "train[:55000]", EVAL: "train[55000:]", TEST: "test"})
    """The pipeline's `train`, `eval` and `test`, each in the slicing syntax of tensorflow-datasets."""

    shards: int = Field(default=4, ge=1, le=10_000)
    """TFRecord files per split."""

    # `schema` itself is a method of every pydantic model.
    schema_path: Path | None = Field(default_factory=lambda data: None if _own(data) else Path("schema/schema.pbtxt"))
    """The curated schema that every split must match. `schema/schema.pbtxt` and `schema/unlabelled.pbtxt` are also part of the
    package. With `images` or `examples`, the default is null: the first run infers a schema and writes it to
    `<runtime.root>/schemas/<name>.pbtxt`, which may be edited and which later runs must match."""

    window: Window = "latest"
    """The spans that a model is trained on: `latest`, `all` or `{last: 7}`. Needs `{SPAN}`, or `{YYYY}`, `{MM}` and `{DD}`, in
    `images` or `examples`. A span that was read is not read again."""

    binarization: Binarization = Binarization.NONE
    """`none` trains on the images as they are, `dynamic` on binary images that are drawn from them anew in every epoch, as for
    most published figures on binarised MNIST."""

    allow_anomalies: bool = False
    """Continue with a warning if the data does not match the schema."""

    @field_validator("splits")
    @classmethod
    def _has_every_split(cls, splits: dict[str, str]) -> dict[str, str]:
        if set(splits) != set(SPLITS):
            raise ValueError(f"must name exactly the splits {', '.join(SPLITS)}, but names {', '.join(splits) or 'none'}")
        return splits

    @field_validator("fractions")
    @classmethod
    def _are_shares(cls, fractions: dict[str, float]) -> dict[str, float]:
        if set(fractions) != set(SPLITS):
            raise ValueError(f"must name exactly the splits {', '.join(SPLITS)}, but names {', '.join(fractions) or 'none'}")
        if min(fractions.values()) < 0 or abs(sum(fractions.values()) - 1) > _ROUNDING:
            raise ValueError(f"must be shares with the sum 1, but the sum is {sum(fractions.values()):g}")
        return fractions

    @field_validator("background")
    @classmethod
    def _is_a_colour(cls, background: tuple[int, int, int]) -> tuple[int, int, int]:
        if not all(0 <= channel <= _WHITE for channel in background):
            raise ValueError("must be red, green and blue, each from 0 to 255")
        return background

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if [self.dataset, self.directory, self.images, self.examples].count(None) != _SOURCES - 1:
            raise ValueError(
                "needs exactly one of data.dataset (a name), data.directory (a prepared dataset), data.images (a folder) and"
                " data.examples (TFRecords)"
            )
        if self.schema_path is None and self.arriving is None:
            raise ValueError(
                "needs data.schema_path, e.g. schema/unlabelled.pbtxt; only data.images and data.examples infer one"
            )
        return self

    @property
    def has_spans(self) -> bool:
        """Whether new images arrive as spans."""
        return "{" in str(self.arriving or "")

    @property
    def arriving(self) -> Path | None:
        """`images` or `examples`, whose files may be other ones tomorrow."""
        return self.images or self.examples

    @property
    def source_dir(self) -> Path | None:
        """The directory of source files; None if everything is downloaded.

        A directory with `{dataset}` in its name need not exist, so that the name of a dataset is enough to use it.
        """
        if self.manual_dir is None or self.dataset is None:
            return None
        directory = self.named(self.manual_dir)
        return directory if directory == self.manual_dir or directory.is_dir() else None

    def named(self, path: Path) -> Path:
        """A path with the dataset's name for `{dataset}`."""
        return Path(str(path).replace("{dataset}", (self.dataset or "").partition("/")[0]))
