"""What happens before TfdsExampleGen is looked up in the cache: the dataset is prepared, and what it holds is digested."""

import json
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_driver as legacy_driver
from tfx.orchestration import data_types_utils
from tfx.orchestration.portable import base_driver, data_types
from tfx.proto.orchestration import driver_output_pb2

from components.example_gen import properties
from components.example_gen.content_digest import content_digest
from components.example_gen.dataset import DatasetLocation, open_dataset, split_ranges
from components.example_gen.image_features import select_features
from components.source_digest import source_digest


class Driver(legacy_driver.BaseDriver, base_driver.BaseDriver):
    """Makes the cache key hold what is read: TFX computes it from the execution properties that this driver completes.

    It has both of TFX's driver interfaces, as the stock ExampleGen has: the local runner calls `run`, the interactive context
    of a notebook `resolve_exec_properties`.
    """

    def __init__(self, metadata_handle: Any) -> None:
        legacy_driver.BaseDriver.__init__(self, metadata_handle)
        base_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """Called by TFX's launcher.

        Raises:
          ConfigurationError: If the dataset, its version, a feature or a split does not exist.
          DataError: If the dataset cannot be prepared.
          OSError: If the disk is full or a directory cannot be written.
        """
        output = driver_output_pb2.DriverOutput()
        for name, value in complete_properties(execution_info.exec_properties).items():
            if value is not None:
                data_types_utils.set_metadata_value(output.exec_properties[name], value)
        return output

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        """Called by TFX's interactive context; see `run`."""
        del pipeline_info, component_info
        return complete_properties(exec_properties)


def complete_properties(exec_properties: dict[str, Any]) -> dict[str, Any]:
    """Prepares the dataset where needed, and adds its version, its place, and the digests of its content and of this code."""
    builder = open_dataset(
        DatasetLocation(
            dataset=exec_properties.get(properties.DATASET),
            version=exec_properties.get(properties.VERSION),
            directory=_path(exec_properties, properties.DIRECTORY),
            data_dir=_path(exec_properties, properties.DATA_DIR),
            manual_dir=_path(exec_properties, properties.MANUAL_DIR),
        )
    )
    # Here for its errors: it is better to hear of a wrong feature before anything runs.
    select_features(
        builder.info.features,
        exec_properties.get(properties.IMAGE_FEATURE),
        exec_properties.get(properties.LABEL_FEATURE),
    )
    ranges = split_ranges(builder, json.loads(exec_properties[properties.SPLITS]))
    return exec_properties | {
        properties.VERSION: str(builder.version),
        properties.PREPARED_DIRECTORY: str(builder.data_dir),
        properties.CONTENT_DIGEST: content_digest(builder, ranges),
        properties.SOURCE_DIGEST: source_digest("components.example_gen", "components.artifacts.features"),
    }


def _path(exec_properties: dict[str, Any], name: str) -> Path | None:
    value = exec_properties.get(name)
    return Path(value) if value else None
