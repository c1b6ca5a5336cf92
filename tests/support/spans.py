"""Small folders of images that arrive as spans."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from tfx_vae.data.split import write_spans

NIGHTLY = (
    "name=digits",
    "data.window=all",
    "data.schema_path=schema/schema.pbtxt",
    "data.fractions={train: 0.7, eval: 0.15, test: 0.15}",
    "validation.missing_label=warn",
    "transform.normalization=standardize",
    "trainer.epochs=1",
    "trainer.warm_start=champion",
    "evaluator.thresholds={negative_elbo: {upper: 5000, worsening: 50}}",
    # Quicker.
    "evaluator.importance_weighted.enabled=false",
    "evaluator.latent_space.enabled=false",
    "evaluator.frechet_distance.enabled=false",
    "evaluator.binarized=false",
    "infra_validator.enabled=false",
)
"""Settings of a pipeline `digits` that trains in seconds on what `write_drifting_digits` writes."""


def write_drifting_digits(folder: Path) -> None:
    """Two hundred digits in each of span-1 to span-3; the last ones are inverted."""
    write_spans(folder, spans=3, count=600)
    for path in (folder / "span-3").rglob("*.png"):
        ImageOps.invert(Image.open(path)).save(path)


def write_span(folder: Path, seed: int) -> None:
    """Two noisy images of each digit in each split."""
    random = np.random.default_rng(seed)
    for split in ("train", "eval", "test"):
        for label in range(10):
            (folder / split / str(label)).mkdir(parents=True)
            for number in range(2):
                Image.fromarray(random.integers(0, 256, (4, 4), np.uint8)).save(folder / split / str(label) / f"{number}.png")
