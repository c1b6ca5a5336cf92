"""This project's training loop, including the losses of a (here small) eval split after each epoch."""

import itertools
import tempfile
from pathlib import Path

import numpy as np
from contest import IMAGES, NETWORKS, answer_epochs, contestant, read_digits
from tensorflow_threads import limit_threads


def main() -> None:
    """Runs the epochs."""
    arguments = contestant("--bfloat16", "--jit-compile", "--from-disk")
    limit_threads(arguments.threads)
    import tensorflow as tf

    from components.artifacts.features import IMAGE, Binarization
    from components.models import config as model_config
    from components.models.autoencoder import build_model
    from components.trainer.config import TrainerConfig
    from components.trainer.input_data import ImagesInMemory, ImageSource, PixelScale, open_images
    from components.trainer.training_loop import TrainingData, TrainingLoop
    from components.trainer.views import ImageViews

    def on_disk(digits: np.ndarray, directory: str) -> ImageSource:
        path = str(Path(directory) / "examples.gz")
        with tf.io.TFRecordWriter(path, "GZIP") as writer:
            for digit in digits:
                example = tf.train.Example()
                example.features.feature[IMAGE].float_list.value.extend(digit.ravel())
                writer.write(example.SerializeToString())
        return open_images([path], (28, 28, 1), "train", memory_limit=0, seed=0)

    network = NETWORKS[arguments.network]
    precision = model_config.Precision.BFLOAT16 if arguments.bfloat16 else model_config.Precision.FLOAT32
    architecture = model_config.ModelConfig(
        network=model_config.Network.DENSE,
        decoder_network=model_config.Network.DENSE,
        hidden_units=network.hidden_units,
        latent_dim=network.latent_dim,
        activation=network.activation,
        batch_normalization=network.batch_normalization,
        precision=precision,
    )
    model = build_model(architecture, (28, 28, 1), 0.13, seed=0)
    config = TrainerConfig(batch_size=network.batch_size, learning_rate=1e-3, jit_compile=arguments.jit_compile)
    digits = read_digits()[..., np.newaxis].astype(np.float32) / np.float32(255)
    with tempfile.TemporaryDirectory() as directory:
        train = on_disk(digits, directory) if arguments.from_disk else ImagesInMemory(tf.constant(digits), 0)
        views = ImageViews(PixelScale(1.0, 0.0), config.augmentation, Binarization.NONE)
        loop = TrainingLoop(model, TrainingData(train, ImagesInMemory(tf.constant(digits[:100]), 0), views), config, beta=1.0)
        numbers = itertools.count()

        def epoch() -> int:
            loop.run_epoch(next(numbers))
            return IMAGES // network.batch_size * network.batch_size

        answer_epochs(epoch)


if __name__ == "__main__":
    main()
