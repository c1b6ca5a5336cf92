"""`tfx-vae data`: what is said of a folder, and MNIST as a folder of spans."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from components.example_gen.image_folder import find_folder
from components.example_gen.image_spans import latest_spans
from pipelines.config import load_config
from tfx_vae.cli import main
from tfx_vae.data.contact_sheet import thumbnail, write_sheet


@pytest.fixture
def shoes(tmp_path: Path) -> Path:
    """Three photographs of two sizes, a duplicate of one in another format, and a file that is no image."""
    folder = tmp_path / "My shoes"
    for label in ("boot", "heel"):
        (folder / label).mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, size in (("boot/a", (300, 200)), ("boot/b", (300, 200)), ("heel/c", (100, 100))):
        Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), np.uint8)).save(folder / f"{name}.png")
    Image.open(folder / "boot" / "a.png").save(folder / "heel" / "copy.bmp")
    (folder / "heel" / "empty.jpg").touch()
    return folder


def test_a_folder_is_described_and_its_configuration_is_valid(shoes: Path, tmp_path: Path):
    sheet = tmp_path / "sheet.png"
    done = CliRunner().invoke(main, ["data", "describe", str(shoes), "--sheet", str(sheet)])

    assert done.exit_code == 0, done.output
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "Images 4 of 5 files can be decoded" in lines
    assert "Sizes 300 x 200 (3), 100 x 100 (1)" in lines
    assert "Modes RGB (4)" in lines
    assert "Labels boot (2), heel (2)" in lines
    assert "boot/a.png = heel/copy.bmp" in lines
    assert "heel/empty.jpg is empty." in lines
    assert f"Sheet {sheet} shows 4 of the images" in lines
    with Image.open(sheet) as drawn:
        assert drawn.size == (4 * 100 + 4, 104)
    path = tmp_path / "shoes.yaml"
    path.write_text(done.stdout.partition("---\n")[2])
    config = load_config(path)
    assert (config.name, config.data.images) == ("my-shoes", shoes)
    # 300 x 200 scaled to 64 x 42.7, in multiples of 4.
    assert config.transform.image_shape == (44, 64, 3)
    assert config.transform.fit == "crop"
    assert config.data.max_broken >= 0.2


def test_an_empty_folder_is_one_sentence(tmp_path: Path):
    done = CliRunner().invoke(main, ["data", "describe", str(tmp_path)])
    assert done.exit_code == 2
    assert "there is no image in" in " ".join(done.stderr.split())


def test_mnist_becomes_spans_of_labelled_digits(tmp_path: Path):
    done = CliRunner().invoke(main, ["data", "split", "--spans", "3", "--images", "50", "--output", str(tmp_path / "spans")])

    assert done.exit_code == 0, done.output
    assert [len(find_folder(str(tmp_path / "spans" / f"span-{span}")).files) for span in (1, 2, 3)] == [17, 17, 16]
    assert latest_spans(str(tmp_path / "spans" / "span-{SPAN}"), 1) == [(str(tmp_path / "spans" / "span-3"), 3, None)]
    # The first training digit is a 5.
    with Image.open(tmp_path / "spans" / "span-1" / "5" / "00000.png") as first:
        assert (first.size, first.mode) == ((28, 28), "L")
    again = CliRunner().invoke(main, ["data", "split", "--output", str(tmp_path / "spans")])
    assert again.exit_code == 2
    assert "is not an empty directory" in " ".join(again.stderr.split())


def test_a_contact_sheet_shows_images_in_their_places(tmp_path: Path):
    colours = [(number, 255 - number, 7) for number in range(12)]
    write_sheet([thumbnail(Image.new("RGB", (5, 3), colour)) for colour in colours], tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (10 * 100 + 4, 2 * 100 + 4)
        # 19 times as large, 95 x 57, in the middle of 96 x 96.
        assert [sheet.getpixel((4 + 100 * (n % 10) + 48, 4 + 100 * (n // 10) + 48)) for n in range(12)] == colours
        assert sheet.getpixel((4 + 48, 4 + 18)) == (128, 128, 128)
        assert sheet.getpixel((4 + 48, 4 + 20)) == colours[0]
        assert sheet.getpixel((204 + 48, 104 + 48)) == (128, 128, 128)


def test_a_sheet_that_cannot_be_written_is_one_sentence(shoes: Path, tmp_path: Path):
    done = CliRunner().invoke(main, ["data", "describe", str(shoes), "--sheet", str(tmp_path / "no" / "sheet.png")])
    assert done.exit_code == 2
    assert "sheet.png cannot be written (No such file or directory); name another file." in " ".join(done.stderr.split())
