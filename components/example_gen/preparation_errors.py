"""Says in one sentence why a dataset could not be prepared, and how to fix it."""

import errno
import gzip
import lzma
import tarfile
import urllib.error
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import requests
import tensorflow as tf
import tensorflow_datasets as tfds

from components.artifacts.dataset import sha256_of
from components.errors import DataError, PipelineError, as_os_error, causes, temporary_files_fault
from components.example_gen.private_tfds import ExtractError, NonMatchingChecksumError

_DOWNLOAD_ERRORS: Final = (requests.RequestException, urllib.error.URLError, tfds.download.DownloadError)
_CORRUPTION_ERRORS: Final = (
    EOFError, ExtractError, gzip.BadGzipFile, lzma.LZMAError, tarfile.TarError, tf.errors.DataLossError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
_MACHINE_ERRORS: Final = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EMFILE,
)  # fmt: skip
_LISTED_FILES: Final = 6


@contextmanager
def explained(builder: tfds.core.DatasetBuilder, manual_dir: Path | None, sources: Mapping[str, Path]) -> Iterator[None]:
    """Inside, every exception that stops the preparation becomes one that says how to fix it.

    Args:
      builder: The dataset that is prepared.
      manual_dir: The directory of source files that need not be downloaded.
      sources: The files in it that the dataset is made from.

    Raises:
      DataError: If source files are missing, corrupt, or cannot be downloaded, or the dataset's own code fails.
      OSError: If the disk is full or a directory cannot be written.
    """
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:
        raise _explain(error, builder, manual_dir, sources) from error


def _explain(
    error: Exception, builder: tfds.core.DatasetBuilder, manual_dir: Path | None, sources: Mapping[str, Path]
) -> Exception:
    chain = list(causes(error))
    name = builder.info.full_name
    if any(isinstance(cause, NonMatchingChecksumError) for cause in chain):
        return DataError(_wrong_checksum(name, builder, sources, error))
    # Before the rest: a full disk stops a download or an extraction as well.
    os_errors = [os_error for cause in chain if (os_error := as_os_error(cause)) is not None]
    for os_error in os_errors:
        if os_error.errno == errno.EISDIR and _is_under(os_error, manual_dir):
            return DataError(
                f"{name} cannot be prepared because {os_error.filename}, one of its source files, is a directory: put the"
                " original file there"
            )
        if os_error.errno in (errno.ENOENT, errno.ENOSPC) and (fault := temporary_files_fault()):
            return PipelineError(fault)
        if os_error.errno in _MACHINE_ERRORS:
            return os_error
    if any(isinstance(cause, _DOWNLOAD_ERRORS) for cause in chain):
        return DataError(_cannot_download(name, builder, manual_dir, sources))
    if any(isinstance(cause, _CORRUPTION_ERRORS) for cause in chain):
        return DataError(_corrupt(name, sources, error))
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS and any(
        isinstance(cause, AssertionError | FileNotFoundError | tf.errors.NotFoundError) for cause in chain
    ):
        return DataError(_fetch_by_hand(name, builder, manual_dir))
    if os_errors:
        return os_errors[0]
    return DataError(f"tensorflow-datasets cannot prepare {name}: {type(error).__name__}: {_first_line(error)}")


def _is_under(error: OSError, directory: Path | None) -> bool:
    path = error.filename
    return directory is not None and isinstance(path, str) and Path(path).is_relative_to(directory)


def _wrong_checksum(name: str, builder: tfds.core.DatasetBuilder, sources: Mapping[str, Path], error: Exception) -> str:
    for info in (builder.url_infos or {}).values():
        path = sources.get(info.filename or "")
        if path is None:
            continue
        size = path.stat().st_size
        if size != info.size:
            found = f"has {size:,} bytes instead of {int(info.size):,}"
        elif sha256_of(path) != info.checksum:
            found = "has the right length but another checksum"
        else:
            continue
        return (
            f"{path} is not the file that {name} is made from: it {found}, so it is cut short, corrupt, or belongs to another"
            " dataset; put the original there, or another directory into manual_dir"
        )
    return f"a download for {name} is not what it should be: {_first_line(error)} Run again to download it anew"


def _cannot_download(name: str, builder: tfds.core.DatasetBuilder, manual_dir: Path | None, sources: Mapping[str, Path]) -> str:
    missing = {
        info.filename or url.rpartition("/")[2]: url
        for url, info in (builder.url_infos or {}).items()
        if (info.filename or "") not in sources
    }
    listed = ", ".join(f"{file} ({url})" for file, url in sorted(missing.items())[:_LISTED_FILES])
    more = f" and {len(missing) - _LISTED_FILES} more" if len(missing) > _LISTED_FILES else ""
    place = f"into {manual_dir}" if manual_dir else "into a directory and set data.manual_dir to it"
    return (
        f"{name} cannot be downloaded from here: fetch {listed or 'its source files'}{more} on a machine that can, and put them"
        f" {place}"
    )


def _corrupt(name: str, sources: Mapping[str, Path], error: Exception) -> str:
    damaged = ", ".join(str(path) for path in sources.values() if _is_damaged_archive(path))
    found = f"{damaged} is cut short or corrupt" if damaged else f"a source file is cut short or corrupt ({_first_line(error)})"
    return f"{name} cannot be prepared because {found}: put the original file there"


def _fetch_by_hand(name: str, builder: tfds.core.DatasetBuilder, manual_dir: Path | None) -> str:
    place = str(manual_dir) if manual_dir else "a directory that manual_dir names"
    instructions = " ".join(str(builder.MANUAL_DOWNLOAD_INSTRUCTIONS).split())
    return f"{name} has to be fetched by hand and put into {place}; tensorflow-datasets says: {instructions}"


def _is_damaged_archive(path: Path) -> bool:
    try:
        if path.suffix in (".gz", ".tgz"):
            with gzip.open(path) as file:
                while file.read(1 << 20):
                    pass
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is not None
        elif path.suffix == ".tar":
            with tarfile.open(path) as tar:
                tar.getmembers()
    except _CORRUPTION_ERRORS:
        return True
    return False


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]
