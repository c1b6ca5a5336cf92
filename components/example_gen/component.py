"""The specification of TfdsExampleGen."""

import json
import os
from collections.abc import Mapping

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_component_specs import EXAMPLES_KEY
from tfx.types.system_executions import Process

from components.artifacts import dataset as properties
from components.errors import ConfigurationError
from components.example_gen.driver import Driver
from components.example_gen.executor import Executor


class TfdsExampleGenSpec(ComponentSpec):
    """Parameters and output of TfdsExampleGen."""

    # TFX reads plain class attributes of these names, hence no ClassVar.
    PARAMETERS = {  # noqa: RUF012
        properties.DATASET: ExecutionParameter(type=str, optional=True),
        properties.VERSION: ExecutionParameter(type=str, optional=True),
        properties.DIRECTORY: ExecutionParameter(type=str, optional=True),
        properties.DATA_DIR: ExecutionParameter(type=str, optional=True),
        properties.MANUAL_DIR: ExecutionParameter(type=str, optional=True),
        properties.IMAGE_FEATURE: ExecutionParameter(type=str, optional=True),
        properties.LABEL_FEATURE: ExecutionParameter(type=str, optional=True),
        properties.SPLITS: ExecutionParameter(type=str),
        properties.SHARDS: ExecutionParameter(type=int),
    }
    INPUTS: dict[str, ChannelParameter] = {}  # noqa: RUF012
    OUTPUTS = {EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples)}  # noqa: RUF012
    TYPE_ANNOTATION = Process


class TfdsExampleGen(base_beam_component.BaseBeamComponent):
    """Reads images from tensorflow-datasets.

    A dataset that is not prepared yet is prepared first, from the files in `manual_dir` or else from downloads. A second run is
    served from TFX's cache unless the records, the splits, the version or the code of this component have changed.

    The output `examples` is of type `standard_artifacts.Examples`: each split is `shards` GZIP TFRecord files of tf.Example,
    with `image` as PNG bytes (8 bits; 1, 3 or 4 channels) and, if the dataset has one, `label` as int64. Its custom properties
    are the `dataset`, its `dataset_version`, the `image_shape` as JSON and, as `input_fingerprint`, the digest of what was
    read.

        TfdsExampleGen(dataset="mnist", splits={"train": "train[:55000]", "eval": "train[55000:]", "test": "test"})

    Args:
      dataset: Name in tensorflow-datasets, with its configuration if it has any, e.g. ``"emnist/digits"``.
      version: Version of the named dataset, e.g. ``"3.0.1"``; None is the newest in the installed tensorflow-datasets.
      directory: The directory of a prepared dataset (see `tfds.builder_from_directory`), instead of `dataset`.
      data_dir: The directory for prepared datasets; None is the default of tensorflow-datasets, ``~/tensorflow_datasets``.
      manual_dir: The directory of source files that need not be downloaded.
      image_feature: The dataset's image feature, e.g. ``"views/front"``; None is its only one.
      label_feature: The dataset's integer label; None is `label` if that is an integer, or no label.
      splits: The output's splits, each in the slicing syntax of tensorflow-datasets.
      shards: Files per split, at least 1; a split with fewer examples has one file for each.

    Raises:
      ConfigurationError: If the arguments contradict each other. Whether the dataset exists is checked by the run.
    """

    SPEC_CLASS = TfdsExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        *,
        dataset: str | None = None,
        version: str | None = None,
        directory: str | os.PathLike[str] | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        manual_dir: str | os.PathLike[str] | None = None,
        image_feature: str | None = None,
        label_feature: str | None = None,
        splits: Mapping[str, str],
        shards: int = 1,
    ) -> None:
        _refuse_contradictions(dataset, version, directory, splits, shards)
        super().__init__(
            spec=TfdsExampleGenSpec(
                dataset=dataset,
                version=version,
                directory=_text(directory),
                data_dir=_text(data_dir),
                manual_dir=_text(manual_dir),
                image_feature=image_feature,
                label_feature=label_feature,
                splits=json.dumps(dict(splits)),
                shards=shards,
                examples=types.Channel(type=standard_artifacts.Examples),
            )
        )


def _refuse_contradictions(
    dataset: str | None,
    version: str | None,
    directory: str | os.PathLike[str] | None,
    splits: Mapping[str, str],
    shards: int,
) -> None:
    if (dataset is None) == (directory is None):
        raise ConfigurationError("TfdsExampleGen needs either `dataset`, a name, or `directory`, a prepared dataset")
    if directory is not None and version is not None:
        raise ConfigurationError("`version` belongs to a named `dataset`: a prepared `directory` holds only one version")
    if not splits:
        raise ConfigurationError('`splits` must name at least one split, e.g. {"train": "train"}')
    if shards < 1:
        raise ConfigurationError(f"`shards` must be at least 1, but is {shards}")


def _text(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else os.fspath(path)
