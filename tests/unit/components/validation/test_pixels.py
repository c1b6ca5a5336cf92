"""What the ValidationGate sees in images made by hand, and what it says about them."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.artifacts.data_verdict import read_digests, write_digests
from components.artifacts.features import Fit
from components.errors import ConfigurationError
from components.settings import Action
from components.validation.config import ValidationConfig
from components.validation.findings import Span, check_sizes, describe, find, find_between_spans
from components.validation.pixels import Survey, survey


def png(*rows: Sequence[int]) -> bytes:
    return bytes(tf.io.encode_png(np.array(rows, np.uint8)[..., np.newaxis]).numpy())


def file(image: Image.Image, format_: str = "PNG", **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, format_, **options)
    return content.getvalue()


def noise(seed: int, size: tuple[int, int] = (4, 4)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, size, np.uint8))


def looked_at(directory: Path, images: Sequence[bytes], labels: Sequence[int] = ()) -> Survey:
    directory.mkdir(exist_ok=True)
    path = str(directory / f"{len(list(directory.iterdir()))}.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for index, image in enumerate(images):
            example = tf.train.Example()
            example.features.feature["image"].bytes_list.value.append(image)
            example.features.feature["label"].int64_list.value.extend(labels[index : index + 1])
            writer.write(example.SerializeToString())
    return survey([path])


def sentences(surveys: dict[str, Survey], **config: object) -> list[str]:
    return [finding.sentence for finding in find(surveys, ValidationConfig(**config))]


def test_the_figures_of_a_split_are_those_of_all_its_pixels(tmp_path: Path):
    images = [png([0, 10], [20, 30]), png([7, 7], [7, 7]), png([0, 10], [20, 30]), png([1, 2, 3])]
    surveys = {"train": looked_at(tmp_path, images, [3, 1, 3, 3])}

    pixels = describe(surveys, []).splits["train"]

    values = [0, 10, 20, 30] * 2 + [7] * 4 + [1, 2, 3]
    assert (pixels.images, pixels.minimum, pixels.maximum) == (4, 0, 30)
    assert pixels.mean == pytest.approx(np.mean(values))
    assert pixels.standard_deviation == pytest.approx(np.std(values))
    assert (pixels.constant, pixels.repeated) == (1, 1)
    assert pixels.sizes == {"2x2 grey": 3, "3x1 grey": 1}
    assert pixels.labels == {1: 1, 3: 3}


def test_images_of_all_modes_and_formats_are_looked_at_in_their_order(tmp_path: Path):
    photo = noise(0, (6, 9)).convert("RGB")
    turned = file(photo, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0")
    transparent = file(Image.new("RGBA", (2, 2), (9, 8, 7, 0)))
    found = looked_at(tmp_path, [png([5, 6]), file(photo), turned, transparent, png([5, 6]), png([6, 6])])

    assert {str(size): count for size, count in found.sizes.items()} == {
        "2x1 grey": 3,
        "9x6 RGB": 1,
        "6x9 RGB": 1,
        "2x2 RGB": 1,
    }
    assert found.constant == [4, 6]
    assert (
        found.levels[[5, 6, 7, 8, 9]].tolist()
        == (np.bincount(np.asarray(photo).ravel(), minlength=256) + _levels_of(turned) + _expected())[[5, 6, 7, 8, 9]].tolist()
    )


def _levels_of(jpeg: bytes) -> np.ndarray:
    return np.bincount(np.asarray(Image.open(io.BytesIO(jpeg))).ravel(), minlength=256)


def _expected() -> np.ndarray:
    """Of three grey images of two pixels, and of four transparent pixels."""
    return np.bincount([5, 6, 5, 6, 6, 6] + [9, 8, 7] * 4, minlength=256)


def test_the_same_pixels_in_different_files_are_the_same_image(tmp_path: Path):
    image = noise(1)
    same = [file(image), file(image, compress_level=0), file(image, "BMP")]
    different = [file(image.resize((2, 8))), file(image.rotate(90)), file(Image.new("L", (4, 4)))]

    surveys = {"train": looked_at(tmp_path, [*different, same[0]]), "test": looked_at(tmp_path, same)}

    assert describe(surveys, []).splits["test"].repeated == 2
    assert describe(surveys, []).splits["train"].repeated == 0
    assert describe(surveys, []).splits["test"].shared == {"train": 3}
    assert describe(surveys, []).splits["train"].shared == {"test": 1}


def test_images_in_two_splits_are_named_once_and_stop_above_the_allowed_share(tmp_path: Path):
    files = [file(noise(seed)) for seed in range(30)]
    surveys = {"train": looked_at(tmp_path, files[:20]), "test": looked_at(tmp_path, [*files[20:28], files[4], files[2]])}

    [finding] = find(surveys, ValidationConfig())

    assert finding.sentence == (
        "split 'test': 2 of 10 images are in split 'train' too, such as that of example 9, which is example 5 there"
    )
    assert finding.stops
    assert finding.setting == "validation.max_shared=0.2"
    [allowed] = find(surveys, ValidationConfig(max_shared=0.2))
    assert not allowed.stops


def test_zero_and_one_stored_as_bytes_stop_the_run(tmp_path: Path):
    surveys = {
        "train": looked_at(tmp_path, [png([0, 1], [1, 1]), png([0, 0], [1, 1])]),
        "eval": looked_at(tmp_path, [png([0, 2])]),
    }

    [finding] = find(surveys, ValidationConfig())

    assert finding.sentence.startswith("split 'train': no pixel of its 2 images is above 1 of 255, such as those of example 1")
    assert finding.stops
    [warning] = find(surveys, ValidationConfig(zero_one_pixels=Action.WARN))
    assert not warning.stops


def test_images_of_a_single_colour_are_counted(tmp_path: Path):
    red = file(Image.new("RGB", (3, 3), (255, 0, 0)))
    surveys = {"eval": looked_at(tmp_path, [file(noise(0)), red, file(noise(1)), file(noise(2))])}

    assert sentences(surveys) == ["split 'eval': 1 of 4 images have a single colour, such as that of example 2"]
    assert [finding.stops for finding in find(surveys, ValidationConfig())] == [True]
    assert [finding.stops for finding in find(surveys, ValidationConfig(max_constant=0.25))] == [False]


def test_a_label_that_a_split_lacks_is_a_warning(tmp_path: Path):
    files = [file(noise(seed)) for seed in range(5)]
    surveys = {"train": looked_at(tmp_path, files[:3], [0, 7, 7]), "test": looked_at(tmp_path, files[3:], [0, 0])}

    [finding] = find(surveys, ValidationConfig())

    assert finding.sentence == "split 'test': 1 of 2 labels have no image, such as 7, which has 2 images in split 'train'"
    assert not finding.stops
    assert [finding.stops for finding in find(surveys, ValidationConfig(missing_label=Action.STOP))] == [True]


def test_damaged_images_stop_the_run_and_do_not_count_as_equal(tmp_path: Path):
    whole = file(noise(0))
    surveys = {
        "train": looked_at(tmp_path, [whole, whole[:45], b"hello", file(noise(1))]),
        "test": looked_at(tmp_path, [b"hello", file(noise(2))]),
    }

    assert sentences(surveys) == [
        "split 'train': 2 of 4 images cannot be decoded as PNG, JPEG, GIF or BMP, such as that of example 2",
        "split 'test': 1 of 2 images cannot be decoded as PNG, JPEG, GIF or BMP, such as that of example 1",
    ]
    assert all(finding.stops for finding in find(surveys, ValidationConfig()))


def test_good_images_and_an_empty_split_give_no_sentence(tmp_path: Path):
    surveys = {
        "train": looked_at(tmp_path, [file(noise(seed)) for seed in range(4)], [0, 1, 0, 1]),
        "eval": looked_at(tmp_path, []),
    }
    assert sentences(surveys) == []
    assert describe(surveys, []).splits["eval"].images == 0


def test_several_sizes_are_refused_with_a_list_unless_shape_and_fit_are_chosen(tmp_path: Path):
    surveys = {
        "train": looked_at(tmp_path, [file(noise(0, (4, 6))), file(noise(1, (4, 6))), file(noise(2, (6, 4)).convert("RGB"))]),
        "test": looked_at(tmp_path, [file(noise(3, (4, 6)))]),
    }
    with pytest.raises(ConfigurationError) as error:
        check_sizes(surveys, None, None)
    assert str(error.value) == (
        "The images have 2 sizes, 6x4 grey (3 images), 4x6 RGB (1 image): set transform.image_shape to height, width and "
        "channels, such as [64, 64, 3] and transform.fit to pad, crop or stretch."
    )
    with pytest.raises(ConfigurationError, match=r"set transform\.fit to"):
        check_sizes(surveys, [4, 4, 1], None)
    with pytest.raises(ConfigurationError, match=r"set transform\.image_shape to"):
        check_sizes(surveys, None, Fit.PAD)
    check_sizes(surveys, [4, 4, 1], Fit.PAD)


def test_one_size_needs_a_fit_only_for_another_aspect_ratio(tmp_path: Path):
    surveys = {"train": looked_at(tmp_path, [file(noise(0, (4, 6)))])}
    check_sizes(surveys, None, None)
    check_sizes(surveys, [2, 3, 3], None)
    with pytest.raises(ConfigurationError, match=r"The images have one size, 6x4 grey \(1 image\): set transform\.fit to"):
        check_sizes(surveys, [4, 4, 1], None)


def test_an_image_in_different_splits_of_two_spans_is_found(tmp_path: Path):
    first, second, same = (
        looked_at(tmp_path, [file(noise(seed)) for seed in seeds]).digests for seeds in ([1, 2, 3], [4, 2], [1])
    )
    known = [Span(7, {"train": first, "test": same[:0]})]
    new = [Span(8, {"train": same, "test": second}), Span(9, {"eval": same})]

    findings = find_between_spans(new, known, ValidationConfig())

    sentence = "split '{}': {} are in split '{}' too, such as that of example {}, which is example {} there"
    assert [finding.sentence for finding in findings] == [
        sentence.format("test of span 8", "1 of 2 images", "train of span 7", 2, 2),
        sentence.format("eval of span 9", "1 of 1 image", "train of span 7", 1, 1),
        sentence.format("eval of span 9", "1 of 1 image", "train of span 8", 1, 1),
    ]
    assert all(finding.stops for finding in findings)
    assert not find_between_spans(new, known, ValidationConfig(max_shared=1))[0].stops


def test_digests_that_were_written_are_those_that_are_read(tmp_path: Path):
    digests = {
        3: {"train": np.array([1, 2**63], np.uint64), "test": np.zeros(0, np.uint64)},
        14: {"train": np.ones(1, np.uint64)},
    }
    write_digests(str(tmp_path), digests)
    found = read_digests(str(tmp_path))
    assert {one: {split: list(array) for split, array in splits.items()} for one, splits in found.items()} == {
        3: {"train": [1, 2**63], "test": []}, 14: {"train": [1]},
    }  # fmt: skip
    assert read_digests(str(tmp_path / "of-an-older-version")) == {}
