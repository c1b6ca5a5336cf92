"""Measures how well a model's score detects images that are not digits: the table and the figures in benchmarks/README.md.

    python benchmarks/outliers.py                                            # the newest pushed model of mnist_vae.yaml
    python benchmarks/outliers.py --config pipelines/configs/mnist_ae.yaml --set runtime.root=/data/runs
    python benchmarks/outliers.py --model runs/serving/mnist-vae/1795369506 --figures docs/images

Trains nothing. Compares the scores of MNIST's test digits with the scores of other images: Fashion-MNIST, from Debian's package
dataset-fashion-mnist, and generated images. Some of these are simple, and a VAE can give them a higher likelihood than digits.
The AUROC is the probability that an image of a kind has a higher score than a digit: 1 means that all are detected, 0.5 is
chance, and below 0.5 these images have better scores than digits.
"""

import argparse
import platform
import sys
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from default_run import machine
from numpy.typing import NDArray
from outlier_images import DIGITS, FASHION, Pixels, kinds_of_images, read_digits
from sklearn.metrics import roc_auc_score

from components.artifacts.features import IW_NLL, NEGATIVE_ELBO
from components.artifacts.serving_directory import find_pushed
from components.artifacts.signature_names import EVALUATE, EVALUATE_IW_NLL, EXAMPLES, SAMPLES
from components.errors import PipelineError
from pipelines.config import load_config
from tfx_vae.options import DEFAULT_CONFIG
from tfx_vae.serving.commands.model import ModelLocation, examples_of, load_quietly, locate_directory
from tfx_vae.serving.reference import STATISTICS, Reference

Values = NDArray[np.float64]

SEED: Final = 20261122
BATCH: Final = 512
FALSE_ALARMS: Final = 0.01
COLUMNS: Final = ("median", "score", "iw_nll", "either side", "less complexity", "reference", "found by score", "by reference")


class Scores(NamedTuple):
    """The results for the images of one kind.

    Attributes:
      score: Negative ELBO of each image in nats.
      statistics: Statistics of each image for a reference, by name.
      bound: iw_nll of the first images in nats; empty for an autoencoder.
      length: Bytes of each image compressed by zlib.
    """

    score: Values
    statistics: dict[str, Values]
    bound: Values
    length: Values


def main() -> None:
    """Prints a table and, if asked, draws the figures."""
    arguments = parse_arguments()
    try:
        location, model = load_quietly(find_models(arguments), [EVALUATE])
    except PipelineError as error:
        sys.exit(str(error))
    if model.image_shape != (28, 28, 1):
        sys.exit(f"{location} takes images of {model.image_shape}: this benchmark is about MNIST's, of (28, 28, 1).")
    images = kinds_of_images(arguments.images, SEED)
    scores = {name: score(model, pixels, arguments) for name, pixels in images.items()}
    print_table(location, scores, score(model, read_digits("train")[55_000:], arguments), arguments)
    if arguments.figures:
        draw(images, scores, arguments.figures)


def draw(images: dict[str, Pixels], scores: dict[str, Scores], directory: Path) -> None:
    """Draws both figures."""
    # matplotlib takes a second, and the table needs none.
    from outlier_figures import draw_complexity, draw_histograms

    directory.mkdir(parents=True, exist_ok=True)
    draw_histograms(images, {name: found.score for name, found in scores.items()}, directory / "outlier-scores.png")
    points = {name: (found.length, found.score) for name, found in scores.items()}
    draw_complexity(points, directory / "outlier-complexity.png")


def parse_arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, help="the newest pushed model of this configuration is measured"
    )
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="SECTION.KEY=VALUE")
    parser.add_argument("--model", type=Path, help="the directory of an exported model, instead of --config")
    parser.add_argument("--images", type=int, default=10_000, help="number of images of each kind")
    parser.add_argument(
        "--importance-images", type=int, default=500, help="number of images of each kind for iw_nll; 0 leaves it out"
    )
    parser.add_argument("--importance-samples", type=int, default=64, help="number of codes for each image of iw_nll")
    parser.add_argument("--figures", type=Path, metavar="DIRECTORY", help="directory for two figures")
    return parser.parse_args()


