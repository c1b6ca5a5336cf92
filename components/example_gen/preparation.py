"""Prepares a dataset, completely or not at all, and again if its source files have changed."""

import errno
import fcntl
import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import tensorflow_datasets as tfds

from components import bucket
from components.artifacts.dataset import INFO_FILE, changed_sources, describe_sources, read_sources, write_sources
from components.errors import ConfigurationError, PipelineError
from components.example_gen.preparation_errors import explained
from components.example_gen.private_tfds import encode_images_together, preparation_settings

_WORK_DIR: Final = ".preparing"

_logger = logging.getLogger(__name__)


def ensure_prepared(builder: tfds.core.DatasetBuilder, manual_dir: Path | None) -> Path:
    """Prepares a dataset unless that has been done from the source files as they are now.

    The records are written to a working directory, which is renamed at the end: a process that is killed leaves nothing that
    looks like a dataset, and the next one removes what is left. Of two processes that want the same dataset one waits for the
    other.

    Args:
      builder: The dataset: from its code, or read from its directory if the version that was asked for is prepared.
      manual_dir: The directory of source files that need not be downloaded.

    Returns:
      The directory of the prepared dataset.

    Raises:
      ConfigurationError: If `manual_dir` is needed and is no directory.
      DataError: If source files are missing, corrupt, or cannot be downloaded, or the record of them is corrupt.
      PipelineError: If the dataset has to be prepared, but nothing may be written where datasets are kept.
      OSError: If the disk is full or a directory cannot be written.
    """
    target = bucket.fetch(Path(builder.data_dir))
    if _is_current(target, manual_dir):
        return target
    if manual_dir is not None and not manual_dir.is_dir():
        raise ConfigurationError(
            f"manual_dir {manual_dir} is not a directory: name the one with the source files of {builder.info.full_name},"
            " or none to download them"
        )
    work = _make_work_dir(builder)
    identity = builder.info.full_name.replace("/", "-")
    with _locked(work / f"{identity}.lock"):
        # Another process may have prepared it in the meantime.
        if not _is_current(target, manual_dir):
            _prepare(builder, manual_dir, work / identity, target)
            bucket.upload(target)
    return target


def _make_work_dir(builder: tfds.core.DatasetBuilder) -> Path:
    work = _root(builder) / _WORK_DIR
    try:
        work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=work):
            return work
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise
        raise PipelineError(
            f"{builder.info.full_name} has to be prepared, but {work.parent} cannot be written ({error.strerror}): choose"
            " another directory with --set data.data_dir=DIRECTORY, or change its permissions"
        ) from error


def _root(builder: tfds.core.DatasetBuilder) -> Path:
    """The directory of all datasets: `builder.data_dir` without the name, the configuration and the version."""
    # `data_dir_root` is another one if the builder was read from a directory.
    return Path(builder.data_dir).parents[builder.info.full_name.count("/")]


def _is_current(target: Path, manual_dir: Path | None) -> bool:
    """Whether the dataset is prepared, from the files that are now in the manual directory."""
    if not (target / INFO_FILE).exists():
        return False
    if manual_dir is None:
        return True
    recorded = read_sources(target)
    files = {name: manual_dir / name for name in recorded if (manual_dir / name).is_file()}
    changed = changed_sources(files, recorded)
    if changed:
        _logger.info("%s has changed since %s was prepared from it: preparing again", changed[0], target)
    return not changed


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a lock that the kernel releases when the process ends, even if it is killed."""
    with path.open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _logger.info("waiting for another process that prepares the same dataset (%s)", path)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _prepare(builder: tfds.core.DatasetBuilder, manual_dir: Path | None, work: Path, target: Path) -> None:
    if work.exists():
        shutil.rmtree(work)
    work.mkdir()
    try:
        prepared = _prepare_in(work, builder, manual_dir)
        if target.exists():
            target.rename(work / "replaced")
        target.parent.mkdir(parents=True, exist_ok=True)
        prepared.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _prepare_in(work: Path, target_builder: tfds.core.DatasetBuilder, manual_dir: Path | None) -> Path:
    """Prepares in the working directory, and records the source files."""
    config = f"/{target_builder.builder_config.name}" if target_builder.builder_config else ""
    builder = tfds.builder(f"{target_builder.name}{config}", version=str(target_builder.version), data_dir=work)
    encode_images_together(builder)
    sources = source_files(builder, manual_dir)
    # Before the records are made, so that a source that changes meanwhile differs from its description.
    described = describe_sources(sources)
    download_config = tfds.download.DownloadConfig(
        manual_dir=manual_dir,
        # An extracted copy of an older source would be taken for that of a new one.
        extract_dir=work / "extracted",
        try_download_gcs=False,
    )
    with explained(builder, manual_dir, sources), preparation_settings(builder.name):
        builder.download_and_prepare(
            download_dir=_root(target_builder) / "downloads",
            download_config=download_config,
            file_format="tfrecord",
        )
    write_sources(Path(builder.data_dir), described)
    return Path(builder.data_dir)


def source_files(builder: tfds.core.DatasetBuilder, manual_dir: Path | None) -> dict[str, Path]:
    """The files of `manual_dir` that a dataset is made from, by their name below it.

    A dataset that would otherwise be downloaded names its files. One that has to be fetched by hand does not: all files count.
    """
    if manual_dir is None:
        return {}
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        files = [path for path in manual_dir.rglob("*") if path.is_file()]
    else:
        names = {info.filename for info in (builder.url_infos or {}).values() if info.filename}
        files = [manual_dir / name for name in names if (manual_dir / name).is_file()]
    return {path.relative_to(manual_dir).as_posix(): path for path in files}
