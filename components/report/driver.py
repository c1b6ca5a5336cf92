"""What happens before a report is looked up in the cache: ML Metadata is asked where its inputs come from."""

from tfx.dsl.components.base import base_driver as legacy_driver
from tfx.orchestration import data_types_utils
from tfx.orchestration.metadata import Metadata
from tfx.orchestration.portable import base_driver, data_types
from tfx.proto.orchestration import driver_output_pb2

from components.report import properties
from components.report.provenance import read_provenance


class Driver(legacy_driver.BaseDriver, base_driver.BaseDriver):
    """Adds the provenance of the inputs to the parameters, and so to the cache key.

    An executor may run anywhere and cannot ask ML Metadata. This has both of TFX's driver interfaces, as the stock ExampleGen
    has; the interactive context of a notebook calls the older one, and its report does without a provenance.
    """

    def __init__(self, metadata_handle: Metadata) -> None:
        legacy_driver.BaseDriver.__init__(self, metadata_handle)
        base_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """Called by TFX's launcher."""
        inputs = execution_info.input_dict
        identities = {name: [artifact.id for artifact in artifacts] for name, artifacts in inputs.items()}
        baselines = identities.pop(properties.BASELINE_MODEL, [])
        with self._mlmd_connection as handle:
            provenance = read_provenance(
                handle.store,
                [identity for group in identities.values() for identity in group],
                model=identities[properties.MODEL][0],
                baseline=next(iter(baselines), None),
            )
        output = driver_output_pb2.DriverOutput()
        data_types_utils.set_metadata_value(output.exec_properties[properties.PROVENANCE], provenance.model_dump_json())
        return output
