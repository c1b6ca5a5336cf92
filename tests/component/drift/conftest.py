"""A small champion, trained on real digits, and examples as ExampleGen writes them."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from support.digits import PROJECT, raw_examples, read_digits, train, transform
from tfx.types.standard_artifacts import Examples, Model

from components.artifacts.loaded_model import LoadedModel


@pytest.fixture(scope="session")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A VAE of 900 digits, after six epochs."""
    images = read_digits(1000)
    splits = {"train": raw_examples(images[:900]), "eval": raw_examples(images[900:])}
    data = transform(splits, tmp_path_factory.mktemp("champion"))
    trained = train(data, tmp_path_factory.mktemp("trained"), {"latent_dim": 8}, {"epochs": 6})
    model = Model()
    model.id, model.uri = 7, str(trained.serving_model.parent)
    return model


@pytest.fixture(scope="session")
def loaded(champion: Model) -> LoadedModel:
    return LoadedModel(Path(champion.uri) / "Format-Serving")


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """MNIST's 10,000 test digits in random order, and their labels."""
    with gzip.open(PROJECT / "data" / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28, 1)
    with gzip.open(PROJECT / "data" / "mnist" / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    order = np.random.default_rng(0).permutation(len(images))
    return images[order], labels[order]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Examples]:
    """Writes the test split of an Examples artifact."""

    def write_split(identity: int, images: np.ndarray, labels: np.ndarray | None) -> Examples:
        artifact = Examples()
        artifact.id, artifact.uri, artifact.split_names = identity, str(tmp_path / str(identity)), '["test"]'
        folder = Path(artifact.uri) / "Split-test"
        folder.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
            for number, image in enumerate(images):
                example = tf.train.Example()
                example.features.feature["image"].bytes_list.value.append(tf.io.encode_png(image).numpy())
                if labels is not None:
                    example.features.feature["label"].int64_list.value.append(int(labels[number]))
                writer.write(example.SerializeToString())
        return artifact

    return write_split
