"""A folder of images of all kinds, through the real driver and executor."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tfx.types import standard_artifacts

from components.artifacts.labels import read_label_names
from components.errors import ConfigurationError, DataError
from components.example_gen.image_component import ImageExampleGen
from components.example_gen.image_driver import complete_properties
from components.example_gen.image_executor import Executor

FRACTIONS = {"train": 0.6, "eval": 0.2, "test": 0.2}
Run = Callable[..., standard_artifacts.Examples]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs driver and executor as TFX's launcher does."""

    def start(images: str | Path, **arguments: Any) -> standard_artifacts.Examples:
        properties = ImageExampleGen(images=images, **{"fractions": FRACTIONS, **arguments}).exec_properties
        given = {name: value for name, value in properties.items() if value is not None}
        examples = standard_artifacts.Examples()
        examples.uri = str(tmp_path / "output" / str(len(list(tmp_path.glob("output/*")))))
        beam = ["--runner=FnApiRunner", "--sdk_container_image=none"]
        context = Executor.Context(beam_pipeline_args=beam, tmp_dir=str(tmp_path / "beam"), unique_id="1")
        Executor(context).Do({}, {"examples": [examples]}, complete_properties(given))
        return examples

    return start


def read(examples: standard_artifacts.Examples) -> dict[str, list[tuple[int | None, Image.Image]]]:
    """Label and image of every example by split."""
    content = {}
    for split in ("train", "eval", "test"):
        files = [str(path) for path in sorted(Path(examples.uri, f"Split-{split}").iterdir())]
        content[split] = [_decoded(record) for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()]
    return content


def _decoded(record: bytes) -> tuple[int | None, Image.Image]:
    features = tf.train.Example.FromString(record).features.feature
    label = features["label"].int64_list.value[0] if "label" in features else None
    return label, Image.open(io.BytesIO(features["image"].bytes_list.value[0]))


def save(path: Path, image: Image.Image, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)


def noise(seed: int, size: tuple[int, int] = (6, 4)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0]), np.uint8))


@pytest.fixture
def shoes(tmp_path: Path) -> Path:
    """Three labels, every kind of image, a duplicate in another format, and two broken files."""
    folder = tmp_path / "shoes"
    exif = Image.Exif()
    exif[0x0112] = 6
    save(folder / "sandal" / "turned.png", noise(0), exif=exif)
    save(folder / "sandal" / "duplicate.bmp", noise(1))
    save(folder / "boot" / "original.png", noise(1))
    save(folder / "boot" / "sixteen.png", Image.fromarray(np.full((3, 5), 257 * 100, np.uint16)))
    save(folder / "heel" / "transparent.webp", Image.new("RGBA", (2, 2), (200, 100, 50, 51)), lossless=True)
    for index in range(30):
        save(folder / ("boot", "heel", "sandal")[index % 3] / "more" / f"{index}.png", noise(10 + index))
    (folder / "heel" / "empty.jpg").touch()
    (folder / "boot" / "half.png").write_bytes((folder / "boot" / "original.png").read_bytes()[:50])
    (folder / "notes.txt").write_text("not an image")
    return folder


