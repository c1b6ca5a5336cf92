"""Reads the curated schema."""

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.errors import ConfigurationError


def check_schema(path: Path) -> None:
    """Refuses a schema that the components could not read.

    Raises:
      ConfigurationError: There is no such file, or it is no schema in the text format of protocol buffers.
    """
    if not path.is_file():
        raise ConfigurationError(f"data.schema_path: there is no file {path}.")
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"data.schema_path: {path} is not text; write the schema in the text format of schema/schema.pbtxt."
        ) from error
    except text_format.ParseError as error:
        _, _, reason = str(error).partition(" : ")
        raise ConfigurationError(
            f"data.schema_path: {path} is not a schema; line {error.GetLine()}, column {error.GetColumn()}: {reason.strip()}"
        ) from error
