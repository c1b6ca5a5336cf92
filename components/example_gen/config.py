"""The configuration section `data`."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from components.artifacts.features import EVAL, SPLITS, TEST, TRAIN, Binarization
from components.settings import Section


class DataConfig(Section):
    """The dataset, its splits and its schema."""

    dataset: str | None = "mnist"
    """Name in tensorflow-datasets, with the configuration if there is one: `fashion_mnist`, `emnist/digits`."""

    version: str | None = None
    """Version of the dataset, e.g. `3.0.1`; null is the newest in the installed tensorflow-datasets."""

    directory: Path | None = None
    """Directory of a prepared dataset (`tfds.builder_from_directory`), instead of `dataset`."""

    data_dir: Path | None = None
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
    schema_path: Path = Path("schema/schema.pbtxt")
    """The curated schema that every split must match. `schema/schema.pbtxt` and `schema/unlabelled.pbtxt` are also part of the
    package."""

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

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.dataset is None) == (self.directory is None):
            raise ValueError("needs exactly one of data.dataset (a name) and data.directory (a prepared dataset)")
        return self

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