def test_a_folder_becomes_examples(run: Run, shoes: Path):
    examples = run(shoes, max_broken=0.1, shards=2)

    content = read(examples)
    everything = [pair for pairs in content.values() for pair in pairs]
    assert len(everything) == 35
    assert all(content.values())
    assert read_label_names(examples.uri) == ["boot", "heel", "sandal"]
    assert sorted(image.size for _, image in everything if image.size != (6, 4)) == [(2, 2), (4, 6), (5, 3)]
    [(label, upright)] = [pair for pair in everything if pair[1].size == (4, 6)]
    assert label == 2
    assert upright.tobytes() == noise(0).transpose(Image.Transpose.ROTATE_270).tobytes()
    [(_, sixteen)] = [pair for pair in everything if pair[1].size == (5, 3)]
    assert (sixteen.mode, sixteen.getextrema()) == ("L", (100, 100))
    [(label, laid_on_black)] = [pair for pair in everything if pair[1].size == (2, 2)]
    assert (label, laid_on_black.mode, laid_on_black.getpixel((0, 0))) == (1, "RGB", (40, 20, 10))

    twins = [{label for label, image in pairs if image.tobytes() == noise(1).tobytes()} for pairs in content.values()]
    assert sorted(twins, key=len) == [set(), set(), {0, 2}]

    table = list(csv.reader(Path(examples.uri, "broken_files.csv").read_text().splitlines()))
    assert table[0] == ["file", "reason"]
    assert [row[0] for row in table[1:]] == ["boot/half.png", "heel/empty.jpg"]
    assert table[2][1] == "is empty."
    assert examples.get_int_custom_property("broken_files") == 2
    assert examples.get_int_custom_property("span") == 0
    assert {path.name for path in Path(examples.uri).iterdir()} == {
        "Split-train", "Split-eval", "Split-test", "labels.json", "broken_files.csv",
    }  # fmt: skip


def test_an_image_keeps_its_split_when_others_are_added(run: Run, shoes: Path):
    def splits(examples: standard_artifacts.Examples) -> dict[bytes, str]:
        return {image.tobytes(): split for split, pairs in read(examples).items() for _, image in pairs}

    before = splits(run(shoes, max_broken=0.1))
    for index in range(20):
        save(shoes / "boot" / f"new-{index}.png", noise(100 + index))
    after = splits(run(shoes, max_broken=0.1, shards=3))

    assert len(after) == len(before) + 20
    assert before.items() <= after.items()


def test_two_broken_files_are_too_many_by_default(run: Run, shoes: Path):
    with pytest.raises(DataError, match=r"2 of 37 files cannot be decoded, .*max_broken \(0\.01\).*heel/empty\.jpg is empty"):
        run(shoes)


def test_split_folders_decide_the_splits_and_a_mode_the_channels(run: Run, tmp_path: Path):
    for index, split in enumerate(("train", "train", "eval", "test")):
        save(tmp_path / "images" / split / f"{index}.png", noise(index))

    content = read(run(tmp_path / "images", mode="RGB"))

    assert {split: [label for label, _ in pairs] for split, pairs in content.items()} == {
        "train": [None, None], "eval": [None], "test": [None],
    }  # fmt: skip
    assert {image.mode for pairs in content.values() for _, image in pairs} == {"RGB"}


def test_the_latest_version_of_the_latest_span_is_read(run: Run, tmp_path: Path):
    for span, version in (("2026-09-30", 1), ("2026-10-01", 2), ("2026-10-01", 10)):
        save(tmp_path / "days" / span / f"v{version}" / "a.png", noise(version))

    examples = run(tmp_path / "days" / "{YYYY}-{MM}-{DD}" / "v{VERSION}")

    [(_, image)] = [pair for pairs in read(examples).values() for pair in pairs]
    assert image.tobytes() == noise(10).tobytes()
    assert examples.get_int_custom_property("span") == 20727  # days from 1970-01-01 to 2026-10-01
    assert examples.get_int_custom_property("version") == 10


def test_what_is_read_depends_on_names_sizes_and_times(shoes: Path):
    def digest() -> str:
        given = ImageExampleGen(images=shoes, fractions=FRACTIONS).exec_properties
        return str(complete_properties(given)["spans"])

    first = digest()
    assert digest() == first
    (shoes / "boot" / "original.png").rename(shoes / "boot" / "renamed.png")
    renamed = digest()
    save(shoes / "boot" / "added.png", noise(3))
    assert len({first, renamed, digest()}) == 3


def test_no_matching_span_is_one_sentence(tmp_path: Path):
    given = ImageExampleGen(images=tmp_path / "{SPAN}", fractions=FRACTIONS).exec_properties
    with pytest.raises(ConfigurationError, match=r"data\.images: no span matches"):
        complete_properties(given)
