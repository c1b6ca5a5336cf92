"""Scores a whole dataset of tf.Examples with Beam: one row of Parquet for each image."""

import hashlib
import shutil
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet
import tensorflow as tf
from apache_beam.io.parquetio import WriteToParquet

from components.artifacts.features import IMAGE
from components.artifacts.loaded_model import LoadedModel
from components.artifacts.signature_names import EXAMPLES, LATENT_MEAN, SCORE, SERVING_DEFAULT
from components.errors import ConfigurationError, DataError

ID: Final = "id"
SCHEMA: Final = pa.schema([(ID, pa.string()), (SCORE, pa.float32()), (LATENT_MEAN, pa.list_(pa.float32()))])

_BATCH: Final = 256
"""Of every call: a matrix product of another size can differ in the last bit, and engines choose their own sizes."""


def score_dataset(patterns: Sequence[str], model: Path, output: Path, pipeline_args: Sequence[str]) -> int:
    """Scores every example; the directory is there when all of it is.

    Args:
      patterns: TFRecord files of tf.Examples, GZIP or not, as ExampleGen writes them.
      model: The SavedModel.
      output: The directory to make; it gets Parquet files with `SCHEMA`.
      pipeline_args: For Beam.

    Returns:
      The number of images.

    Raises:
      ConfigurationError: A pattern names no file, or the directory exists.
      DataError: A record has no image that can be decoded.
    """
    if output.exists():
        raise ConfigurationError(f"--output: {output} exists; name another directory, or remove it.")
    for pattern in patterns:
        if not tf.io.gfile.glob(pattern):
            raise ConfigurationError(f"There are no files {pattern}.")
    unfinished = output.with_name(f".{output.name}.{uuid.uuid4().hex}")
    try:
        with beam.Pipeline(argv=list(pipeline_args)) as pipeline:
            _ = (
                pipeline
                | "Patterns" >> beam.Create(list(patterns))
                | "Read" >> beam.io.ReadAllFromTFRecord()
                | "Batch" >> beam.BatchElements(min_batch_size=_BATCH, max_batch_size=_BATCH)
                | "Score" >> beam.ParDo(_Score(str(model)))
                | "Write" >> WriteToParquet(str(unfinished / "scores"), SCHEMA, file_name_suffix=".parquet")
            )
        unfinished.rename(output)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return sum(pyarrow.parquet.read_metadata(path).num_rows for path in output.iterdir())


class _Score(beam.DoFn):  # type: ignore[misc, unused-ignore]  # Beam has no types
    def __init__(self, model: str) -> None:
        self._directory = model

    def setup(self) -> None:
        """Loads the model, once for each worker."""
        self._model = LoadedModel(Path(self._directory))

    def process(self, records: list[bytes]) -> Iterator[dict[str, Any]]:
        """Scores a batch."""
        ids = [_image_id(record) for record in records]
        padded = [*records, *[records[-1]] * (_BATCH - len(records))]
        try:
            answers = self._model.call(SERVING_DEFAULT, **{EXAMPLES: padded})
        except tf.errors.InvalidArgumentError as error:
            damaged = next((name for name, record in zip(ids, records, strict=True) if not _can_be_decoded(record)), ids[0])
            raise DataError(f"The image {damaged} is neither PNG nor JPEG, or damaged.") from error
        for position, name in enumerate(ids):
            yield {ID: name, SCORE: float(answers[SCORE][position]), LATENT_MEAN: answers[LATENT_MEAN][position].tolist()}


def _image_id(record: bytes) -> str:
    return hashlib.sha256(_image(record)).hexdigest()


def _can_be_decoded(record: bytes) -> bool:
    try:
        tf.io.decode_image(_image(record))
    except tf.errors.InvalidArgumentError:
        return False
    return True


def _image(record: bytes) -> bytes:
    values = tf.train.Example.FromString(record).features.feature[IMAGE].bytes_list.value
    if not values:
        raise DataError(f"A record has no feature {IMAGE!r} with bytes.")
    return bytes(values[0])
