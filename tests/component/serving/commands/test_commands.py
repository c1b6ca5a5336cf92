"""`sample`, `reconstruct`, `encode`, `score` and `interpolate` with a real model, from a terminal and a script."""

import base64
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from click.testing import Result
from PIL import Image
from support.digits import PROJECT, read_digits

from components.artifacts.image_files import encode_png
from tfx_vae.serving.commands.model import ModelLocation, load_quietly

Ask = Callable[..., Result]

IMAGE = {"file", "original", "changes", "hints"}
HEAD = {"format", "model"}


@pytest.fixture(scope="module")
def signatures(place: Any) -> Any:
    loaded = tf.saved_model.load(str(place.model))
    yield loaded.signatures


def asked(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def decoded(png: str) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(base64.b64decode(png))))[..., np.newaxis]


def example(pixels: np.ndarray) -> bytes:
    """A serialized tf.Example with the PNG file that the commands make of pixels."""
    made = tf.train.Example()
    made.features.feature["image"].bytes_list.value.append(encode_png(pixels, compressed=False))
    return bytes(made.SerializeToString())


def sheet(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.array(image)


def as_bytes(images: Any) -> np.ndarray:
    return np.round(np.asarray(images) * 255).astype(np.uint8)


def test_samples_are_those_of_the_signature_and_the_same_for_a_seed(ask: Ask, place: Any, signatures: Any):
    answer = asked(ask("sample", "--count", "3", "--seed", "5", "--json"))
    again = asked(ask("sample", "--count", "3", "--seed", "5", "--json"))
    other = asked(ask("sample", "--count", "3", "--json"))

    expected = as_bytes(signatures["generate"](count=tf.constant(3), seed=tf.constant([5, 0]))["image"])
    np.testing.assert_array_equal(np.stack([decoded(image["image"]) for image in answer["images"]]), expected)
    assert set(answer) == {*HEAD, "seed", "temperature", "images"}
    assert set(answer["images"][0]) == {"label", "image"}
    assert answer["model"] == {"name": "mnist-vae", "version": 7, "directory": str(place.model)}
    assert again == answer
    assert other["seed"] != 5
    assert other["images"] != answer["images"]


def test_a_sheet_of_samples_goes_to_a_file_and_the_seed_is_printed(ask: Ask, tmp_path: Path):
    result = ask("sample", "--count", "4", "--seed", "1", "-o", tmp_path / "new.png")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'new.png'}: 4 samples of mnist-vae version 7, seed 1\n"
    # Two rows of two images of 28x28 pixels, each 8x8 on the sheet.
    assert sheet(tmp_path / "new.png").shape == (8 + 2 * (224 + 8), 8 + 2 * (224 + 8), 3)


def test_many_samples_are_drawn_in_parts_that_differ(ask: Ask):
    images = [image["image"] for image in asked(ask("sample", "--count", "1010", "--seed", "5", "--json"))["images"]]
    assert len(images) == 1010
    assert len(set(images)) == 1010


def test_labels_and_a_temperature_are_drawn_by_their_signatures(ask: Ask, signatures: Any):
    words = ["--count", "2", "--seed", "5", "--temperature", "0.5", "--json"]
    answer = asked(ask("sample", "--label", "7", "--label", "3", *words))
    cool = asked(ask("sample", *words))

    asked_for = {"count": tf.constant(2), "seed": tf.constant([5, 0]), "temperature": tf.constant(0.5)}
    expected = [signatures["generate_labelled"](label=tf.constant(n, tf.int64), **asked_for)["image"] for n in (7, 3)]
    assert [image["label"] for image in answer["images"]] == ["7", "7", "3", "3"]
    np.testing.assert_array_equal(
        np.stack([decoded(image["image"]) for image in answer["images"]]), as_bytes(np.concatenate(expected))
    )
    assert (answer["temperature"], cool["images"][0]["label"]) == (0.5, None)
    np.testing.assert_array_equal(
        np.stack([decoded(image["image"]) for image in cool["images"]]),
        as_bytes(signatures["generate_at_temperature"](**asked_for)["image"]),
    )


