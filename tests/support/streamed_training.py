"""What memory an epoch of training takes, for a split in a few files: `streamed_training.py LIMIT_BYTES FILE...`.

Prints JSON: the bytes of the split's pixels, and how far the peak memory rose above that of training on one file.
"""

import json
import resource
import sys

from components.artifacts.features import Binarization
from components.models.autoencoder import build_model
from components.models.config import ModelConfig
from components.trainer.config import AugmentationConfig, TrainerConfig
from components.trainer.input_data import PixelScale, open_images
from components.trainer.training_loop import TrainingData, TrainingLoop
from components.trainer.views import ImageViews

SHAPE = (128, 128, 3)
IMAGE_BYTES = 4 * 128 * 128 * 3


def peak_after_epoch(files: list[str], limit: int) -> tuple[int, int]:
    """How many images there are, and the peak memory of this process in bytes."""
    train = open_images(files, SHAPE, "train", limit, seed=0)
    evaluation = open_images(files[:1], SHAPE, "eval", limit, seed=0)
    views = ImageViews(PixelScale(1.0, 0.0), AugmentationConfig(), Binarization.NONE)
    model = build_model(ModelConfig(hidden_units=(2,), latent_dim=2, precision="float32"), SHAPE, 0.5, seed=0)
    TrainingLoop(model, TrainingData(train, evaluation, views), TrainerConfig(batch_size=32), beta=1.0).run_epoch(0)
    return train.count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Trains on the first file alone, then on all."""
    limit, files = int(sys.argv[1]), sys.argv[2:]
    _, before = peak_after_epoch(files[:1], limit)
    count, after = peak_after_epoch(files, limit)
    print(json.dumps({"pixels": count * IMAGE_BYTES, "growth": after - before}))


if __name__ == "__main__":
    main()
