"""Estimates -log p(x) of binarized test digits by importance sampling, with weights from benchmarks/quality.py.

    python benchmarks/quality.py "best, binarized" --keep runs/weights
    python benchmarks/log_likelihood.py runs/weights/best-binarized.weights.h5 --config pipelines/configs/mnist_vae_best.yaml

Burda et al., 2016, section 5: 5,000 codes for each of the 10,000 digits, in nats per image. That decodes 50 million codes,
which takes about an hour of one core in bfloat16. Each core has one process with one thread.
"""

import argparse
import functools
import multiprocessing
import os
import platform
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from default_run import REPOSITORY, machine
from digits import EVALUATION_SEED, binarized, read_split
from numpy.typing import NDArray

if TYPE_CHECKING:
    import tensorflow as tf

    from components.models.autoencoder import Autoencoder

_IMAGES_AT_A_TIME: Final = 20
_CODES_AT_A_TIME: Final = 100
_BLOCK: Final = 200


def main() -> None:
    """Prints the mean, its standard error, and the time."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", type=Path, help="a file from `quality.py --keep`")
    parser.add_argument("--config", type=Path, required=True, help="the configuration of the training")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="SECTION.KEY=VALUE")
    parser.add_argument("--samples", type=int, default=5000, help="number of codes for each image")
    parser.add_argument("--images", type=int, default=10_000, help="number of test digits")
    parser.add_argument("--precision", choices=["bfloat16", "float32", "auto"], default="auto")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    started = time.monotonic()
    blocks = [(start, min(start + _BLOCK, arguments.images)) for start in range(0, arguments.images, _BLOCK)]
    work = functools.partial(block_iw_nll, arguments=arguments)
    found, cpu_seconds, precisions = [], 0.0, set()
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for values, seconds, precision in pool.imap(work, blocks):
            found.append(values)
            cpu_seconds += seconds
            precisions.add(precision)
            print(f"{len(np.concatenate(found))} images: {np.concatenate(found).mean():.3f}", file=sys.stderr, flush=True)
    nats = np.concatenate(found)
    print(f"{date.today()}, {arguments.processes} processes, {machine()}, Python {platform.python_version()}")
    print(
        f"-log p(x) <= {nats.mean():.3f} nats (standard error {nats.std() / len(nats) ** 0.5:.3f}) over {len(nats)} binarized "
        f"test digits with {arguments.samples} samples each, in {', '.join(precisions)}: {cpu_seconds:.0f} CPU s, "
        f"{time.monotonic() - started:.0f} s"
    )


def block_iw_nll(block: tuple[int, int], arguments: argparse.Namespace) -> tuple[NDArray[np.float32], float, str]:
    """iw_nll of each image of a block, its CPU seconds, and the precision of the matrix products."""
    model = _model(arguments.weights, arguments.config, tuple(arguments.settings), arguments.precision)
    started = time.process_time()
    images = binarized(read_split("test"))[slice(*block)]
    nats = iw_nll(model, images, arguments.samples, first=block[0])
    return nats, time.process_time() - started, model.config.precision.value


def iw_nll(model: "Autoencoder", images: NDArray[np.float32], samples: int, first: int = 0) -> NDArray[np.float32]:
    """An upper bound on -log p(x) of each image: minus the importance-weighted bound (Burda et al., 2016, equation 8).

    Args:
      model: a VAE, or an IWAE.
      images: float32 [N, 28, 28, 1], binary.
      samples: K, codes for each image; a multiple of 100, or fewer.
      first: number of the first image, for its noise.

    Returns:
      float32 [N], nats.
    """
    import tensorflow as tf

    codes = min(samples, _CODES_AT_A_TIME)
    sums = _log_sum_of_weights(model, codes)
    bounds = []
    for start in range(0, len(images), _IMAGES_AT_A_TIME):
        batch = tf.constant(images[start : start + _IMAGES_AT_A_TIME])
        parts = [sums(batch, tf.constant(first + start), tf.constant(part)) for part in range(samples // codes)]
        bounds.append(tf.reduce_logsumexp(tf.stack(parts), axis=0) - np.log(codes * len(parts)))
    return -np.concatenate(bounds)


@functools.cache
def _log_sum_of_weights(model: "Autoencoder", codes: int) -> "tf.types.experimental.PolymorphicFunction":
    import tensorflow as tf

    from components.models.objectives import log_importance_weights

    @tf.function(reduce_retracing=True)
    def log_sum(batch: tf.Tensor, first: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
        seed = tf.random.experimental.stateless_fold_in([EVALUATION_SEED, first], part)
        noise = tf.random.stateless_normal([codes, tf.shape(batch)[0], model.latent_dim], seed)
        return tf.reduce_logsumexp(log_importance_weights(model, batch, batch, noise), axis=0)

    return log_sum


@functools.cache
def _model(weights: Path, config_path: Path, settings: tuple[str, ...], precision: str) -> "Autoencoder":
    """The model of a process, which uses one thread."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", OMP_NUM_THREADS="1")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from components.models.autoencoder import build_model
    from components.models.config import Precision
    from components.trainer.optimizer import resolve_precision
    from pipelines.config import load_config

    config = load_config(config_path.resolve(), list(settings), REPOSITORY).model
    resolved = resolve_precision(Precision(precision))
    model = build_model(config.model_copy(update={"precision": resolved}), (28, 28, 1), pixel_mean=0.5, seed=0)
    model.load_weights(weights)
    return model


if __name__ == "__main__":
    main()
