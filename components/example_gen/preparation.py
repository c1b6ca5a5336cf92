"""Prepares a dataset so that it is there whole or not at all, and again where its source files have changed."""

import fcntl
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import tensorflow_datasets as tfds

from components.artifacts.dataset import changed_sources, describe_sources, read_sources, write_sources
from components.errors import ConfigurationError
from components.example_gen.preparation_errors import explained
from components.example_gen.tfds_internals import preparation_settings

_WORK_DIR: Final = ".preparing"

_logger = logging.getLogger(__name__)


def ensure_prepared(builder: tfds.core.DatasetBuilder, manual_dir: Path | None) -> Path:
    """Prepares a dataset unless that has been done from the source files as they are now.

    The work is done in a directory of its own and renamed at the end: a process that is killed leaves nothing that is taken for
    a dataset, and the next one clears up after it. Of two processes that want the same dataset one waits for the other.

    Args:
      builder: The dataset, by its code, or read from its directory if a version was asked for that is already there.
      manual_dir: Where source files lie that need not be downloaded.

    Returns:
      The directory of the prepared dataset.

    Raises:
      ConfigurationError: If `manual_dir` is needed and is no directory.
      DataError: If source files are missing, corrupt, or cannot be downloaded.
      OSError: If the disk is full or a directory cannot be written.
    """
    target = Path(builder.data_dir)
    if _is_current(target, manual_dir):
        return target
    if manual_dir is not None and not manual_dir.is_dir():
        raise ConfigurationError(
            f"manual_dir {manual_dir} is not a directory: name the one with the source files of {builder.info.full_name},"
            " or none to download them"
        )
    work = _root(builder) / _WORK_DIR
    work.mkdir(parents=True, exist_ok=True)
    identity = builder.info.full_name.replace("/", "-")
    with _locked(work / f"{identity}.lock"):
        # Another process may have prepared it in the meantime.
        if not _is_current(target, manual_dir):
            _prepare(builder, manual_dir, work / identity, target)
    return target


def _root(builder: tfds.core.DatasetBuilder) -> Path:
    """Where datasets are kept: `builder.data_dir` without the name, the configuration and the version."""
    # `data_dir_root` is not that for a builder that was read from a directory.
    return Path(builder.data_dir).parents[builder.info.full_name.count("/")]


def _is_current(target: Path, manual_dir: Path | None) -> bool:
    """Whether the dataset is there and was made from what now lies in the manual directory."""
    if not (target / "dataset_info.json").exists():
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
    """Holds a lock that the kernel gives back when the process ends, however it ends."""
    with path.open("w") as file:
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
    """Prepares in the work directory, and writes down what from."""
    config = f"/{target_builder.builder_config.name}" if target_builder.builder_config else ""
    builder = tfds.builder(f"{target_builder.name}{config}", version=str(target_builder.version), data_dir=work)
    sources = source_files(builder, manual_dir)
    # Before the records are made: a source that changes meanwhile then differs from what was written down.
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

    Those that the dataset would otherwise download have known names. A dataset that can only be fetched by hand reads what it
    likes: all files count.
    """
    if manual_dir is None:
        return {}
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        files = [path for path in manual_dir.rglob("*") if path.is_file()]
    else:
        names = {info.filename for info in (builder.url_infos or {}).values() if info.filename}
        files = [manual_dir / name for name in names if (manual_dir / name).is_file()]
    return {path.relative_to(manual_dir).as_posix(): path for path in files}
