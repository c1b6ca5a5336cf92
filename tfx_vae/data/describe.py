"""What is in a folder of images, and a configuration to start from."""

import statistics
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PIL import Image
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from components.artifacts.image_files import decode, opened, pixels_digest
from components.errors import DataError
from components.example_gen.image_folder import find_folder
from pipelines.strict_yaml import write_yaml
from tfx_vae.data.contact_sheet import MOST, thumbnail

_NAMED: Final = 10
_LONGEST_EDGE: Final = 64
"""Of the proposed shape: larger images take long to train on."""
_MULTIPLE: Final = 4
"""So that a convolutional network can halve the image twice."""
_FEW: Final = 2000
"""With fewer images, a twentieth is too few to judge a model by."""


@dataclass
class Description:
    """What is in a folder.

    Attributes:
      location: The folder or pattern.
      files: How many there are.
      sizes: How many images have each width and height.
      modes: How many have each of Pillow's pixel types.
      grey: How many become grey images.
      labels: How many have each label; empty without labels.
      splits: How many are in each split folder; empty without split folders.
      duplicates: Groups of names with the same pixels.
      broken: Names and reasons.
      thumbnails: Of some images, at even distances in the order of their names.
    """

    location: str
    files: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    grey: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)
    duplicates: list[list[str]] = field(default_factory=list)
    broken: list[tuple[str, str]] = field(default_factory=list)
    thumbnails: list[Image.Image] = field(default_factory=list)


def look_at(location: str) -> Description:
    """Decodes every image of a folder, one after another.

    Raises:
      ConfigurationError: There is no such folder, or no image in it.
    """
    folder = find_folder(str(Path(location).absolute()))
    found = Description(str(Path(location).absolute()), len(folder.files))
    names: dict[bytes, list[str]] = {}
    every = -(-len(folder.files) // MOST)
    for number, file in enumerate(track(folder.files, "decoding", console=Console(stderr=True), transient=True)):
        try:
            with opened(Path(file.path), file.name) as image:
                decoded = decode(image)
                pixels = decoded.laid_on((0, 0, 0))
        except DataError as error:
            found.broken.append((file.name, str(error).removeprefix(f"{file.name} ")))
            continue
        found.sizes[pixels.size] += 1
        found.modes[decoded.original.mode] += 1
        found.grey += pixels.mode == "L"
        if file.label is not None:
            found.labels[file.label] += 1
        if file.split is not None:
            found.splits[file.split] += 1
        if number % every == 0:
            found.thumbnails.append(thumbnail(pixels))
        names.setdefault(pixels_digest(pixels), []).append(file.name)
    found.duplicates = [group for group in names.values() if len(group) > 1]
    return found


def propose(found: Description) -> dict[str, object]:
    """A configuration to start from.

    Args:
      found: With one image at least.
    """
    data: dict[str, object] = {"images": found.location}
    total = found.sizes.total()
    if not found.splits and total < _FEW:
        data["fractions"] = {"train": 0.7, "eval": 0.15, "test": 0.15}
    if found.broken and len(found.broken) > 0.01 * found.files:
        data["max_broken"] = round(len(found.broken) / found.files + 0.005, 2)
    width, height = (statistics.median(size[axis] for size in found.sizes.elements()) for axis in (0, 1))
    scale = min(1.0, _LONGEST_EDGE / max(width, height))
    shape = [max(_MULTIPLE, round(edge * scale / _MULTIPLE) * _MULTIPLE) for edge in (height, width)]
    transform: dict[str, object] = {"image_shape": [*shape, 1 if found.grey == total else 3]}
    if len(found.sizes) > 1 or (shape[1], shape[0]) not in found.sizes:
        transform["fit"] = "crop"
    name = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in Path(found.location).name.lower())
    return {
        "name": name.strip("-")[:63].strip("-") or "images",
        "data": data,
        "transform": transform,
        "model": {"network": "conv"},
    }


def print_description(found: Description, sheet: Path | None, console: Console) -> None:
    """Prints the figures and, if there is an image, a configuration.

    Args:
      found: What is in the folder.
      sheet: The file with the contact sheet; None if there is none.
      console: Where to print.
    """

    def line(title: str, text: str) -> None:
        console.print(f"[bold]{title:<11}[/]{escape(text)}", highlight=False, soft_wrap=True)

    line("Images", f"{found.sizes.total():,} of {found.files:,} files can be decoded")
    line("Sizes", _counted({f"{width} x {height}": count for (width, height), count in found.sizes.most_common()}))
    line("Modes", _counted(dict(found.modes.most_common())))
    line("Labels", _counted(dict(sorted(found.labels.items()))) if found.labels else "none: no subfolders")
    if found.splits:
        line("Splits", _counted(dict(found.splits.most_common())))
    line("Duplicates", f"{sum(len(group) - 1 for group in found.duplicates):,}")
    for group in found.duplicates[:_NAMED]:
        line("", " = ".join(group))
    line("Broken", f"{len(found.broken):,}")
    for name, reason in found.broken[:_NAMED]:
        line("", f"{name} {reason}")
    if sheet is not None:
        line("Sheet", f"{sheet} shows {len(found.thumbnails):,} of the images")
    if found.sizes:
        console.print("\nA configuration to start from, for --config FILE:\n---", highlight=False)
        console.print(write_yaml(propose(found)), end="", markup=False, highlight=False, soft_wrap=True)


def _counted(counts: dict[str, int]) -> str:
    named = [f"{name} ({count:,})" for name, count in list(counts.items())[:_NAMED]]
    more = [f"and {len(counts) - _NAMED:,} more"] if len(counts) > _NAMED else []
    return ", ".join([*named, *more]) or "none"
