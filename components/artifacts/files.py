"""Artifacts as directories of this machine, for code that reads and writes files and knows no object store."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import ConfigurationError


@contextmanager
def readable(uri: str) -> Iterator[Path]:
    """The directory of an artifact: itself, or for a while a copy of what lies in an object store.

    Args:
      uri: A path, or `gs://BUCKET/DIRECTORY`.
    """
    if not is_in_object_store(uri):
        yield Path(uri)
        return
    from tfx.utils import io_utils

    with tempfile.TemporaryDirectory() as directory:
        io_utils.copy_dir(uri, directory)
        yield Path(directory)


@contextmanager
def writable(uri: str) -> Iterator[Path]:
    """A directory to write an artifact to, which is copied to an object store at the end if that is where it should lie.

    Args:
      uri: A path, or `gs://BUCKET/DIRECTORY`.
    """
    if not is_in_object_store(uri):
        yield Path(uri)
        return
    from tfx.utils import io_utils

    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)
        io_utils.copy_dir(directory, uri)


def check_served(uri: str) -> None:
    """Refuses a place where no component could write its artifacts.

    Raises:
      ConfigurationError: TensorFlow, or Beam, does not know the scheme.
    """
    if not is_in_object_store(uri):
        return
    import tensorflow as tf
    from apache_beam.io.filesystems import FileSystems

    scheme = uri.partition("://")[0]
    try:
        FileSystems.get_filesystem(uri)
    except ValueError as error:
        raise ConfigurationError(f"runtime.pipeline_root: Beam does not read and write {scheme}://; it does gs://.") from error
    if scheme not in tf.io.gfile.get_registered_schemes():
        raise ConfigurationError(f"runtime.pipeline_root: TensorFlow does not read and write {scheme}://; it does gs://.")


def is_in_object_store(uri: str) -> bool:
    """Whether TensorFlow's file system has to be asked for it."""
    return "://" in uri
