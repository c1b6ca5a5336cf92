"""Estimates -log p(x) of binarized test digits by importance sampling, from the pushed model, by TensorFlow alone.

    cd runs/pipelines/mnist-vae-best
    python benchmarks/log_likelihood.py ../../serving/mnist-vae-best/1 TfdsExampleGen/examples/2

Burda et al., 2016, section 5: 5,000 codes for each of the 10,000 digits, in nats per image. That decodes 50 million codes. Each
core has one process with one thread. `--images` takes only the first digits in the Evaluator's order, which is that of hashes.
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
from typing import Final

import numpy as np
import tensorflow as tf
from default_run import machine
from numpy.typing import NDArray
from verify import Signature, test_records

_BLOCK: Final = 20


def main() -> None:
    """Prints the mean, its standard error, and the time."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", type=Path, help="the directory of a pushed version")
    parser.add_argument("examples", type=Path, help="the directory of the run's examples")
    parser.add_argument("--samples", type=int, default=5000, help="number of codes for each image")
    parser.add_argument("--images", type=int, default=10_000, help="number of test digits")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", OMP_NUM_THREADS="1")
    started = time.monotonic()
    records = test_records(arguments.examples)[: arguments.images]
    blocks = [records[start : start + _BLOCK] for start in range(0, len(records), _BLOCK)]
    work = functools.partial(iw_nll, model=arguments.model, samples=arguments.samples)
    found, cpu_seconds = np.zeros(0), 0.0
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for values, seconds in pool.imap(work, blocks):
            found = np.concatenate([found, values])
            cpu_seconds += seconds
            print(f"{len(found)} images: {found.mean():.3f}", file=sys.stderr, flush=True)
    print(f"{date.today()}, {arguments.processes} processes, {machine()}, Python {platform.python_version()}")
    error = found.std() / len(found) ** 0.5
    print(
        f"-log p(x) <= {found.mean():.3f} nats (standard error {error:.3f}) over {len(found)} binarized test "
        f"digits with {arguments.samples} samples each: {cpu_seconds:.0f} CPU s, {time.monotonic() - started:.0f} s"
    )


def iw_nll(records: list[bytes], model: Path, samples: int) -> tuple[NDArray[np.float32], float]:
    """What the signature says of each digit, float32 [N] in nats, and the CPU seconds."""
    started = time.process_time()
    answer = _loaded(model)(examples=tf.constant(records), samples=tf.constant(samples))
    return answer["iw_nll"].numpy(), time.process_time() - started


@functools.cache
def _loaded(model: Path) -> Signature:
    """The model's signature in a process that uses one thread."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return tf.saved_model.load(str(model)).signatures["evaluate_iw_nll_binarized"]


if __name__ == "__main__":
    main()
