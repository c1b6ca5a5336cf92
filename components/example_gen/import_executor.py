"""The stock executor of ImportExampleGen, called once for each span that is read."""

from pathlib import PurePath
from typing import Any

from tfx.components.example_gen.import_example_gen import executor
from tfx.proto import example_gen_pb2
from tfx.types.artifact import Artifact
from tfx.types.standard_component_specs import EXAMPLES_KEY, INPUT_BASE_KEY, INPUT_CONFIG_KEY
from tfx.utils import proto_utils

from components.artifacts import dataset as properties
from components.artifacts.spans import one_for_each
from components.example_gen.ingested import spans_to_read


class Executor(executor.Executor):
    """Makes one Examples artifact for each span."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Calls the stock executor with the files of each span."""
        [first] = output_dict[EXAMPLES_KEY]
        spans = spans_to_read(exec_properties)
        output_dict[EXAMPLES_KEY] = one_for_each(first, len(spans))
        for examples, span in zip(output_dict[EXAMPLES_KEY], spans, strict=True):
            path = PurePath(span.location)
            files = example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name="all", pattern=path.name)])
            where = {INPUT_BASE_KEY: str(path.parent), INPUT_CONFIG_KEY: proto_utils.proto_to_json(files)}
            super().Do(input_dict, {EXAMPLES_KEY: [examples]}, exec_properties | where)
            examples.set_string_custom_property(properties.DATASET, path.parent.name)
            span.describe(examples, exec_properties[properties.INGESTION], exec_properties[properties.SOURCE_DIGEST])
