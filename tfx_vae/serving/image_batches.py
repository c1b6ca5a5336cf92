"""Reads many image files in batches, and says what was done to them: one line for each kind of change."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from components.artifacts.image_files import Change, Original, Pixels, opened
from components.errors import DataError
from tfx_vae.serving.images import PreparedImage, Target, read_image

_LOOKED_AT_FIRST: Final = 16
_NAMED: Final = 3
# A difference in brightness; that of black and white is 1.
_CLEARLY: Final = 0.2


class Hint(StrEnum):
    """What may be wrong with an image."""

    LOOKS_INVERTED = "looks_inverted"
    ONE_COLOUR = "one_colour"


_ADVICE: Final = {
    Hint.LOOKS_INVERTED: "may need --invert: the edge is light where the model's images are dark, or the reverse.",
    Hint.ONE_COLOUR: "has a single colour after preparation; a drawing on a transparent background may need --invert or "
    "--background.",
}


def hints_about(image: PreparedImage, usual_edge: float) -> tuple[Hint, ...]:
    """What may be wrong with an image as the model would get it.

    An image looks inverted if inverting it would bring its edge clearly closer to the usual brightness. Where the usual edge
    is neither dark nor light, as in photographs, no image looks inverted.

    Args:
      image: The image.
      usual_edge: Brightness in [0, 1] at the edge of the images that the model generates.
    """
    hints = []
    if abs(image.edge - usual_edge) - abs(1 - image.edge - usual_edge) > _CLEARLY:
        hints.append(Hint.LOOKS_INVERTED)
    if image.pixels.min() == image.pixels.max():
        hints.append(Hint.ONE_COLOUR)
    return tuple(hints)


@dataclass(frozen=True)
class ImageFile:
    """An image file as the model takes it.

    Attributes:
      path: As given, or found below a given directory.
      image: The prepared image.
      hints: What may be wrong with it.
    """

    path: Path
    image: PreparedImage
    hints: tuple[Hint, ...]

    @property
    def label(self) -> str:
        """Its name on a sheet."""
        return printable(self.path.stem)

    def as_json(self) -> dict[str, Any]:
        """Everything but its pixels."""
        return {
            "file": printable(self.path),
            "original": self.image.original._asdict(),
            "changes": self.image.changes,
            "hints": self.hints,
        }


def printable(text: Path | str) -> str:
    r"""A path, or a sentence with one, as valid Unicode: bytes of a file name that are not UTF-8 become `\xff`."""
    return str(text).encode(errors="surrogateescape").decode(errors="backslashreplace")


class ImageBatches:
    """Reads files in batches, so that memory does not grow with their number."""

    def __init__(self, paths: Sequence[Path], skip_unreadable: bool) -> None:
        """Checks the first files, because loading a model afterwards takes seconds.

        Args:
          paths: Image files.
          skip_unreadable: Whether files that cannot be read are left out instead of being an error.

        Raises:
          DataError: One of the first files cannot be read.
        """
        self._paths = paths
        self._skip_unreadable = skip_unreadable
        self._skipped: dict[Path, str] = {}
        if not skip_unreadable:
            for path in paths[:_LOOKED_AT_FIRST]:
                with opened(path):
                    pass

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, target: Target, size: int, preface: str = "") -> Iterator[list[ImageFile]]:
        """Yields batches in the order of the files; at the end, says on standard error what was changed.

        Args:
          target: The shape that the images get.
          size: Images in a batch.
          preface: Text in front of each sentence.

        Raises:
          DataError: A file cannot be read.
        """
        notes = Notes(target)
        console = Console(stderr=True, highlight=False)
        columns = "{task.description}", MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("images", total=len(self._paths))
            for start in range(0, len(self._paths), size):
                batch = list(self._read_files(self._paths[start : start + size], target))
                for file in batch:
                    notes.add(file.path, file.image, file.hints)
                if batch:
                    yield batch
                progress.advance(task, len(self._paths[start : start + size]))
        for sentence in (*notes.sentences(), *self._skipped_sentence()):
            style = "yellow" if sentence.startswith("Hint") else "dim"
            console.print(preface + sentence, style=style, markup=False, soft_wrap=True)

    def _read_files(self, paths: Sequence[Path], target: Target) -> Iterator[ImageFile]:
        for path in paths:
            try:
                image = read_image(path, target)
            except DataError as error:
                if not self._skip_unreadable:
                    raise
                self._skipped[path] = str(error)
                continue
            yield ImageFile(path, image, hints_about(image, target.usual_edge))

    def skipped_json(self) -> dict[str, Any]:
        """The files that were left out so far, and why."""
        return {"skipped": [{"file": printable(path), "reason": printable(reason)} for path, reason in self._skipped.items()]}

    def _skipped_sentence(self) -> list[str]:
        if not self._skipped:
            return []
        more = f" (and {len(self._skipped) - 1} more)" if len(self._skipped) > 1 else ""
        return [f"Left out: {next(iter(self._skipped.values()))}{more}"]


def stacked(files: Sequence[ImageFile]) -> Pixels:
    """The pixels of a batch, uint8 [N, height, width, channels]."""
    return np.stack([file.image.pixels for file in files])


class Notes:
    """Collects changes and hints; its size does not grow with the number of images."""

    def __init__(self, target: Target) -> None:
        """Starts empty.

        Args:
          target: The shape that the images get.
        """
        self._target = target
        self._changed: dict[Change, _Group] = defaultdict(_Group)
        self._hinted: dict[Hint, _Group] = defaultdict(_Group)

    def add(self, path: Path, image: PreparedImage, hints: Sequence[Hint]) -> None:
        """Records one image."""
        for change in image.changes:
            self._changed[change].add(path, image.original)
        for hint in hints:
            self._hinted[hint].add(path, image.original)

    def sentences(self) -> list[str]:
        """A line for each kind of change, in the order of `Change`, then a line for each kind of hint."""
        return [
            *(f"{self._changed[change]}: {self._describe(change)}" for change in Change if change in self._changed),
            *(f"Hint: {self._hinted[hint]} {_ADVICE[hint]}" for hint in Hint if hint in self._hinted),
        ]

    def _describe(self, change: Change) -> str:
        target = self._target
        background = "#{:02x}{:02x}{:02x}".format(*target.background) if any(target.background) else "black"
        if change is Change.RESIZED:
            return f"resized {self._changed[change].sizes()} to {target.width}x{target.height} pixels"
        return {
            Change.FIRST_FRAME: "only the first frame was taken",
            Change.TURNED: "turned upright (EXIF orientation)",
            Change.EIGHT_BITS: "16 bits per channel reduced to 8",
            Change.INVERTED: "light and dark exchanged",
            Change.LAID_ON_BACKGROUND: (f"transparent parts replaced with {background} (--background)"),
            Change.COLOURS: "colours converted to grey" if target.channels == 1 else "grey converted to red, green and blue",
            Change.STRETCHED: "contrast stretched",
            Change.CROPPED: "cut off on two sides, because the model was trained with transform.fit: crop",
            Change.PADDED: f"aspect ratio kept by padding with {background} (--background)",
        }[change]


class _Group:
    """The images that a sentence is about."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._count = 0
        self._sizes: list[tuple[int, int]] = []

    def add(self, path: Path, original: Original) -> None:
        self._count += 1
        if len(self._names) < _NAMED:
            self._names.append(path.name)
        by_area = sorted({*self._sizes, (original.width, original.height)}, key=lambda size: size[0] * size[1])
        self._sizes = [by_area[0], by_area[-1]] if len(by_area) > 1 else by_area

    def sizes(self) -> str:
        """`from 640x480`, or `from 100x100 to 640x480`: the smallest and the largest by area."""
        return "from " + " to ".join(f"{width}x{height}" for width, height in self._sizes)

    def __str__(self) -> str:
        if self._count == 1:
            return self._names[0]
        more = ", ..." if self._count > _NAMED else ""
        return f"{self._count} images ({', '.join(self._names)}{more})"
