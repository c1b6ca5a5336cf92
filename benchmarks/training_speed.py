"""Images per second of training: this Trainer against Keras fit as everybody writes it, the same network, batches and data.

    python benchmarks/training_speed.py [--threads 1] [--rounds 3] [--batch-size 256]

Each round trains each of them for one epoch of 22,000 digits, so that whatever else the machine does falls on all. What is
compiled on the first epoch is reported apart. One thread by default: CPU seconds of waiting threads would count as work.
"""

import argparse
import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
from default_run import machine, print_table

MNIST: Final = Path(__file__).resolve().parent.parent / "data" / "mnist" / "train-images-idx3-ubyte.gz"
IMAGES: Final = 22_000
VARIANTS: Final = ("keras fit", "trainer, float32", "trainer, bfloat16")


def main() -> None:
    """Runs a process for each variant, asks them in turn for an epoch, and prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--variant", choices=VARIANTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.variant:
        answer_epochs(arguments.variant, arguments.threads, arguments.batch_size)
        return
    workers = {variant: start_worker(variant, arguments) for variant in VARIANTS}
    costs = [{variant: ask_for_epoch(worker) for variant, worker in workers.items()} for _ in range(arguments.rounds + 1)]
    for worker in workers.values():
        worker.communicate()
    print(f"{date.today()}, {arguments.threads} thread(s), {machine()}, Python {platform.python_version()}, 784-512-512-32\n")
    columns = {}
    for variant in VARIANTS:
        cpu, wall = (statistics.median(IMAGES / cost[variant][kind] for cost in costs[1:]) for kind in ("cpu", "wall"))
        columns[variant] = {
            "images per CPU second": cpu,
            "images per second": wall,
            "seconds of the first epoch beyond the others": costs[0][variant]["wall"] - IMAGES / wall,
        }
    print_table("", columns, "{:,.0f}")


def start_worker(variant: str, arguments: argparse.Namespace) -> "subprocess.Popen[str]":
    """A process that trains an epoch for each line it is sent."""
    command = [sys.executable, __file__, "--variant", variant, "--threads", str(arguments.threads)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    return subprocess.Popen(
        [*command, "--batch-size", str(arguments.batch_size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )


def ask_for_epoch(worker: "subprocess.Popen[str]") -> dict[str, float]:
    """Seconds that the next epoch took: `cpu` and `wall`."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("epoch\n")
    worker.stdin.flush()
    cost: dict[str, float] = json.loads(worker.stdout.readline())
    return cost


def answer_epochs(variant: str, threads: int, batch_size: int) -> None:
    """Trains an epoch for each line of standard input and answers with what it took."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    epoch = keras_epochs(batch_size) if variant == "keras fit" else trainer_epochs(variant.split(", ")[1], batch_size)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        epoch()
        print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}), flush=True)


def read_digits() -> np.ndarray:
    """The first digits of MNIST, float32 [N, 28, 28, 1] in [0, 1]."""
    with gzip.open(MNIST) as file:
        pixels = np.frombuffer(file.read(16 + IMAGES * 784), np.uint8, offset=16)
    return pixels.reshape(-1, 28, 28, 1).astype(np.float32) / np.float32(255)


def trainer_epochs(precision: str, batch_size: int) -> Callable[[], object]:
    """An epoch of this project's training loop, with what it does after each: the losses of a small eval split."""
    import itertools

    import tensorflow as tf

    from components.example_gen.config import Binarization
    from components.models.config import ModelConfig
    from components.models.factory import build_model
    from components.trainer.config import TrainerConfig
    from components.trainer.image_source import ImagesInMemory
    from components.trainer.input_data import PixelScale
    from components.trainer.training_loop import TrainingData, TrainingLoop
    from components.trainer.views import ImageViews

    digits = tf.constant(read_digits())
    config = TrainerConfig(batch_size=batch_size)
    views = ImageViews(PixelScale(1.0, 0.0), config.augmentation, Binarization.NONE)
    data = TrainingData(ImagesInMemory(digits, 0), ImagesInMemory(digits[:100], 0), views)
    model = build_model(ModelConfig.model_validate({"precision": precision}), (28, 28, 1), 0.13, seed=0)
    loop = TrainingLoop(model, data, config, beta=1.0)
    numbers = itertools.count()
    return lambda: loop.run_epoch(next(numbers))


def keras_epochs(batch_size: int) -> Callable[[], object]:
    """An epoch of `fit` with a train_step of one's own, a tf.data pipeline and Keras's Adam."""
    import keras
    import tensorflow as tf

    from components.models.config import ModelConfig, Precision
    from components.models.factory import build_model

    networks = build_model(ModelConfig(precision=Precision.FLOAT32), (28, 28, 1), 0.13, seed=0)

    class KerasVae(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = networks.encoder, networks.decoder

        def train_step(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
            with tf.GradientTape() as tape:
                statistics = self.encoder(images, training=True)
                mean, log_variance = statistics["mean"], statistics["log_variance"]
                code = mean + tf.exp(0.5 * log_variance) * tf.random.normal(tf.shape(mean))
                logits = self.decoder(code, training=True)
                cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(images, logits)
                reconstruction = tf.reduce_sum(cross_entropy, axis=(1, 2, 3))
                divergence = 0.5 * tf.reduce_sum(tf.exp(log_variance) + mean**2 - 1.0 - log_variance, axis=1)
                loss = tf.reduce_mean(reconstruction + divergence)
            self.optimizer.apply_gradients(
                zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights, strict=True)
            )
            return {"loss": loss}

    vae = KerasVae()
    vae.compile(optimizer=keras.optimizers.Adam(1e-3), jit_compile=False)
    dataset = tf.data.Dataset.from_tensor_slices(read_digits()).shuffle(IMAGES).batch(batch_size, drop_remainder=True)
    return lambda: vae.fit(dataset, epochs=1, verbose=0)


if __name__ == "__main__":
    main()
