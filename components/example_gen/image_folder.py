"""Finds the image files of a folder or pattern, with the split and the label that their folders name.

Imports neither tensorflow nor tfx, so that commands may use it.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import iglob
from pathlib import Path, PurePath
from typing import Final, NamedTuple

from components.artifacts.features import SPLITS
from components.artifacts.image_files import SUFFIXES
from components.errors import ConfigurationError

_WILD: Final = "*?["


class FoundFile(NamedTuple):
    """An image file.

    Attributes:
      path: Where it is.
      name: Its path from the folder, for messages and reports.
      split: The split that its folder names; None if its content decides.
      label: Its subfolder; None without subfolders.
    """

    path: str
    name: str
    split: str | None
    label: str | None


@dataclass(frozen=True)
class ImageFolder:
    """The image files of a folder, in the order of their names."""

    root: Path
    files: Sequence[FoundFile]

    @property
    def label_names(self) -> list[str]:
        """The sorted names of the subfolders; none if the images have no labels."""
        return sorted({file.label for file in self.files if file.label is not None})

    def fingerprint(self) -> str:
        """A digest of the names, sizes and times of all files, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for file in self.files:
            size, modified_ns = _size_and_time(Path(file.path))
            digest.update(f"{len(file.name)} {file.name} {size} {modified_ns}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def find_folder(location: str) -> ImageFolder:
    """Lists the images of a folder, `DIR`, or of a pattern, `DIR/*.png` or `DIR/*/*.jpg`.

    Subfolders are labels. If the folder consists of `train`, `eval` and `test`, those are splits, and their subfolders labels.

    Raises:
      ConfigurationError: There is no such folder, no image in it, it cannot be read, or its subfolders contradict each other.
    """
    root = _fixed_part(location)
    if not root.is_dir():
        raise ConfigurationError(f"data.images: there is no directory {root}.")
    paths = sorted(_matching(location))
    if not paths:
        raise ConfigurationError(
            f"data.images: there is no image in {location}: no file ends in {', '.join(SUFFIXES[:3])} or the like."
        )
    names = [PurePath(path).relative_to(root) for path in paths]
    with_splits = _has_split_folders(root, names)
    labels = [_label(name, with_splits) for name in names]
    if len({label is None for label in labels}) > 1:
        loose = [str(name) for name, label in zip(names, labels, strict=True) if label is None]
        raise ConfigurationError(
            f"data.images: {len(loose):,} images of {root} lie beside the folders of labels, e.g. {loose[0]}: put every image"
            " into a folder with the name of its label, or none."
        )
    return ImageFolder(
        root,
        [
            FoundFile(path, str(name), name.parts[0] if with_splits else None, label)
            for path, name, label in zip(paths, names, labels, strict=True)
        ],
    )


def choose_split(digest: bytes, fractions: Mapping[str, float]) -> str:
    """The split of an image, which depends on nothing but its content.

    Args:
      digest: Of its pixels; uniformly distributed.
      fractions: By split, with the sum 1. Each split has an interval, in the order of `SPLITS`.
    """
    place = int.from_bytes(digest[:8]) / 2**64
    end = 0.0
    for split in SPLITS:
        end += fractions[split]
        if place < end:
            return split
    return next(split for split in reversed(SPLITS) if fractions[split] > 0)  # the sum is 1 only up to rounding


def _fixed_part(location: str) -> Path:
    """The folders before the first wildcard."""
    parts = PurePath(location).parts
    wild = next((index for index, part in enumerate(parts) if set(part) & set(_WILD)), len(parts))
    return Path(*parts[:wild]) if _is_pattern(location) else Path(location)


def _is_pattern(location: str) -> bool:
    """A folder may have such a character in its name."""
    return bool(set(location) & set(_WILD)) and not Path(location).exists()


def _matching(location: str) -> Iterator[str]:
    for path in iglob(location, recursive=True) if _is_pattern(location) else [location]:  # noqa: PTH207 (as TFX does)
        if Path(path).is_dir():
            yield from _below(path)
        elif _is_image(Path(path)):
            yield path


def _below(directory: str) -> Iterator[str]:
    for folder, subfolders, names in os.walk(directory, onerror=_refuse, followlinks=True):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        yield from (f"{folder}/{name}" for name in names if _is_image(Path(name)))


def _is_image(path: Path) -> bool:
    return not path.name.startswith(".") and path.suffix.lower() in SUFFIXES


def _size_and_time(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:  # a link that leads nowhere; reading it fails too, with a reason
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _refuse(error: OSError) -> None:
    raise ConfigurationError(
        f"data.images: {error.filename} cannot be read ({error.strerror}): fix its permissions."
    ) from error


def _has_split_folders(root: Path, names: Sequence[PurePath]) -> bool:
    counts = Counter(name.parts[0] if len(name.parts) > 1 else "" for name in names)
    named = [split for split in SPLITS if split in counts]
    if not named or not set(counts) <= set(SPLITS):
        return False
    if missing := [split for split in SPLITS if split not in counts]:
        raise ConfigurationError(
            f"data.images: {root} has {' and '.join(named)}, but no images in {' and '.join(missing)}: add that folder, or move"
            " the images out of the split folders, so that their content decides (data.fractions)."
        )
    return True


def _label(name: PurePath, with_splits: bool) -> str | None:
    folders = name.parts[1 if with_splits else 0 : -1]
    return folders[0] if folders else None
