"""Verifies the figures of a run from the pushed model, by TensorFlow and NumPy alone: no code of this project takes part.

    cd runs/pipelines/mnist-vae
    python benchmarks/verify.py ../../serving/mnist-vae/1 TfdsExampleGen/examples/2 FeatureClassifier/classifier/9 \
        reconstruction_loss=70.99 kl_divergence=21.82 latent_probe_accuracy/knn=0.960

Asks the model's signatures about all test examples of the run. Losses are the means of what `evaluate` says of each image;
the rest is computed from codes, and from the classifier's features. The reconstruction loss and the KL divergence from
N(0, I) are computed once more from `encode` and `decode`, with other noise. Exit status 1 if a figure is not the given one, to
as many digits as were given, or differs by more than 0.2 nats where the noise is another.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Signature = Callable[..., dict[str, tf.Tensor]]

_BATCH: Final = 1000
_IMPORTANCE: Final = 64, 1000
_NEIGHBOURS: Final = 5
AGAIN: Final = " again"


def main() -> None:
    """Prints each figure beside the expected one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, help="the directory of a pushed version")
    parser.add_argument("examples", type=Path, help="the directory of the run's examples")
    parser.add_argument("classifier", type=Path, help="the directory of FeatureClassifier's output")
    parser.add_argument("expected", nargs="*", metavar="METRIC=VALUE")
    arguments = parser.parse_args()
    expected = {name: text for name, _, text in (given.partition("=") for given in arguments.expected)}
    model = tf.saved_model.load(str(arguments.model))
    classifier = tf.saved_model.load(str(arguments.classifier / "saved_model"))
    found = figures(model.signatures, classifier.signatures["features"], test_records(arguments.examples))
    unknown = expected.keys() - found.keys()
    if unknown:
        sys.exit(f"This script does not compute {', '.join(sorted(unknown))}, but {', '.join(found)}.")
    wrong = False
    for name, value in found.items():
        wanted = expected.get(name.removesuffix(AGAIN))
        differs = wanted is not None and abs(value - float(wanted)) > tolerance(name, wanted)
        wrong |= differs
        print(f"{name:<32} {value:>10.4f} {wanted or '':>10} {'DIFFERS' if differs else ''}")
    sys.exit(int(wrong))


def test_records(examples: Path) -> list[bytes]:
    """The serialized tf.Examples of the test split, in the Evaluator's order."""
    files = sorted(str(path) for path in (examples / "Split-test").iterdir())
    return sorted(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator(), key=image_hash)


def tolerance(name: str, wanted: str) -> float:
    """How much a figure may differ from the one given."""
    digits = len(wanted.partition(".")[2])
    return 0.2 if name.endswith(AGAIN) else 0.6 * 10**-digits


def figures(model: dict[str, Signature], features: Signature, records: list[bytes]) -> dict[str, float]:
    """Means over all test images, by metric."""
    said = asked(model["evaluate"], examples=records)
    names = ("reconstruction_loss", "squared_error", "kl_divergence", "negative_elbo", "ssim")
    found = {name: float(said[name].mean(dtype=np.float64)) for name in names}
    found["active_units"] = float((said["latent_mean"].var(axis=0, dtype=np.float64) > 0.01).sum())
    labels = np.array([feature(record, "label").int64_list.value[0] for record in records])
    found["latent_probe_accuracy/knn"] = nearest_accuracy(said["latent_mean"].astype(np.float64), labels)
    drawn = asked(model["evaluate_samples"], examples=records)
    pixels = drawn["pixels"]
    seen = [asked(features, image=drawn[name])["features"].astype(np.float64) for name in ("pixels", "sample")]
    found |= {"frechet_distance": frechet(*seen), **coverage(*seen)}
    codes = asked(model["encode"], image=pixels)
    mean = codes["latent_mean"].astype(np.float64)
    stddev = np.zeros_like(mean)
    if "latent_log_variance" in codes:
        log_variance = codes["latent_log_variance"].astype(np.float64)
        stddev = np.exp(0.5 * log_variance)
        found["kl_to_standard_normal"] = float(0.5 * (mean**2 + stddev**2 - 1 - log_variance).sum(axis=1).mean())
        for name, prefix in (("evaluate_iw_nll", ""), ("evaluate_iw_nll_binarized", "binarized/")):
            count, images = _IMPORTANCE
            bound = [model[name](examples=tf.constant(part), samples=count)["iw_nll"] for part in batches(records[:images])]
            found[f"{prefix}iw_nll"] = float(np.concatenate(bound).mean(dtype=np.float64))
    noise = np.random.default_rng(0).normal(size=mean.shape)
    image = asked(model["decode"], latent=(mean + stddev * noise).astype(np.float32))["image"].astype(np.float64)
    image = np.clip(image, 1e-7, 1 - 1e-7)
    loss = -(pixels * np.log(image) + (1 - pixels) * np.log(1 - image)).reshape(len(image), -1).sum(axis=1)
    return found | {f"reconstruction_loss{AGAIN}": float(loss.mean())}


def nearest_accuracy(codes: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """How many codes of the second half have the label that is the most frequent among the 5 nearest of the first half."""
    half = len(codes) // 2
    near = [np.argsort(part, axis=1)[:, :_NEIGHBOURS] for part in distances(codes[half:], codes[:half])]
    guesses = [np.bincount(labels[row]).argmax() for row in np.concatenate(near)]
    return float(np.mean(guesses == labels[half:]))


def frechet(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The Fréchet distance (Heusel et al., 2017, equation 6), by the eigenvalues of the product of the covariances."""
    covariances = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(covariances[0] @ covariances[1]).real, 0))
    difference = first.mean(axis=0) - second.mean(axis=0)
    return float(difference @ difference + np.trace(covariances[0] + covariances[1]) - 2 * roots.sum())


def coverage(real: NDArray[np.float64], drawn: NDArray[np.float64]) -> dict[str, float]:
    """Density and coverage of samples (Naeem et al., 2020, equations 6 and 7), with balls to the fifth other image."""
    radii = np.concatenate([np.sort(part, axis=1)[:, _NEIGHBOURS] for part in distances(real, real)])
    inside = np.concatenate([(part < radii).sum(axis=1) for part in distances(drawn, real)])
    covered = np.concatenate([part.min(axis=1) for part in distances(real, drawn)]) < radii
    return {"density": float(inside.mean()) / _NEIGHBOURS, "coverage": float(covered.mean())}


def distances(some: NDArray[np.float64], others: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Squared distances of each from each, in parts of rows."""
    squares = (others**2).sum(axis=1)
    return [(part**2).sum(axis=1)[:, np.newaxis] + squares - 2 * part @ others.T for part in batches(some)]


def feature(record: bytes, name: str) -> Any:
    """A feature of a tf.Example."""
    return tf.train.Example.FromString(record).features.feature[name]


def image_hash(record: bytes) -> int:
    """The Evaluator's order: it computes the importance-weighted bound of the first, and fits the probe to the first half."""
    [encoded] = feature(record, "image").bytes_list.value
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest(), "big") >> 1


def asked(signature: Signature, **values: Any) -> dict[str, NDArray[np.float32]]:
    """The answers of a signature, which gets its only argument in batches."""
    [(name, given)] = values.items()
    answers = [signature(**{name: tf.constant(part)}) for part in batches(given)]
    return {key: np.concatenate([answer[key].numpy() for answer in answers]) for key in answers[0]}


def batches(values: Any) -> list[Any]:
    """Parts of at most a thousand."""
    return [values[start : start + _BATCH] for start in range(0, len(values), _BATCH)]


if __name__ == "__main__":
    main()