def test_a_sheet_has_a_row_for_each_label_and_says_what_is_drawn(ask: Ask, tmp_path: Path):
    words = ["sample", "--seed", "1", "--label", "7", "--label", "3", "--count", "2", "--temperature", "0.8"]
    result = ask(*words, "-o", tmp_path / "rows.png")
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        f"{tmp_path / 'rows.png'}: 2 samples of each label of mnist-vae version 7, labels 7, 3, temperature 0.8, seed 1\n"
    )
    # A title of 19 pixels above two rows, and a name beside each.
    height, width, _ = sheet(tmp_path / "rows.png").shape
    assert height == 19 + 8 + 2 * (224 + 8)
    assert width > 8 + 2 * (224 + 8)


def test_labels_are_drawn_by_name_and_an_unknown_one_is_answered_with_near_ones(ask: Ask, place: Any, tmp_path: Path):
    named = tmp_path / "shoes"
    shutil.copytree(place.model, named)
    names = ["3", "boot", "Heel", *map(str, range(13, 20))]
    (named / "assets.extra" / "labels.json").write_text(json.dumps(dict(enumerate(names))))

    words = [word for label in ("boot", "1", "3", "0") for word in ("--label", label)]
    answer = asked(ask("sample", "--model", named, "--seed", "1", "--count", "1", "--json", *words))
    boot, one, three, zero = answer["images"]
    assert boot == one
    assert three["label"] == "3"  # the name, and not the number of the label 13
    assert three == zero
    refused = ask("sample", "--model", named, "--label", "boots", "--label", "Heel")
    assert refused.exit_code == 2
    assert f"{named} knows no label 'boots'. Did you mean boot? Its labels are 3, boot, Heel, 13, " in refused.stderr


