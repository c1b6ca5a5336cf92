"""Colour images of another size, without labels, go through the whole pipeline by configuration alone."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from support.workplace import Workplace

from components.artifacts.latent_map import read_map

SHAPE = (12, 16, 3)


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """A prepared dataset of noisy plain colours, whose image is called `picture`."""

    def pictures(count: int) -> tf.data.Dataset:
        random = np.random.default_rng(count)
        plain = random.integers(40, 200, (count, 1, 1, 3)) + random.integers(0, 30, (count, *SHAPE))
        return tf.data.Dataset.from_tensor_slices({"picture": plain.astype(np.uint8)})

    tfds.dataset_builders.store_as_tfds_dataset(
        name="colours",
        version="1.0.0",
        features=tfds.features.FeaturesDict({"picture": tfds.features.Image(shape=SHAPE)}),
        split_datasets={"train": pictures(300), "test": pictures(50)},
        data_dir=tmp_path,
    )
    return tmp_path / "colours" / "1.0.0"


def test_a_convolutional_vae_of_colour_images_is_pushed(workplace: Workplace, colours: Path):
    run = workplace.run(
        "name=colours",
        "data.dataset=null",
        f"data.directory={colours}",
        "data.splits={train: 'train[:250]', eval: 'train[250:]', test: test}",
        "data.schema_path=schema/unlabelled.pbtxt",
        "model.network=conv",
        "evaluator.thresholds={negative_elbo: {upper: 1000}}",
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert "means over 50 images" in run.stdout
    assert "frechet_distance is left out: images of two labels or more are needed" in " ".join(run.stdout.split())
    assert "do not have them: latent_probe_accuracy/linear" in " ".join(run.stdout.split())
    [report] = (workplace.root / "pipelines" / "colours" / "ModelReport" / "report").glob("*/index.html")
    assert "There is no class balance" in report.read_text()
    assert {"samples", "best-and-worst", "latent-tsne"} <= {path.stem for path in report.parent.glob("*.png")}
    [version] = workplace.versions("colours")
    pushed = workplace.root / "serving" / "colours" / str(version)
    model = tf.saved_model.load(str(pushed))
    drawn = model.signatures["generate"](count=tf.constant(2), seed=tf.constant([0, 1]))["image"]
    assert tuple(drawn.shape) == (2, *SHAPE)
    latent_map = read_map(pushed)
    assert latent_map is not None
    assert len(latent_map.points) == 50
    assert latent_map.labels is None
