"""TFX's ImportExampleGen for TFRecords of images, which reads each span once."""

import os
from collections.abc import Mapping
from pathlib import PurePath
from typing import Final

from tfx.components import ImportExampleGen as StockImportExampleGen
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.proto import example_gen_pb2

from components.artifacts import dataset as properties
from components.artifacts.features import IMAGE, SPLITS
from components.example_gen.import_driver import Driver
from components.example_gen.import_executor import Executor

_BUCKETS: Final = 10_000


class ImportExampleGen(StockImportExampleGen):
    """Reads TFRecords of tf.Example with `image`, an encoded image, and perhaps `label`, an integer.

    Each span that is read becomes an Examples artifact. The bytes of an image decide its split.
    """

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(self, pattern: str | os.PathLike[str], fractions: Mapping[str, float], newest_spans: int = 1) -> None:
        """Takes where the records are.

        Args:
          pattern: The files, which may have the placeholders of TFX's spans.
          fractions: The share of each split.
          newest_spans: How many of the latest spans are read, those excepted that an earlier run has read; 0 is all of them.
        """
        path = PurePath(pattern)
        splits = [
            example_gen_pb2.SplitConfig.Split(name=split, hash_buckets=round(fractions[split] * _BUCKETS)) for split in SPLITS
        ]
        super().__init__(
            input_base=str(path.parent),
            input_config=example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern=path.name)]),
            output_config=example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(splits=splits, partition_feature_name=IMAGE)
            ),
        )
        self.exec_properties[properties.PATTERN] = str(path)
        self.exec_properties[properties.NEWEST_SPANS] = newest_spans
