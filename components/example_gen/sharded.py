"""What both ExampleGens share: their output is written shard by shard, by a Beam job of one element for each shard."""

from collections.abc import Sequence
from typing import Any, Final

import apache_beam as beam
from tfx.dsl.components.base import base_beam_executor

from components.errors import PipelineError, as_os_error, causes

FILE_FORMAT: Final = "tfrecords_gzip"
UNFINISHED: Final = "unfinished"
"""Where a shard is written until it is complete: outside the splits' directories, because every file in those is read."""


class ShardedExecutor(base_beam_executor.BaseBeamExecutor):
    """An executor that writes shards."""

    def write_shards(self, shards: Sequence[Any], write: beam.DoFn) -> None:
        """Runs the Beam job.

        Raises:
          PipelineError: What a shard raised, without what Beam adds.
          OSError: Likewise.
        """
        try:
            with self._make_beam_pipeline() as pipeline:
                _ = pipeline | "Shards" >> beam.Create(shards, reshuffle=True) | "WriteShards" >> beam.ParDo(write)
        except Exception as error:
            # Beam raises another error, with the name of the step at its end, which does not help a user.
            for cause in causes(error):
                if isinstance(cause, PipelineError):
                    raise type(cause)(str(cause).split(" [while running ", 1)[0]) from error
                if (os_error := as_os_error(cause)) is not None:
                    raise os_error from error
            raise
