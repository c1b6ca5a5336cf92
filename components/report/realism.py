"""Figures about whether samples pass for real images: both mixed, and samples beside the training images nearest to them."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from components.artifacts.feature_classifier import FeatureClassifier, training_features
from components.artifacts.features import TRAIN
from components.artifacts.images import read_images_at
from components.models.image_quality import nearest
from components.report.figures import image_grid
from components.report.findings import Findings
from components.report.page import Block, Figure, Note

_MIXED = 16

_MIXED_COLUMNS = "abcdefgh"

_SEARCHED = 1_000

_MOST_LABELS = 12

_LEFT_OUT = Note(
    "The training images nearest to samples are left out: they are found in the features of a classifier, which needs labelled "
    "images and evaluator.frechet_distance."
)


def realism(findings: Findings) -> Iterator[Block]:
    """Both figures, or why one is left out."""
    yield _which_are_drawn(findings)
    classifier = FeatureClassifier.load(findings.classifier) if findings.classifier else None
    yield _LEFT_OUT if classifier is None else _closest(findings, classifier)


def _which_are_drawn(findings: Findings) -> Figure:
    """Samples and test images in random order, and the answer in the caption."""
    random = np.random.default_rng(findings.config.seed)
    count = min(_MIXED, len(findings.test))
    real = findings.test.pixels(random.choice(len(findings.test), count, replace=False))
    # Not the seed of the sheet of samples, which the reader has seen.
    images = np.concatenate([findings.model.generate(count, findings.config.seed ^ 1), real])
    order, places = mixed(count, random)
    columns = len(_MIXED_COLUMNS)
    sheet = np.full((-(-len(images) // columns) * columns, *images.shape[1:]), np.nan, np.float32)
    sheet[: len(images)] = images[order]
    rows = sheet.reshape(-1, columns, *images.shape[1:])
    return Figure(
        "which-are-drawn",
        image_grid(rows, row_labels=[str(row + 1) for row in range(len(rows))], column_labels=list(_MIXED_COLUMNS)),
        f"{count} samples among {count} test images: which are drawn by the model? The harder it is to say, the better the "
        f"model. Answer: {', '.join(places)}.",
        f"{count} samples and {count} test images in random order.",
    )


def mixed(count: int, random: np.random.Generator) -> tuple[NDArray[np.int64], list[str]]:
    """A random order of `count` samples followed by as many test images.

    Returns:
      The index of the image at each place; the names of the places of the samples: `1a` is the first.
    """
    order = random.permutation(2 * count)
    columns = len(_MIXED_COLUMNS)
    places = np.flatnonzero(order < count)
    return order, [f"{place // columns + 1}{_MIXED_COLUMNS[place % columns]}" for place in places]


def _closest(findings: Findings, classifier: FeatureClassifier) -> Block:
    """The samples and the test images that are nearest to a training image of each label, each above that image."""
    count = min(_SEARCHED, len(findings.test))
    groups = findings.model.generate(count, findings.config.seed), findings.test.pixels(range(count))
    trained = training_features(findings.classifier)
    found = [nearest(classifier.features(images), trained) for images in groups]
    places = np.concatenate([each.place for each in found])
    beside = read_images_at(findings.examples, TRAIN, places, findings.model.model_input)
    if beside.labels is None:
        return _LEFT_OUT
    labels = beside.label_names()[:_MOST_LABELS]
    rows = np.full((4, len(labels), *groups[0].shape[1:]), np.nan, np.float32)
    for number, (images, each) in enumerate(zip(groups, found, strict=True)):
        first = number * count
        for column, chosen in enumerate(closest_of_each(each.distance, beside.labels[first : first + count], labels)):
            if chosen >= 0:
                rows[2 * number : 2 * number + 2, column] = images[chosen], beside.pixels([first + chosen])[0]
    of_samples, of_tests = (
        f"{each.distance.min():.2f} at least and {np.median(each.distance):.2f} in the middle" for each in found
    )
    return Figure(
        "closest-samples",
        image_grid(
            rows,
            row_labels=["sample", "training", "test", "training"],
            column_labels=[findings.data.label_name(label) for label in labels],
            gap_after=[1],
        ),
        f"Does the model copy? Of {count:,} samples, those nearest to a training image of each label, above that image; below, "
        "the same for as many test images, which nobody copied. Near means alike in the features of the classifier of the "
        f"Fréchet distance. Distances of samples: {of_samples}; of test images: {of_tests}. Copies would equal the images "
        "below them, and their distances would be far smaller than those of test images.",
        "Samples, and test images, each above the training image that is nearest to it.",
    )


def closest_of_each(distances: NDArray[np.float64], of: NDArray[np.int64], labels: Sequence[int]) -> list[int]:
    """For each of `labels`, the index of the smallest distance among those `of` that label; -1 if there is none."""
    members = [np.flatnonzero(of == label) for label in labels]
    return [int(group[distances[group].argmin()]) if len(group) else -1 for group in members]