def find_models(arguments: argparse.Namespace) -> list[ModelLocation]:
    """Loads the model.

    Raises:
      ConfigurationError: There is no model.
    """
    if arguments.model:
        return locate_directory(arguments.model)
    config = load_config(arguments.config, arguments.settings)
    return [ModelLocation(config.name, *pushed) for pushed in find_pushed(config.serving_dir)]


def score(model: Any, pixels: Pixels, arguments: argparse.Namespace) -> Scores:
    """Computes the results for images of one kind."""
    examples = examples_of(pixels)
    parts = [model.call(EVALUATE, **{EXAMPLES: examples[start : start + BATCH]}) for start in range(0, len(examples), BATCH)]
    outputs = {name: np.concatenate([part[name] for part in parts]).astype(np.float64) for name in (NEGATIVE_ELBO, *STATISTICS)}
    bound = np.zeros(0)
    if EVALUATE_IW_NLL in model.signatures and arguments.importance_images:
        first = {EXAMPLES: examples[: arguments.importance_images], SAMPLES: arguments.importance_samples}
        bound = model.call(EVALUATE_IW_NLL, **first)[IW_NLL]
    length = np.array([len(zlib.compress(image.tobytes(), 9)) for image in pixels])
    return Scores(outputs[NEGATIVE_ELBO], outputs, bound.astype(np.float64), length.astype(np.float64))


def print_table(location: ModelLocation, scores: dict[str, Scores], usual: Scores, arguments: argparse.Namespace) -> None:
    """Prints a row for each kind of images."""
    digits = scores[DIGITS]
    print(f"{date.today()}, {location}, {machine()}, Python {platform.python_version()}\n")
    print(
        f"AUROC of {len(digits.score):,} images of each kind against the same number of MNIST test digits, by\n"
        f"- score: the negative ELBO, in nats\n"
        f"- iw_nll: of the first {len(digits.bound):,}, with {arguments.importance_samples} codes\n"
        f"- either side: how far the score is from its mean over the eval split, {usual.score.mean():.1f}\n"
        f"- less complexity: the score minus the length of the pixels compressed by zlib, in nats\n"
        f"- reference: the distance from the eval split in {', '.join(STATISTICS)}\n\n"
        f"median: of the score; found: share of images whose score is further from the eval split's mean, or whose distance "
        f"is larger, than for {1 - FALSE_ALARMS:.0%} of the eval split\n"
    )
    if not FASHION.exists():
        print(f"Fashion-MNIST is left out: {FASHION} does not exist (apt-get install dataset-fashion-mnist)\n")
    print(f"| images | {' | '.join(COLUMNS)} |\n| --- |{' ---: |' * len(COLUMNS)}")
    reference = Reference(usual.statistics)
    for name, found in scores.items():
        print(f"| {name} | {' | '.join(row(found, digits, usual, reference))} |")


def row(found: Scores, digits: Scores, usual: Scores, reference: Reference) -> list[str]:
    """The cells of one kind of images."""

    def from_mean(scores: Scores) -> Values:
        return np.abs(scores.score - usual.score.mean())

    def from_reference(scores: Scores) -> Values:
        return reference.distance(scores.statistics)

    measures: list[Callable[[Scores], Values]] = [
        lambda scores: scores.score,
        lambda scores: scores.bound,
        from_mean,
        less_complexity,
        from_reference,
    ]
    areas = ["" if found is digits else auroc(measure(digits), measure(found)) for measure in measures]
    return [f"{np.median(found.score):.1f}", *areas, *(share_found(found, usual, by) for by in (from_mean, from_reference))]


def share_found(found: Scores, usual: Scores, measure: Callable[[Scores], Values]) -> str:
    """The share of images above the threshold that gives FALSE_ALARMS on the usual images."""
    return f"{np.mean(measure(found) > np.quantile(measure(usual), 1 - FALSE_ALARMS)):.1%}"


def less_complexity(scores: Scores) -> Values:
    """Serrà et al., 2020, equation 1, in nats."""
    return scores.score - scores.length * 8 * np.log(2)


def auroc(digits: Values, others: Values) -> str:
    """The area under the ROC curve; empty if there is nothing to compare."""
    if not len(others):
        return ""
    is_other = np.repeat([0, 1], [len(digits), len(others)])
    return f"{roc_auc_score(is_other, np.concatenate([digits, others])):.3f}"


if __name__ == "__main__":
    main()
