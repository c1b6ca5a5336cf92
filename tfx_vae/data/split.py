"""MNIST as a folder of PNG files by span and label, to try a pipeline that learns from new images."""

import gzip
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track

import pipelines
from components.artifacts.image_files import as_png
from components.errors import ConfigurationError

_MNIST: Final = Path(pipelines.__file__).parent / "bundled" / "data" / "mnist"
_EDGE: Final = 28
_IMAGES_HEAD: Final = 16
_LABELS_HEAD: Final = 8


def write_spans(output: Path, spans: int, count: int) -> int:
    """Writes the first training digits to `OUTPUT/span-N/LABEL/NUMBER.png`, in spans of about one size.

    Args:
      output: Must not exist, or be empty.
      spans: From 1.
      count: Digits in all spans together.

    Returns:
      How many were written.

    Raises:
      ConfigurationError: There is something in `output`.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ConfigurationError(f"--output: {output} exists and is not an empty directory; name another.")
    images, labels = _read(count)
    width = len(str(spans))
    for number in track(range(count), "writing", console=Console(stderr=True), transient=True):
        span = number * spans // count + 1
        folder = output / f"span-{span:0{width}}" / str(labels[number])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:05}.png").write_bytes(as_png(Image.fromarray(images[number])))
    return count


def _read(count: int) -> tuple[np.ndarray, np.ndarray]:
    with gzip.open(_MNIST / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(_IMAGES_HEAD + count * _EDGE**2), np.uint8, offset=_IMAGES_HEAD)
    with gzip.open(_MNIST / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(_LABELS_HEAD + count), np.uint8, offset=_LABELS_HEAD)
    return images.reshape(-1, _EDGE, _EDGE), labels
