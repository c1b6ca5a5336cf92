"""The lines about changed images."""

import json
import os
from pathlib import Path

import numpy as np
import orjson
import pytest

from components.artifacts.image_files import Change, Original
from tfx_vae.serving.image_batches import Hint, ImageFile, Notes, hints_about, printable
from tfx_vae.serving.images import PreparedImage, Target

TARGET = Target(28, 28, 1)


def image(*changes: Change, size: tuple[int, int] = (28, 28), edge: float = 0.0) -> PreparedImage:
    pixels = np.zeros((28, 28, 1), np.uint8)
    pixels[14, 14] = 255
    return PreparedImage(pixels, Original("PNG", "L", *size), changes, edge)


def test_each_kind_of_change_has_one_line():
    notes = Notes(TARGET)
    for number, side in enumerate((100, 30, 500, 40)):
        notes.add(Path(f"{number}.png"), image(Change.RESIZED, size=(side, side)), ())
    notes.add(Path("folder/e.jpg"), image(Change.TURNED, Change.PADDED), ())
    notes.add(Path("as-it-is.png"), image(), ())

    assert notes.sentences() == [
        "e.jpg: turned upright (EXIF orientation)",
        "4 images (0.png, 1.png, 2.png, ...): resized from 30x30 to 500x500 to 28x28 pixels",
        "e.jpg: aspect ratio kept by padding with black (--background)",
    ]


@pytest.mark.parametrize("change", Change)
def test_every_change_has_words(change: Change):
    notes = Notes(Target(28, 28, 3, background=(255, 255, 255)))
    notes.add(Path("a.png"), image(change), ())
    [sentence] = notes.sentences()
    assert sentence.startswith("a.png: ")
    assert "black" not in sentence


def test_hints_come_last_and_say_what_to_do():
    notes = Notes(TARGET)
    notes.add(Path("a.png"), image(Change.RESIZED, size=(9, 9)), (Hint.LOOKS_INVERTED,))
    *_, hint = notes.sentences()
    assert hint.startswith("Hint: a.png ")
    assert "--invert" in hint


@pytest.mark.parametrize(
    ("edge", "usual", "looks_inverted"),
    [(0.0, 0.0, False), (1.0, 0.0, True), (0.5, 0.0, False), (0.8, 0.1, True), (0.0, 1.0, True), (1.0, 1.0, False),
     (1.0, 0.45, False), (0.0, 0.5, False), (1.0, 0.5, False)],
)  # fmt: skip
def test_an_image_looks_inverted_if_inverting_makes_its_edge_usual(edge: float, usual: float, looks_inverted: bool):
    assert (Hint.LOOKS_INVERTED in hints_about(image(edge=edge), usual)) is looks_inverted


def test_an_image_of_one_colour_gets_a_hint():
    empty = PreparedImage(np.full((28, 28, 1), 3, np.uint8), Original("PNG", "L", 28, 28), (), 0.01)
    assert hints_about(empty, 0.0) == (Hint.ONE_COLOUR,)
    assert hints_about(image(), 0.0) == ()


def test_a_file_name_that_is_not_utf8_can_be_written_as_json():
    path = Path(os.fsdecode(b"folder/\xe9t\xe9.png"))
    file = ImageFile(path, image(), ())
    assert json.loads(orjson.dumps(file.as_json()))["file"] == r"folder/\xe9t\xe9.png"
    assert file.label == r"\xe9t\xe9"
    assert printable(Path("été.png")) == "été.png"
