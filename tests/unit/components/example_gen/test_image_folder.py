"""Which files of a folder are images, and what their folders mean."""

from collections import Counter
from hashlib import sha256
from pathlib import Path

import pytest

from components.errors import ConfigurationError
from components.example_gen.image_folder import choose_split, find_folder


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def found(location: Path | str) -> list[tuple[str, str | None, str | None]]:
    return [(file.name, file.split, file.label) for file in find_folder(str(location)).files]


def test_subfolders_are_labels_and_other_files_are_left_out(tmp_path: Path):
    make(tmp_path, "boot/a.png", "boot/left/b.JPG", "heel/c.webp", "heel/notes.txt", "heel/.hidden.png", ".trash/d.png")
    assert found(tmp_path) == [("boot/a.png", None, "boot"), ("boot/left/b.JPG", None, "boot"), ("heel/c.webp", None, "heel")]
    assert find_folder(str(tmp_path)).label_names == ["boot", "heel"]


def test_split_folders_are_splits_with_or_without_labels(tmp_path: Path):
    make(tmp_path / "plain", "train/a.png", "eval/b.png", "test/c.png")
    make(tmp_path / "labelled", "train/x/a.png", "eval/y/b.png", "test/x/c.png")
    assert [file[1:] for file in found(tmp_path / "plain")] == [("eval", None), ("test", None), ("train", None)]
    assert [file[1:] for file in found(tmp_path / "labelled")] == [("eval", "y"), ("test", "x"), ("train", "x")]


def test_a_pattern_chooses_files_and_labels_start_at_its_first_wildcard(tmp_path: Path):
    make(tmp_path, "a.png", "b.jpg", "boot/c.jpg", "boot/d.png", "heel/e.jpg")
    assert found(tmp_path / "*.png") == [("a.png", None, None)]
    assert found(tmp_path / "*" / "*.jpg") == [("boot/c.jpg", None, "boot"), ("heel/e.jpg", None, "heel")]


def test_a_folder_may_have_a_wildcard_in_its_name(tmp_path: Path):
    assert found(make(tmp_path / "shoes [new]", "a.png")) == [("a.png", None, None)]


@pytest.mark.parametrize(
    ("names", "location", "sentence"),
    [
        ((), "nowhere", r"there is no directory .*nowhere"),
        (("notes.txt",), "", "there is no image in"),
        (("a.png",), "*.jpg", "there is no image in"),
        (("a.png", "boot/b.png"), "", r"1 images of .* lie beside the folders of labels, e\.g\. a\.png"),
        (("train/a.png", "test/b.png"), "", "has train and test, but no images in eval"),
    ],
)
def test_what_is_wrong_with_a_folder_is_one_sentence(tmp_path: Path, names: tuple[str, ...], location: str, sentence: str):
    make(tmp_path, *names)
    with pytest.raises(ConfigurationError, match=rf"^data\.images: .*{sentence}"):
        find_folder(str(tmp_path / location))


def test_a_link_that_leads_nowhere_can_be_digested(tmp_path: Path):
    (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
    assert len(find_folder(str(tmp_path)).fingerprint()) == 64


def test_splits_have_the_shares_that_they_are_given():
    fractions = {"train": 0.5, "eval": 0.3, "test": 0.2}
    assert choose_split(bytes(32), fractions) == "train"
    assert choose_split(bytes([128]) + bytes(31), fractions) == "eval"
    assert choose_split(b"\xff" * 32, fractions) == "test"
    assert choose_split(b"\xff" * 32, {"train": 1.0, "eval": 0.0, "test": 0.0}) == "train"
    counts = Counter(choose_split(sha256(str(index).encode()).digest(), fractions) for index in range(10_000))
    # Four standard deviations: 4 * sqrt(10000 * 0.5 * 0.5) = 200.
    assert abs(counts["train"] - 5000) < 200
    assert abs(counts["eval"] - 3000) < 200
