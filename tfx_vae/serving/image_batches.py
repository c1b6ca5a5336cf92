"""Many image files as batches for a model, so that memory does not grow with their number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from components.errors import DataError
from tfx_vae.serving.image_files import opened
from tfx_vae.serving.image_notes import Hint, Notes, hints_about
from tfx_vae.serving.images import Pixels, PreparedImage, Target, read_image

_LOOKED_AT_FIRST: Final = 16


@dataclass(frozen=True)
class ImageFile:
    """A file and the image in it, as the model takes it.

    Attributes:
      path: As it was given, or found below what was given.
      image: What the model gets.
      hints: What may be wrong with it.
    """

    path: Path
    image: PreparedImage
    hints: tuple[Hint, ...]

    def as_json(self) -> dict[str, Any]:
        """Whatever is known about it but its pixels."""
        return {
            "file": str(self.path),
            "original": self.image.original._asdict(),
            "changes": self.image.changes,
            "hints": self.hints,
        }


class ImageBatches:
    """Reads files, a batch at a time, and notes what was done to them."""

    def __init__(self, paths: Sequence[Path], skip_unreadable: bool) -> None:
        """Looks into the first files, since loading a model takes seconds.

        Args:
          paths: Image files.
          skip_unreadable: Whether a file that cannot be read is left out, rather than an error.

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
        """Batches in the order of the files; at the end, says what was done to them on standard error.

        Args:
          target: What the images are brought to.
          size: Images in a batch.
          preface: What stands before each sentence.

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
        """Which files were left out until now, and why."""
        return {"skipped": [{"file": str(path), "reason": reason} for path, reason in self._skipped.items()]}

    def _skipped_sentence(self) -> list[str]:
        if not self._skipped:
            return []
        more = f" (and {len(self._skipped) - 1} more)" if len(self._skipped) > 1 else ""
        return [f"Left out: {next(iter(self._skipped.values()))}{more}"]


def stacked(files: Sequence[ImageFile]) -> Pixels:
    """The pixels of a batch, uint8 [N, height, width, channels]."""
    return np.stack([file.image.pixels for file in files])
