"""Small folders of images that arrive as spans."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_span(folder: Path, seed: int) -> None:
    """Two noisy images of each digit in each split."""
    random = np.random.default_rng(seed)
    for split in ("train", "eval", "test"):
        for label in range(10):
            (folder / split / str(label)).mkdir(parents=True)
            for number in range(2):
                Image.fromarray(random.integers(0, 256, (4, 4), np.uint8)).save(folder / split / str(label) / f"{number}.png")
