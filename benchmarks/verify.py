"""Verifies the figures of a run from the pushed model, by TensorFlow and NumPy alone: no code of this project takes part.

    cd runs/pipelines/mnist-vae
    python benchmarks/verify.py ../../serving/mnist-vae/1 TfdsExampleGen/examples/2 FeatureClassifier/classifier/7 \
        reconstruction_loss=70.99 kl_to_standard_normal=24.48 negative_elbo=92.81 frechet_distance=3.75

Asks the model's signatures about all test examples of the run. Losses are the means of what `evaluate` says of each image. The
reconstruction loss and the KL divergence from N(0, I) are computed once more from `encode` and `decode`, with other noise. Exit
status 1 if a figure differs from the one given by more than the tolerance: 0.01, or 0.1 nats where the noise is another.
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
AGAIN: Final = " again"


def main() -> None:
    """Prints each figure beside the expected one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, help="the directory of a pushed version")
    parser.add_argument("examples", type=Path, help="the directory of the run's examples")
    parser.add_argument("classifier", type=Path, help="the directory of FeatureClassifier's output")
    parser.add_argument("expected", nargs="*", metavar="METRIC=VALUE")
    arguments = parser.parse_args()
    expected = {name: float(value) for name, _, value in (text.partition("=") for text in arguments.expected)}
    model = tf.saved_model.load(str(arguments.model))
    classifier = tf.saved_model.load(str(arguments.classifier / "saved_model"))
    files = sorted(str(path) for path in (arguments.examples / "Split-test").iterdir())
    records = list(tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator())
    found = figures(model.signatures, classifier.signatures["features"], records)
    unknown = expected.keys() - found.keys()
    if unknown:
        sys.exit(f"This script does not compute {', '.join(sorted(unknown))}, but {', '.join(found)}.")
    wrong = False
    for name, value in found.items():
        wanted = expected.get(name.removesuffix(AGAIN))
        differs = wanted is not None and abs(value - wanted) > (0.1 if name.endswith(AGAIN) else 0.01)
        wrong |= differs
        print(f"{name:<32} {value:>10.4f} {'' if wanted is None else wanted:>10} {'DIFFERS' if differs else ''}")
    sys.exit(int(wrong))


def figures(model: dict[str, Signature], features: Signature, records: list[bytes]) -> dict[str, float]:
    """Means over all test images, by metric."""
    said = asked(model["evaluate"], examples=records)
    names = ("reconstruction_loss", "squared_error", "kl_divergence", "negative_elbo", "ssim")
    found = {name: float(said[name].mean(dtype=np.float64)) for name in names}
    found["active_units"] = float((said["latent_mean"].var(axis=0, dtype=np.float64) > 0.01).sum())
    drawn = asked(model["evaluate_samples"], examples=records)
    pixels = drawn["pixels"]
    found["frechet_distance"] = frechet(*(asked(features, image=drawn[name])["features"] for name in ("pixels", "sample")))
    codes = asked(model["encode"], image=pixels)
    mean = codes["latent_mean"].astype(np.float64)
    stddev = np.zeros_like(mean)
    if "latent_log_variance" in codes:
        log_variance = codes["latent_log_variance"].astype(np.float64)
        stddev = np.exp(0.5 * log_variance)
        divergence = 0.5 * (mean**2 + stddev**2 - 1 - log_variance).sum(axis=1)
        found["kl_to_standard_normal"] = float(divergence.mean())
        count, images = _IMPORTANCE
        chosen = sorted(records, key=image_hash)[:images]
        bound = [model["evaluate_iw_nll"](examples=tf.constant(part), samples=tf.constant(count)) for part in batches(chosen)]
        found["iw_nll"] = float(
            np.concatenate([next(iter(answer.values())).numpy() for answer in bound]).mean(dtype=np.float64)
        )
    noise = np.random.default_rng(0).normal(size=mean.shape)
    image = asked(model["decode"], latent=(mean + stddev * noise).astype(np.float32))["image"].astype(np.float64)
    image = np.clip(image, 1e-7, 1 - 1e-7)
    loss = -(pixels * np.log(image) + (1 - pixels) * np.log(1 - image)).reshape(len(image), -1).sum(axis=1)
    return found | {f"reconstruction_loss{AGAIN}": float(loss.mean())}


def frechet(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The Fréchet distance (Heusel et al., 2017, equation 6), by the eigenvalues of the product of the covariances."""
    first, second = one.astype(np.float64), other.astype(np.float64)
    covariances = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(covariances[0] @ covariances[1]).real, 0))
    difference = first.mean(axis=0) - second.mean(axis=0)
    return float(difference @ difference + np.trace(covariances[0] + covariances[1]) - 2 * roots.sum())


def image_hash(record: bytes) -> int:
    """The images with the lowest hashes are those for which the Evaluator computes the importance-weighted bound."""
    [encoded] = tf.train.Example.FromString(record).features.feature["image"].bytes_list.value
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