def test_without_a_name_a_sheet_gets_a_number_and_is_no_input_of_the_next_command(
    ask: Ask, place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copy(place.digits / "d0.png", "d0.png")
    for expected in ("reconstructions.png", "reconstructions-2.png"):
        result = ask("reconstruct", *sorted(tmp_path.glob("*.png")))
        assert result.stdout.startswith(f"{expected}: 1 image above its reconstruction")
    assert result.stderr == "reconstructions.png: left out, because it is a sheet that tfx-vae drew\n"

    before = Path("reconstructions.png").read_bytes()
    ask("reconstruct", place.digits / "d1.png", "--force")
    assert Path("reconstructions.png").read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d0.png", "reconstructions-2.png", "reconstructions.png"]


def test_a_sheet_goes_to_standard_output_and_its_description_to_standard_error(ask: Ask):
    result = ask("sample", "--count", "1", "--seed", "1", "-o", "-")
    assert Image.open(io.BytesIO(result.stdout_bytes)).size == (8 + 232, 8 + 232)
    assert "1 sample of mnist-vae version 7, seed 1" in result.stderr


def test_originals_are_above_their_reconstructions(ask: Ask, place: Any, tmp_path: Path, signatures: Any):
    result = ask("reconstruct", place.digits, "-o", tmp_path / "r.png")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""  # nothing was changed about the digits

    paper = sheet(tmp_path / "r.png")
    expected = as_bytes(signatures["reconstruct"](image=tf.constant(place.pixels / np.float32(255)))["reconstruction"])
    left = paper.shape[1] - 3 * (224 + 8)
    for number in range(3):
        x = left + number * 232 + 4
        np.testing.assert_array_equal(paper[12 : 8 + 224 : 8, x : x + 224 : 8, 0], place.pixels[number, ..., 0])
        np.testing.assert_array_equal(paper[12 + 232 : 232 + 8 + 224 : 8, x : x + 224 : 8, 0], expected[number, ..., 0])


def test_reconstructions_as_json_hold_both_images(ask: Ask, place: Any, signatures: Any):
    answer = asked(ask("reconstruct", place.digits / "d1.png", "--json"))
    assert set(answer) == {*HEAD, "images", "skipped"}
    [image] = answer["images"]
    assert set(image) == IMAGE | {"image", "reconstruction"}
    np.testing.assert_array_equal(decoded(image["image"]), place.pixels[1])
    assert image["original"] == {"format": "PNG", "mode": "L", "width": 28, "height": 28}


def test_codes_are_those_of_the_signature(ask: Ask, place: Any, signatures: Any):
    answer = asked(ask("encode", place.digits))
    expected = signatures["encode"](image=tf.constant(place.pixels / np.float32(255)))
    assert [Path(image["file"]).name for image in answer["images"]] == ["d0.png", "d1.png", "d2.png"]
    assert set(answer["images"][0]) == IMAGE | {"latent_mean", "latent_log_variance"}
    for name in ("latent_mean", "latent_log_variance"):
        np.testing.assert_allclose([image[name] for image in answer["images"]], expected[name], atol=1e-5)


def test_scores_are_the_losses_of_the_evaluation_and_in_the_order_given(ask: Ask, place: Any, signatures: Any):
    files = [place.digits / name for name in ("d2.png", "d0.png", "d1.png")]
    answer = asked(ask("score", *files, "--json"))

    expected = signatures["evaluate"](examples=tf.constant([example(pixels) for pixels in place.pixels[[2, 0, 1]]]))
    for name in ("negative_elbo", "reconstruction_loss", "kl_divergence", "squared_error", "ssim"):
        assert [image[name] for image in answer["images"]] == pytest.approx(expected[name].numpy().tolist(), rel=1e-5)
    assert set(answer) == {*HEAD, "importance_samples", "reference_images", "images", "skipped"}
    losses = {"negative_elbo", "reconstruction_loss", "kl_divergence", "squared_error", "ssim"}
    not_asked = {"iw_nll", "distance", "reference_share"}
    assert set(answer["images"][0]) == IMAGE | losses | not_asked
    assert {image[name] for image in answer["images"] for name in not_asked} == {None}


def test_the_least_likely_image_comes_first_and_a_pipe_gets_plain_lines(ask: Ask, place: Any, tmp_path: Path):
    noise = tmp_path / "noise.png"
    Image.effect_noise((28, 28), 100).save(noise)
    result = ask("score", place.digits / "d0.png", noise, "--sort", "--importance-samples", "5")

    head, first, second = (line.split() for line in result.stdout.splitlines())
    assert head == ["NEGATIVE_ELBO", "IW_NLL", "RECONSTRUCTION_LOSS", "KL_DIVERGENCE", "FILE"]
    assert first[-1] == str(noise)
    assert second[-1] == str(place.digits / "d0.png")
    assert float(first[1]) > float(second[1])
    assert "\x1b" not in result.stdout


def test_a_black_image_is_more_likely_than_a_digit_but_far_from_the_reference_images(ask: Ask, place: Any, tmp_path: Path):
    usual, asked_about = tmp_path / "usual", tmp_path / "asked"
    usual.mkdir()
    asked_about.mkdir()
    for number, digit in enumerate(read_digits(60)[..., 0]):
        Image.fromarray(digit).save(usual / f"{number:02}.png")
    Image.fromarray(place.pixels[1, ..., 0]).save(asked_about / "digit.png")
    Image.new("L", (28, 28)).save(asked_about / "black.png")

    result = ask("score", asked_about, "--reference", usual, "--json", "--sort")
    answer = asked(result)
    assert answer["reference_images"] == 60
    black, digit = answer["images"]
    assert Path(black["file"]).name == "black.png"  # the farthest comes first
    assert black["negative_elbo"] < digit["negative_elbo"]
    assert black["distance"] > 1.5 * digit["distance"]
    assert black["reference_share"] == 0
    assert 0 < digit["reference_share"] <= 1

    few = ask("score", asked_about, "--reference", asked_about)
    assert few.exit_code == 2
    assert "--reference needs 30 images or more, not 2" in few.stderr


def test_the_same_pixels_get_the_same_score_from_any_file(ask: Ask, place: Any, tmp_path: Path):
    with Image.open(place.digits / "d0.png") as image:
        image.save(tmp_path / "d.bmp")
        image.convert("RGB").save(tmp_path / "d.webp", lossless=True)
    images = asked(ask("score", place.digits / "d0.png", tmp_path / "d.bmp", tmp_path / "d.webp", "--json"))["images"]
    assert len({image["negative_elbo"] for image in images}) == 1


def test_an_image_has_the_same_score_in_any_batch(ask: Ask, place: Any, tmp_path: Path):
    for number in range(260):
        Image.fromarray(np.roll(place.pixels[0, ..., 0], number, axis=1)).save(tmp_path / f"{number:03}.png")
    images = asked(ask("score", tmp_path, "--json"))["images"]
    [last] = asked(ask("score", tmp_path / "259.png", "--json"))["images"]
    assert len(images) == 260
    assert images[-1] == last


def test_an_interpolation_begins_and_ends_with_the_reconstructions(ask: Ask, place: Any, signatures: Any):
    ends = place.digits / "d0.png", place.digits / "d1.png"
    straight = asked(ask("interpolate", *ends, "--steps", "5", "--json"))
    arc = asked(ask("interpolate", *ends, "--steps", "5", "--json", "--spherical"))

    reconstructions = as_bytes(signatures["reconstruct"](image=tf.constant(place.pixels / np.float32(255)))["reconstruction"])
    for answer in (straight, arc):
        path = [decoded(image["image"]).astype(int) for image in answer["images"]]
        assert [image["position"] for image in answer["images"]] == [0, 0.25, 0.5, 0.75, 1]
        assert np.abs(path[0] - reconstructions[0]).max() <= 1
        assert np.abs(path[-1] - reconstructions[1]).max() <= 1
        assert set(answer) == {*HEAD, "path", "start", "end", "images"}
        assert set(answer["start"]) == set(answer["end"]) == IMAGE | {"image"}
    assert (straight["path"], arc["path"]) == ("linear", "spherical")
    assert straight["images"][2] != arc["images"][2]


def test_a_sheet_of_an_interpolation_begins_with_the_first_image_and_ends_with_the_last(ask: Ask, place: Any, tmp_path: Path):
    path = tmp_path / "i.png"
    result = ask("interpolate", place.digits / "d0.png", place.digits / "d1.png", "--steps", "4", "-o", path)
    assert result.exit_code == 0, result.output
    paper = sheet(path)
    np.testing.assert_array_equal(paper[10 : 4 + 6 * 28 : 6, 10 : 6 + 6 * 28 : 6, 0][:26, :26], place.pixels[0, :26, :26, 0])


def test_a_change_is_printed_once_for_all_images_and_is_in_the_json_of_each(ask: Ask, place: Any, tmp_path: Path):
    for number in range(3):
        paper = Image.fromarray(255 - place.pixels[number, ..., 0]).resize((100, 140))
        paper.convert("RGB").save(tmp_path / f"p{number}.jpg")
    result = ask("score", tmp_path, "--json")
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    assert lines[0] == "3 images (p0.jpg, p1.jpg, p2.jpg): resized from 100x140 to 28x28 pixels"
    assert lines[2].startswith("Hint: 3 images (p0.jpg, p1.jpg, p2.jpg) may need --invert")
    for image in asked(result)["images"]:
        assert image["changes"] == ["resized", "padded"]
        assert image["hints"] == ["looks_inverted"]

    inverted = ask("score", tmp_path, "--json", "--invert")
    assert "Hint" not in inverted.stderr
    for after, before in zip(asked(inverted)["images"], asked(result)["images"], strict=True):
        assert after["negative_elbo"] < before["negative_elbo"] - 100


def test_file_names_that_are_not_utf8_can_be_printed(ask: Ask, place: Any, tmp_path: Path):
    name = os.fsdecode(b"\xe9.png")
    Image.fromarray(place.pixels[0, ..., 0]).save(tmp_path / name)
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(b"")
    answer = asked(ask("score", tmp_path, "--json", "--skip-unreadable"))
    assert [Path(image["file"]).name for image in answer["images"]] == [r"\xe9.png"]
    assert [Path(skipped["file"]).name for skipped in answer["skipped"]] == [r"\xff.png"]
    for words in (["score", tmp_path / name], ["reconstruct", tmp_path / name, "-o", tmp_path / os.fsdecode(b"\xe8.png")]):
        result = ask(*words)
        assert result.exit_code == 0, result.output
        assert r"\xe" in result.stdout


def test_a_damaged_file_stops_the_command_without_output_unless_it_may_be_skipped(ask: Ask, place: Any, tmp_path: Path):
    images = tmp_path / "images"
    images.mkdir()
    for number in range(20):
        Image.fromarray(place.pixels[0, ..., 0]).save(images / f"{number:02}.png")
    whole = (images / "19.png").read_bytes()
    (images / "19.png").write_bytes(whole[:100])  # behind the first images, which are looked at before the model is loaded

    for words in (("reconstruct", images, "-o", tmp_path / "r.png"), ("encode", images), ("score", images, "--json")):
        result = ask(*words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"{images / '19.png'} is damaged or truncated" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["images"]

    skipped = ask("score", images, "--json", "--skip-unreadable")
    assert [entry["file"] for entry in asked(skipped)["skipped"]] == [str(images / "19.png")]
    assert len(asked(skipped)["images"]) == 19
    assert "Left out: " in skipped.stderr


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["score", "nowhere.png"], 2, "There is no file or directory nowhere.png"),
        (["score", __file__], 1, "is not an image in a supported format"),
        (["score", "DIGIT", "--background", "whitish"], 2, "'whitish' is not a colour"),
        (["sample", "--version", "8"], 2, "There is no version 8"),
        (["sample", "--set", "name=other"], 2, "No model was pushed"),
        (["sample", "--model", "DIGITS"], 2, "There is no exported model in"),
        (["sample", "--model", "DIGITS", "--version", "7"], 2, "--version chooses a pushed model"),
        (
            ["sample", "--label", "12"],
            2,
            "mnist-vae version 7 knows no label '12'. Did you mean ",
        ),
        (["sample", "--temperature", "2.5"], 2, "2.5 is not between 0 and 2: 1 draws from the prior itself."),
        (["sample", "--temperature", "nan"], 2, "nan is not between 0 and 2"),
        (["sample", "-o", "s.jpg"], 2, "s.jpg does not end in .png"),
        (["sample", "--count", "21400"], 2, "too many for a sheet"),
        (["reconstruct", "DIGIT", "-o", "DIGIT"], 2, "exists: overwrite it with --force"),
        (["interpolate", "DIGIT", "DIGIT", "--steps", "1"], 2, "--steps"),
        (["interpolate", "DIGITS", "DIGIT"], 2, "is a directory"),
    ],
)
def test_a_wrong_command_ends_with_a_sentence(
    words: list[str], status: int, sentence: str, ask: Ask, place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    names = {"DIGIT": str(place.digits / "d0.png"), "DIGITS": str(place.digits)}
    result = ask(*(names.get(word, word) for word in words))
    assert result.exit_code == status, result.output
    assert sentence in " ".join(result.stderr.split())
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_an_older_model_with_fewer_outputs_can_be_used(ask: Ask, place: Any, tmp_path: Path):
    """As versions before SSIM and the importance-weighted bound exported it."""
    loaded = tf.saved_model.load(str(place.model))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = loaded.signatures["evaluate"](examples=examples)
        return {name: outputs[name] for name in ("reconstruction_loss", "squared_error", "kl_divergence", "negative_elbo")}

    kept = {name: loaded.signatures[name] for name in ("reconstruct", "encode", "decode", "generate", "interpolate")}
    tf.saved_model.save(loaded, str(tmp_path / "older"), signatures={**kept, "evaluate": evaluate})
    digit = place.digits / "d0.png"

    [image] = asked(ask("score", digit, "--json", "--model", tmp_path / "older"))["images"]
    assert image["ssim"] is None
    assert image["negative_elbo"] == asked(ask("score", digit, "--json"))["images"][0]["negative_elbo"]
    refused = ask("sample", "--label", "7", "--model", tmp_path / "older")
    assert refused.exit_code == 2
    assert f"{tmp_path / 'older'} cannot draw a label: its training images have none" in refused.stderr
    for words, sentence in (
        (["--reference", digit], "--reference needs ssim"),
        (["--importance-samples", "5"], "has no signature 'evaluate_iw_nll'; it has decode, encode, evaluate"),
    ):
        refused = ask("score", digit, *words, "--model", tmp_path / "older")
        assert refused.exit_code == 2
        assert sentence in refused.stderr


def test_versions_that_cannot_be_loaded_are_passed_over_and_named(ask: Ask, place: Any, tmp_path: Path):
    serving = tmp_path / "mnist-vae"
    for version in ("7", "8", "1900000000", "9" * 26):
        shutil.copytree(place.model, serving / version)
    weights = serving / "8" / "variables" / "variables.data-00000-of-00001"
    weights.write_bytes(bytes(weights.stat().st_size))
    (serving / "1900000000" / "saved_model.pb").write_bytes(b"broken")

    result = ask("sample", "--count", "1", "--json", "--model", serving)

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["model"]["version"] == 7
    passed_over = [line.partition(".")[0] for line in result.stderr.splitlines()]
    assert passed_over == ["mnist-vae version 1900000000 is passed over", "mnist-vae version 8 is passed over"]

    result = ask("sample", "--json", "--version", "8", "--set", f"pusher.serving_dir={serving}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"The model in {serving}/8 cannot be loaded" in result.stderr

    shutil.rmtree(serving / "7")
    result = ask("sample", "--json", "--model", serving)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "version 8 is passed over" in result.stderr
    assert result.stderr.splitlines()[-1].endswith(f"No version in {serving} can be loaded.")


def test_any_exported_model_can_be_used(ask: Ask, place: Any):
    directly = asked(ask("sample", "--model", place.model, "--seed", "2", "--count", "1", "--json"))
    newest = asked(ask("sample", "--model", place.model.parent, "--seed", "2", "--count", "1", "--json"))
    assert directly["model"] == {"name": None, "version": None, "directory": str(place.model)}
    assert newest["model"] == {"name": "mnist-vae", "version": 7, "directory": str(place.model)}
    assert directly["images"] == newest["images"]


def test_a_new_process_prints_only_the_answer(place: Any, tmp_path: Path):
    command = [Path(sys.executable).parent / "tfx-vae", "score", place.digits / "d0.png", "--set", f"runtime.root={place.root}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "CUDA"))}
    done = subprocess.run(
        command, cwd=tmp_path, env={**environment, "PYTHONPATH": str(PROJECT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2


def test_a_terminal_shows_that_tensorflow_is_loading(place: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal, error_output = os.openpty()

    def read() -> bytes:
        shown = b""
        with contextlib.suppress(OSError):  # nothing writes to it any more
            while True:
                shown += os.read(terminal, 10_000)
        return shown

    with ThreadPoolExecutor() as executor:
        shown = executor.submit(read)
        usual = os.dup(2)
        os.dup2(error_output, 2)
        os.close(error_output)
        try:
            load_quietly([ModelLocation(None, None, place.model)], [])
        finally:
            os.dup2(usual, 2)
    assert b"Loading TensorFlow and the model" in shown.result()
