"""All that this repository uses of tensorflow-datasets beyond its public interface.

It has no public way to parse a dataset's name, to recognise a wrong checksum or a broken archive, to limit how long a download
is tried, to hear of its progress, and to encode many images at once. tests/unit/components/example_gen/test_private_tfds.py
says what an upgrade breaks.
"""

import functools
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final, Self

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download import downloader
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
from tensorflow_datasets.core.download.extractor import ExtractError
from tensorflow_datasets.core.naming import parse_builder_name_kwargs
from tensorflow_datasets.core.utils import tqdm_utils

from components.progress import Progress, report

__all__ = [
    "ExtractError",
    "NonMatchingChecksumError",
    "encode_images_together",
    "parse_builder_name_kwargs",
    "preparation_settings",
]

SECONDS_BETWEEN_REPORTS: Final = 0.1

# With ten, the default, a machine without a network waits for more than three minutes before it says so.
_DOWNLOAD_RETRIES: Final = 4

# The bar that counts two or three splits, around the bars that count their examples.
_OUTER_BAR: Final = "Generating splits"

_PIXELS_AT_ONCE: Final = 2**20

_Example = tuple[Any, dict[str, Any]]
"""The key and the features of an example, as a builder generates them."""


def encode_images_together(builder: tfds.core.DatasetBuilder) -> None:
    """Has a builder encode many images as PNG with one call of TensorFlow, to the same bytes.

    With a call for each image, as tensorflow-datasets does it, the calls take two thirds of the time for MNIST. Nothing changes
    for datasets whose images have several sizes or another encoding, or that have other features than images and scalars.
    """
    features = dict(builder.info.features.items())
    images = {name: feature.shape for name, feature in features.items() if _is_png_of_one_size(feature)}
    scalars = {name for name, feature in features.items() if feature.shape == ()}
    generate = getattr(builder, "_generate_examples", None)
    if generate is None or not images or len(images) + len(scalars) < len(features):
        return

    def generate_encoded(*args: Any, **kwargs: Any) -> Any:
        examples = generate(*args, **kwargs)
        return _encoded(examples, images) if isinstance(examples, Iterator) else examples

    builder._generate_examples = generate_encoded


def _is_png_of_one_size(feature: tfds.features.FeatureConnector) -> bool:
    return (
        type(feature) is tfds.features.Image
        and feature.encoding_format in (None, "png")
        and feature.dtype == np.uint8
        and None not in feature.shape
    )


def _encoded(examples: Iterator[_Example], images: dict[str, tuple[int, ...]]) -> Iterator[_Example]:
    """The same examples with PNG files instead of arrays; what is no such array is left to tensorflow-datasets."""
    count = max(1, _PIXELS_AT_ONCE // max(map(math.prod, images.values())))
    # Copies, because a builder may fill the same array with the next image.
    copied = ((key, {name: np.copy(value) if name in images and isinstance(value, np.ndarray) else value
                     for name, value in example.items()}) for key, example in examples)  # fmt: skip
    while chunk := list(itertools.islice(copied, count)):
        for name, shape in images.items():
            plain = [example for _, example in chunk if _is_image(example.get(name), shape)]
            files = tf.io.encode_png(np.stack([example[name] for example in plain])).numpy() if plain else ()
            for example, file in zip(plain, files, strict=True):
                example[name] = file
        yield from chunk


def _is_image(value: Any, shape: tuple[int, ...]) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.shape == shape


@contextmanager
def preparation_settings(dataset: str) -> Iterator[None]:
    """Inside, tensorflow-datasets reports its progress instead of drawing bars on stderr, and tries a download five times.

    Every bar comes from one module attribute. Its list of asynchronous bars is replaced too: bars of a download that failed
    stay in it, and would be drawn with the next download.

    Args:
      dataset: The dataset's name for the reports' task.
    """
    bar = functools.partial(_ReportingBar, _at_intervals(report), dataset)
    # Its asynchronous bars ask the class for a lock.
    bar.get_lock = threading.RLock  # type: ignore[attr-defined]  # a partial takes attributes
    with (
        _replaced(tqdm_utils, "tqdm_lib", SimpleNamespace(tqdm=bar)),
        _replaced(tqdm_utils._TqdmPbarAsync, "_tqdm_bars", []),
        _replaced(downloader, "MAX_RETRIES", _DOWNLOAD_RETRIES),
    ):
        yield


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Inside, `owner.name` is `value`."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


class _ReportingBar:
    """The parts of a tqdm bar that tensorflow-datasets uses."""

    def __init__(
        self,
        tell: Callable[[Progress], None],
        dataset: str,
        iterable: Iterable[Any] = (),
        *,
        desc: str = "",
        total: float | None = None,
        unit: str = "steps",
        **_: Any,
    ) -> None:
        self._tell = tell
        self._iterable = iterable
        self._task = _task(desc)
        self._description = f"preparing {dataset}: {self._task.lower()}"
        self._unit = unit.strip()
        self._done = 0.0
        self.total = total

    def __iter__(self) -> Iterator[Any]:
        for item in self._iterable:
            yield item
            self.update()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, n: float = 1) -> None:
        """Called after every `n` units."""
        self._done += n
        self.refresh()

    def refresh(self) -> None:
        """Called wherever tqdm would draw."""
        if self._task != _OUTER_BAR:
            self._tell(Progress(self._description, self._done, self.total, self._unit))


def _task(description: str) -> str:
    """`Generating train examples...` without the dots, and `Shuffling <path>...` without the path."""
    task = description.strip().removesuffix("...")
    return "Shuffling examples" if task.startswith("Shuffling ") else task


def _at_intervals(tell: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Passes on the first report, and each that comes long enough after the one before."""
    next_report = 0.0

    def tell_at_intervals(progress: Progress) -> None:
        nonlocal next_report
        now = time.monotonic()
        if now >= next_report:
            next_report = now + SECONDS_BETWEEN_REPORTS
            tell(progress)

    return tell_at_intervals
