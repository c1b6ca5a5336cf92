"""Compares priors on a pushed model of MNIST, none of which trains it again.

    python benchmarks/priors.py runs/serving/mnist-vae/1 runs/pipelines/mnist-vae/FeatureClassifier/classifier/5

The priors are fitted to codes of the 55,000 training digits, two of each for a VAE. Fréchet distances are between 10,000
samples and the test digits, with as many of each label where a label decides; cross-entropies are the mean -log p(z) of one
code of each test digit. The KL divergence, and with it the negative ELBO, falls by as many nats as the cross-entropy.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np
import tensorflow as tf
from default_run import machine
from digits import read_labels, read_split
from numpy.typing import NDArray

from components.artifacts.feature_classifier import FeatureClassifier
from components.artifacts.loaded_model import LoadedModel
from components.models.config import ModelConfig
from components.models.image_quality import frechet_distance
from components.models.labelled_mixtures import fit_labelled_mixtures
from components.models.prior import fit_prior

_BATCH = 1000
_COMPONENTS = (10, 50, 100)
_DRAWS = 2


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, help="the directory of a pushed version")
    parser.add_argument("classifier", help="the directory of FeatureClassifier's output")
    arguments = parser.parse_args()
    model, classifier = LoadedModel(arguments.model), FeatureClassifier.load(arguments.classifier)
    if classifier is None:
        sys.exit(f"There is no classifier in {arguments.classifier}: the images of that run have no labels.")
    random = np.random.default_rng(0)
    train = _codes(model, read_split("train[:55000]"), random, _DRAWS)
    test = _codes(model, read_split("test"), random)
    wanted = _joined(classifier.features(batch) for batch in _batches(read_split("test")))
    noise = random.normal(size=test.shape).astype(np.float32)
    choice = random.random(len(test)).astype(np.float32)
    print(f"{date.today()}, {machine()}")
    print("| prior | fit, CPU s | -log p(z) of test codes, nats | Fréchet distance |\n| --- | ---: | ---: | ---: |")
    settings: list[dict[str, str | int]] = [{"prior": "standard_normal"}, {"prior": "gaussian"}]
    settings += [{"prior": "mixture", "prior_components": count} for count in _COMPONENTS]
    settings.append({"prior": "flow"})
    for setting in settings:
        started = time.process_time()
        prior = fit_prior(ModelConfig.model_validate(setting), lambda: train, seed=0)
        seconds = time.process_time() - started
        nats = -_joined(prior.log_density(tf.constant(batch)).numpy() for batch in _batches(test)).mean()
        drawn = prior.sample(tf.constant(noise), tf.constant(choice)).numpy()
        distance = frechet_distance(wanted, _features(drawn, model, classifier))
        name = " ".join(str(value) for value in setting.values())
        print(f"| `{name}` | {seconds:.1f} | {nats:.2f} | {distance:.1f} |", flush=True)
    started = time.process_time()
    by_label = fit_labelled_mixtures(train, np.resize(read_labels("train[:55000]"), len(train)), seed=0)
    seconds = time.process_time() - started
    drawn = _joined(
        by_label.sample(tf.constant(noise[chosen]), tf.constant(choice[chosen]), tf.constant(label, tf.int64)).numpy()
        for label in by_label.labels
        for chosen in [read_labels("test") == label]
    )
    distance = frechet_distance(wanted, _features(drawn, model, classifier))
    print(f"| a mixture for each label | {seconds:.1f} | | {distance:.1f} |", flush=True)


def _codes(model: LoadedModel, images: NDArray[np.float32], random: np.random.Generator, draws: int = 1) -> NDArray[np.float32]:
    """Codes of each image, drawn from its posterior; one if it is deterministic."""
    answers = [model.call("encode", image=batch) for batch in _batches(images)]
    mean = _joined(answer["latent_mean"] for answer in answers)
    if not model.has_posterior:
        return mean
    stddev = np.exp(0.5 * _joined(answer["latent_log_variance"] for answer in answers))
    noise = random.normal(size=(draws, *mean.shape)).astype(np.float32)
    return (mean + stddev * noise).reshape(-1, mean.shape[1])


def _features(codes: NDArray[np.float32], model: LoadedModel, classifier: FeatureClassifier) -> NDArray[np.float32]:
    """The classifier's features of decoded codes."""
    return _joined(classifier.features(model.call("decode", latent=batch)["image"]) for batch in _batches(codes))


def _batches(values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    return [values[start : start + _BATCH] for start in range(0, len(values), _BATCH)]


def _joined(parts: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([np.asarray(part, np.float32) for part in parts])


if __name__ == "__main__":
    main()
