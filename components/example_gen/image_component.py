"""The specification of ImageExampleGen."""

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
from components.artifacts.image_files import BLACK, Colour
from components.example_gen.image_driver import Driver
from components.example_gen.image_executor import Executor


class ImageExampleGenSpec(ComponentSpec):
    """Parameters and output of ImageExampleGen."""

    # TFX reads plain class attributes of these names, hence no ClassVar.
    PARAMETERS = {  # noqa: RUF012
        properties.IMAGES: ExecutionParameter(type=str),
        properties.FRACTIONS: ExecutionParameter(type=str),
        properties.BACKGROUND: ExecutionParameter(type=str),
        properties.MODE: ExecutionParameter(type=str, optional=True),
        properties.MAX_BROKEN: ExecutionParameter(type=float),
        properties.NEWEST_SPANS: ExecutionParameter(type=int),
        properties.SHARDS: ExecutionParameter(type=int),
    }
    INPUTS: dict[str, ChannelParameter] = {}  # noqa: RUF012
    OUTPUTS = {EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples)}  # noqa: RUF012
    TYPE_ANNOTATION = Process


class ImageExampleGen(base_beam_component.BaseBeamComponent):
    """Reads a folder of image files.

    A second run is served from TFX's cache unless a name, size or time of a file, a parameter, or the code has changed.

    The output `examples` is of type `standard_artifacts.Examples`: each split is GZIP TFRecord files of tf.Example, with
    `image` as PNG bytes (8 bits, grey or RGB, in the size of the file) and, if the images lie in subfolders, `label` as int64.
    Beside the splits are `labels.json` with the names of the labels and `broken_files.csv` with the files that are left out.
    Its properties are `span` and `version`, its custom properties `dataset`, `input_fingerprint` and `broken_files`. Each span
    that is read becomes an artifact of its own.

        ImageExampleGen(images="/data/shoes", fractions={"train": 0.9, "eval": 0.05, "test": 0.05})

    Args:
      images: A folder or a pattern, which may have the placeholders of TFX's spans.
      fractions: The share of each split. The content of an image decides which it is in, unless the folder has split folders.
      background: Shown behind transparent pixels.
      mode: `L` or `RGB` to bring all images to; None keeps grey images grey.
      max_broken: The share of files that may be left out because they cannot be decoded.
      shards: Files per split, at least 1.
      newest_spans: How many of the latest spans are read, those excepted that an earlier run has read; 0 is all of them.
    """

    SPEC_CLASS = ImageExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        *,
        images: str | os.PathLike[str],
        fractions: Mapping[str, float],
        background: Colour = BLACK,
        mode: str | None = None,
        max_broken: float = 0.01,
        shards: int = 1,
        newest_spans: int = 1,
    ) -> None:
        super().__init__(
            spec=ImageExampleGenSpec(
                images=os.fspath(images),
                fractions=json.dumps(dict(fractions)),
                background=json.dumps(list(background)),
                mode=mode,
                max_broken=max_broken,
                shards=shards,
                newest_spans=newest_spans,
                examples=types.Channel(type=standard_artifacts.Examples),
            )
        )
