"""A folder of colour photographs of several sizes, without labels, becomes a pushed model by configuration alone."""

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from support.workplace import Workplace, states

from components.artifacts.latent_map import read_map

SHAPE = (12, 16, 3)


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """Noisy plain colours in three sizes and three formats, and two files that are no images."""
    folder = tmp_path / "colours"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(360):
        height, width = ((12, 16), (24, 32), (16, 16))[index % 3]
        pixels = random.integers(40, 200, (1, 1, 3)) + random.integers(0, 30, (height, width, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{index}.{('png', 'jpg', 'webp')[index // 3 % 3]}")
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("no image")
    return folder


def test_a_convolutional_vae_of_a_folder_is_pushed_and_found_in_the_cache(
    workplace: Workplace, quick: Workplace, colours: Path
):
    settings = (
        "name=colours",
        f"data.images={colours}",
        "data.fractions={train: 0.7, eval: 0.15, test: 0.15}",
        "transform.image_shape=[12, 16, 3]",
        "transform.fit=pad",
        "model.network=conv",
        "evaluator.thresholds={negative_elbo: {upper: 1000}}",
        "evaluator.importance_weighted.samples=5",
    )
    run = quick.run(*settings)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 of 362 files cannot be decoded and are left out" in run.stdout
    [tested] = re.findall(r"means over (\d+) images", run.stdout)
    # A share of 0.15 is 54; four standard deviations are 27.
    assert 27 < int(tested) < 81
    assert "are left out: images of two labels or more are needed" in " ".join(run.stdout.split())
    assert "do not have them: latent_probe_accuracy/linear" in " ".join(run.stdout.split())
    [report] = (workplace.root / "pipelines" / "colours" / "ModelReport" / "report").glob("*/index.html")
    assert "There is no class balance" in report.read_text()
    assert {"samples", "best-and-worst", "latent-tsne"} <= {path.stem for path in report.parent.glob("*.png")}
    [version] = workplace.versions("colours")
    pushed = workplace.root / "serving" / "colours" / str(version)
    model = tf.saved_model.load(str(pushed))
    drawn = model.signatures["generate"](count=tf.constant(2), seed=tf.constant([0, 1]))["image"]
    assert tuple(drawn.shape) == (2, *SHAPE)
    # There are no labels to draw.
    assert "generate_labelled" not in model.signatures
    assert not (pushed / "assets.extra" / "labels.json").exists()
    latent_map = read_map(pushed)
    assert latent_map is not None
    assert 27 < len(latent_map.points) < 81  # the eval images
    assert latent_map.labels is None

    schema = workplace.root / "schemas" / "colours.pbtxt"
    assert 'name: "image"' in schema.read_text()
    again = workplace.run(*settings)
    assert set(states(again.stdout).values()) == {"cached", "ran"}
    assert {name for name, state in states(again.stdout).items() if state == "ran"} == {"DriftResolver", "BaselineResolver"}
