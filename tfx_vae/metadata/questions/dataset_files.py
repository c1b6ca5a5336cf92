"""Which files a prepared dataset was made from."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from components.artifacts.dataset import read_sources
from components.errors import DataError


def dataset_files(prepared_directory: str | None) -> dict[str, Any]:
    """Finds the files behind the records that TfdsExampleGen read.

    Args:
      prepared_directory: Where it found the prepared dataset.

    Returns:
      `prepared_directory`; `records`, its files of records; and `sources`, what those were made from, each with its `path`,
      `size` in bytes and `sha256`. Both lists are empty where the directory is gone, the second also where nobody wrote it
      down.
    """
    if prepared_directory is None:
        return {}
    directory = Path(prepared_directory)
    try:
        sources = read_sources(directory)
    except (OSError, DataError):
        sources = {}
    return {
        "prepared_directory": prepared_directory,
        "records": [str(path) for path in sorted(directory.glob("*.tfrecord*"))],
        "sources": [
            {name: value for name, value in asdict(source).items() if name != "modified_ns"} for source in sources.values()
        ],
    }
