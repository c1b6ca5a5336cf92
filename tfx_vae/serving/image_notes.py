"""What a person is told about the images that were read: a line for each kind of change, however many images there are."""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from tfx_vae.serving.images import Change, Original, PreparedImage, Target

_NAMED: Final = 3
# Between no difference and that of black and white.
_CLEARLY: Final = 0.2


class Hint(StrEnum):
    """What may be wrong with an image."""

    LOOKS_INVERTED = "looks_inverted"
    ONE_COLOUR = "one_colour"


def hints_about(image: PreparedImage, usual_edge: float) -> tuple[Hint, ...]:
    """What may be wrong with an image as the model would get it.

    An image looks inverted if its edge would be clearly closer to the usual one with light and dark exchanged. Where that is
    neither dark nor light, as in photographs, none does.

    Args:
      image: The image.
      usual_edge: Brightness in [0, 1] at the edge of the images that the model knows.
    """
    hints = []
    if abs(image.edge - usual_edge) - abs(1 - image.edge - usual_edge) > _CLEARLY:
        hints.append(Hint.LOOKS_INVERTED)
    if image.pixels.min() == image.pixels.max():
        hints.append(Hint.ONE_COLOUR)
    return tuple(hints)


_ADVICE: Final = {
    Hint.LOOKS_INVERTED: "may have to be inverted: light and dark are the other way round at the edge than in what the model "
    "draws; --invert exchanges them.",
    Hint.ONE_COLOUR: "shown to the model as nothing but one colour; a drawing on a transparent ground may need --invert or "
    "--background.",
}


class _Group:
    """Images of which the same is said."""

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
        """`from 640x480`, or `from 100x100 to 640x480`, the smallest and the largest by area."""
        return "from " + " to ".join(f"{width}x{height}" for width, height in self._sizes)

    def __str__(self) -> str:
        if self._count == 1:
            return self._names[0]
        more = ", ..." if self._count > _NAMED else ""
        return f"{self._count} images ({', '.join(self._names)}{more})"


class Notes:
    """Collects what was done to images; its size does not grow with their number."""

    def __init__(self, target: Target) -> None:
        """Starts with none.

        Args:
          target: What the images are brought to.
        """
        self._target = target
        self._changed: dict[Change, _Group] = defaultdict(_Group)
        self._hinted: dict[Hint, _Group] = defaultdict(_Group)

    def add(self, path: Path, image: PreparedImage, hints: Sequence[Hint]) -> None:
        """Notes one image."""
        for change in image.changes:
            self._changed[change].add(path, image.original)
        for hint in hints:
            self._hinted[hint].add(path, image.original)

    def sentences(self) -> list[str]:
        """A line for each kind of change, in the order in which they are done, and then for each kind of hint."""
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
            Change.TURNED: "turned upright, as the camera noted (EXIF)",
            Change.EIGHT_BITS: "16 bits a pixel reduced to 8",
            Change.INVERTED: "light and dark exchanged",
            Change.LAID_ON_BACKGROUND: f"transparent parts laid on {background} (--background)",
            Change.COLOURS: "colours turned into grey" if target.channels == 1 else "grey turned into red, green and blue",
            Change.STRETCHED: "contrast stretched",
            Change.PADDED: f"aspect ratio kept, with {background} on two sides (--background)",
        }[change]
