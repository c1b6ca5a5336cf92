"""Artifacts as local directories, for code that reads and writes files and cannot use an object store."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components import bucket
from components.errors import ConfigurationError


@contextmanager
def readable(uri: str) -> Iterator[Path]:
    """The local directory of an artifact, or a temporary copy of an artifact in an object store.

    Args:
      uri: A path, `s3://BUCKET/DIRECTORY` or `gs://BUCKET/DIRECTORY`.
    """
    if not is_in_object_store(uri) or uri.startswith(bucket.SCHEME):
        yield bucket.fetch(uri)
        return
    from tfx.utils import io_utils

    with tempfile.TemporaryDirectory() as directory:
        io_utils.copy_dir(uri, directory)
        yield Path(directory)


@contextmanager
def writable(uri: str) -> Iterator[Path]:
    """A local directory to write an artifact to; if the artifact is in an object store, it is copied there at the end.

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


def is_there(uri: str) -> bool:
    """Whether the files of an artifact can be found."""
    if not is_in_object_store(uri) or uri.startswith(bucket.SCHEME):
        return bucket.exists(uri)
    from tfx.dsl.io import fileio

    return bool(fileio.exists(uri))


def check_served(uri: str) -> None:
    """Checks that components can write artifacts to a URI.

    Raises:
      ConfigurationError: TensorFlow or Beam does not support the scheme.
    """
    if not is_in_object_store(uri):
        return
    import tensorflow as tf
    from apache_beam.io.filesystems import FileSystems

    scheme = uri.partition("://")[0]
    try:
        FileSystems.get_filesystem(uri)
    except ValueError as error:
        raise ConfigurationError(f"runtime.pipeline_root: Beam does not support {scheme}://; use a path or gs://.") from error
    if scheme not in tf.io.gfile.get_registered_schemes():
        raise ConfigurationError(f"runtime.pipeline_root: TensorFlow does not support {scheme}://; use a path or gs://.")


def is_in_object_store(uri: str) -> bool:
    """Whether it is a URI of an object store and not a local path."""
    return "://" in uri
