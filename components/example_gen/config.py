"""What to read and how to split it."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from components.artifacts.features import EVAL, SPLITS, TEST, TRAIN, Binarization
from components.settings import Section


class DataConfig(Section):
    """The dataset, its splits and its schema."""

    dataset: str | None = "mnist"
    """Name in tensorflow-datasets, with its configuration if it has any: `fashion_mnist`, `emnist/digits`."""

    version: str | None = None
    """Version of the dataset, e.g. `3.0.1`; null is the newest that the installed tensorflow-datasets knows."""

    directory: Path | None = None
    """A dataset already prepared in this directory (`tfds.builder_from_directory`), instead of `dataset`."""

    data_dir: Path | None = None
    """Where prepared datasets are kept; null is `<runtime.root>/datasets`."""

    manual_dir: Path | None = Path("data/{dataset}")
    """Where source files lie that need not be downloaded; null downloads them. `{dataset}` stands for the name of the dataset;
    if there is no such directory, they are downloaded."""

    image_feature: str | None = None
    """The dataset's image feature; null takes its only one."""

    label_feature: str | None = None
    """The dataset's integer label; null takes `label` if there is one, and no label otherwise."""

    splits: dict[str, str] = Field(default_factory=lambda: {TRAIN: "train[:55000]", EVAL: "train[55000:]", TEST: "test"})
    """The pipeline's `train`, `eval` and `test`, each as an expression that tensorflow-datasets understands."""

    shards: int = Field(default=4, ge=1, le=10_000)
    """TFRecord files for each split."""

    # `schema` itself is a method of every pydantic model.
    schema_path: Path = Path("schema/schema.pbtxt")
    """The curated schema that every split must obey."""

    binarization: Binarization = Binarization.NONE
    """`none` trains on the images as they are, `dynamic` on binary images drawn from them anew in every epoch: what published
    figures for binarised MNIST are about."""

    allow_anomalies: bool = False
    """Go on, with a warning, where the data does not obey the schema."""

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
        """The directory that `manual_dir` means; None if everything is to be downloaded.

        One that is named by the dataset need not exist, so that any dataset works by its name alone.
        """
        if self.manual_dir is None or self.dataset is None:
            return None
        name, _, _ = self.dataset.partition("/")
        directory = Path(str(self.manual_dir).replace("{dataset}", name))
        return directory if directory == self.manual_dir or directory.is_dir() else None
