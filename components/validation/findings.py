"""What the pixels of the splits mean for a run: what stops it, what is only a warning, and what is recorded."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from components.artifacts.data_verdict import Digests, PixelSummary, SplitPixels
from components.artifacts.features import Fit
from components.errors import ConfigurationError
from components.settings import Action
from components.validation.config import ValidationConfig
from components.validation.pixels import Size, Survey

_SIZES_NAMED: Final = 10


class Finding(NamedTuple):
    """Something that is wrong with the images of a split.

    Attributes:
      sentence: With the split, how many images, and an example; without a full stop.
      stops: Whether the run must stop.
      setting: What decides that.
    """

    sentence: str
    stops: bool
    setting: str


class Span(NamedTuple):
    """The images of a span.

    Attributes:
      number: Of the span.
      digests: By split.
    """

    number: int
    digests: Digests


_Named = tuple[str, NDArray[np.uint64]]


def check_sizes(surveys: Mapping[str, Survey], image_shape: Sequence[int] | None, fit: Fit | None) -> None:
    """Refuses images that would be brought to a shape in a way that nobody chose.

    Args:
      surveys: By split.
      image_shape: Height, width and channels of the model's images; None for those of the dataset.
      fit: What happens to an image of another aspect ratio; None if that is not said.

    Raises:
      ConfigurationError: There are several sizes and `image_shape` or `fit` is not set; or there is one, of another aspect
        ratio than `image_shape`, and `fit` is not set.
    """
    sizes: Counter[Size] = sum((survey.sizes for survey in surveys.values()), Counter())
    outlines = {(size.height, size.width) for size in sizes}
    if image_shape is None:
        missing = [] if len(sizes) < 2 else ["transform.image_shape to height, width and channels, such as [64, 64, 3]"]
        needs_fit = len(outlines) > 1
    else:
        missing = []
        needs_fit = len(outlines) > 1 or any(height * image_shape[1] != width * image_shape[0] for height, width in outlines)
    if needs_fit and fit is None:
        missing.append("transform.fit to pad, crop or stretch")
    if missing:
        raise ConfigurationError(f"The images have {_list_sizes(sizes)}: set {' and '.join(missing)}.")


def _list_sizes(sizes: Counter[Size]) -> str:
    listed = ", ".join(f"{size} ({_images(count)})" for size, count in sizes.most_common(_SIZES_NAMED))
    more = f" and {len(sizes) - _SIZES_NAMED} more" if len(sizes) > _SIZES_NAMED else ""
    return f"one size, {listed}" if len(sizes) == 1 else f"{len(sizes)} sizes, {listed}{more}"


def find(surveys: Mapping[str, Survey], config: ValidationConfig) -> list[Finding]:
    """What is wrong, split by split."""
    return [
        finding
        for split, survey in surveys.items()
        for finding in (
            *_damaged(split, survey),
            *_zero_one(split, survey, config),
            *_constant(split, survey, config),
            *_shared(split, surveys, config),
            *_missing_labels(split, surveys, config),
        )
    ]


def describe(surveys: Mapping[str, Survey], warnings: Sequence[str]) -> PixelSummary:
    """What to record."""
    splits = {split: _describe(split, survey, surveys) for split, survey in surveys.items()}
    return PixelSummary(splits=splits, warnings=tuple(warnings))


def _describe(split: str, survey: Survey, surveys: Mapping[str, Survey]) -> SplitPixels:
    values, count = np.arange(256), max(int(survey.levels.sum()), 1)
    mean = float(survey.levels @ values) / count
    variance = float(survey.levels @ values**2) / count - mean**2
    occurring = np.flatnonzero(survey.levels)
    return SplitPixels(
        images=survey.images,
        minimum=int(occurring.min(initial=255)) if occurring.size else 0,
        maximum=int(occurring.max(initial=0)),
        mean=mean,
        standard_deviation=max(variance, 0.0) ** 0.5,
        sizes={str(size): number for size, number in survey.sizes.most_common()},
        labels=dict(sorted(survey.labels.items())),
        constant=len(survey.constant),
        repeated=survey.images - len(np.unique(survey.digests)),
        shared={
            other: int(_is_in(survey.digests, looked_at.digests).sum())
            for other, looked_at in surveys.items()
            if other != split
        },
    )


def _damaged(split: str, survey: Survey) -> Iterator[Finding]:
    if survey.damaged:
        sentence = f"{_part(len(survey.damaged), survey)} cannot be decoded as PNG, JPEG, GIF or BMP"
        yield Finding(f"split '{split}': {sentence}, such as that of example {survey.damaged[0]:,}", True, "")


def _zero_one(split: str, survey: Survey, config: ValidationConfig) -> Iterator[Finding]:
    if survey.levels.any() and not survey.levels[2:].any():
        sentence = (
            f"split '{split}': no pixel of its {_images(survey.images)} is above 1 of 255, such as those of example 1: "
            "if 0 and 1 mean black and white, store 0 and 255"
        )
        yield Finding(sentence, config.zero_one_pixels is Action.STOP, "validation.zero_one_pixels=warn")


def _constant(split: str, survey: Survey, config: ValidationConfig) -> Iterator[Finding]:
    if survey.constant:
        share = len(survey.constant) / survey.images
        sentence = f"{_part(len(survey.constant), survey)} have a single colour, such as that of example {survey.constant[0]:,}"
        yield Finding(f"split '{split}': {sentence}", share > config.max_constant, _at_least("max_constant", share))


def _shared(split: str, surveys: Mapping[str, Survey], config: ValidationConfig) -> Iterator[Finding]:
    """Images that are in an earlier split too; so each pair of splits is named once."""
    for other, earlier in surveys.items():
        if other == split:
            return
        yield from _in_both((split, surveys[split].digests), (other, earlier.digests), config)


def find_between_spans(new: Sequence[Span], known: Sequence[Span], config: ValidationConfig) -> list[Finding]:
    """Images of new spans that are in another split of another span: a model would be judged by what it learnt."""
    return [
        finding
        for index, span in enumerate(new)
        for other in (*known, *new[:index])
        for split, digests in span.digests.items()
        for other_split, others in other.digests.items()
        if split != other_split
        for finding in _in_both(
            (f"{split} of span {span.number}", digests), (f"{other_split} of span {other.number}", others), config
        )
    ]


def _in_both(one: _Named, other: _Named, config: ValidationConfig) -> Iterator[Finding]:
    (split, digests), (other_split, others) = one, other
    shared = np.flatnonzero(_is_in(digests, others))
    if shared.size:
        [same] = np.flatnonzero(others == digests[shared[0]])[:1]
        share = shared.size / min(len(digests), len(others))
        sentence = (
            f"{shared.size:,} of {_images(len(digests))} are in split '{other_split}' too, such as that of example "
            f"{shared[0] + 1:,}, which is example {same + 1:,} there"
        )
        yield Finding(f"split '{split}': {sentence}", share > config.max_shared, _at_least("max_shared", share))


def _is_in(digests: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which images are among others; images that are damaged are not."""
    return np.isin(digests, others) & (digests != 0)


def _missing_labels(split: str, surveys: Mapping[str, Survey], config: ValidationConfig) -> Iterator[Finding]:
    survey = surveys[split]
    if not survey.images:
        return
    everywhere: Counter[int] = sum((other.labels for other in surveys.values()), Counter())
    missing = sorted(set(everywhere) - set(survey.labels))
    if missing:
        label = missing[0]
        other, elsewhere = next((name, one.labels[label]) for name, one in surveys.items() if label in one.labels)
        labels = f"{len(missing)} of {len(everywhere)} labels"
        sentence = f"{labels} have no image, such as {label}, which has {_images(elsewhere)} in split '{other}'"
        yield Finding(f"split '{split}': {sentence}", config.missing_label is Action.STOP, "validation.missing_label=warn")


def _at_least(setting: str, share: float) -> str:
    """The setting that would let a share pass, rounded up."""
    return f"validation.{setting}={np.ceil(share * 1000) / 1000:g}"


def _part(count: int, survey: Survey) -> str:
    return f"{count:,} of {_images(survey.images)}"


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"
