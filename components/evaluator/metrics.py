"""Metrics that are means over examples, computed from exact sums.

TFMA's own metrics compare a prediction with a label. Here there is no label: the model returns a value for each example
(components/trainer/evaluation_signatures.py), and the metric averages it over a slice. Sums are exact, so that two evaluations
agree bit for bit.

If a model returns no value for a metric, the metric is left out, so that an older model can be the baseline of a newer one.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np
from numpy.typing import ArrayLike, NDArray
from tensorflow_model_analysis.metrics import metric_types

from components.artifacts.features import KL_PER_DIMENSION
from components.artifacts.metrics import BASELINE, MEAN_DIFFERENCE, STANDARD_ERROR
from components.artifacts.signature_names import LATENT_MEAN
from components.models.latent_space import is_active

Values = dict[metric_types.MetricKey, float]
Numbers = NDArray[np.float64]

_UNITS = 2**32

# Outputs that are added together: one by one takes twenty times as long.
_AT_ONCE = 1_000


@dataclass
class ExactSum:
    """The sum of vectors, and their number.

    Values are rounded to multiples of 2^-32 and added exactly as Python integers; NaN and infinity are added separately.
    """

    units: list[int] = field(default_factory=list)
    not_finite: list[float] = field(default_factory=list)
    count: int = 0

    @classmethod
    def of(cls, rows: Sequence[Sequence[float]] | NDArray[np.float64]) -> "ExactSum":
        """The sum of vectors, [N, K]; no vector if N is 0."""
        values = np.asarray(rows, np.float64)
        if not len(values):
            return cls()
        finite = np.isfinite(values)
        units = np.rint(np.where(finite, values, 0.0) * _UNITS)
        # Python adds whole numbers of any size. Those of usual losses fit into 64 bits.
        if np.abs(units).max(initial=0.0) * len(units) < 2**62:
            total = units.astype(np.int64).sum(axis=0).tolist()
        else:
            total = [sum(map(int, column)) for column in units.T]
        with np.errstate(invalid="ignore"):  # infinity less infinity
            return cls(total, np.where(finite, 0.0, values).sum(axis=0).tolist(), len(values))

    def plus(self, other: "ExactSum") -> "ExactSum":
        """The sum of this and another sum."""
        if not self.count or not other.count:
            return other if not self.count else self
        return ExactSum(
            [one + another for one, another in zip(self.units, other.units, strict=True)],
            [one + another for one, another in zip(self.not_finite, other.not_finite, strict=True)],
            self.count + other.count,
        )

    def means(self) -> list[float]:
        """The mean of each component; NaN if any value was NaN. Empty if there was no vector."""
        return [
            (units / _UNITS + not_finite) / self.count for units, not_finite in zip(self.units, self.not_finite, strict=True)
        ]


@dataclass
class PairedDifferences:
    """The differences between two models' values for the same images: exact sums, and the number of images.

    A difference is rounded to a multiple of 2^-32, its square is exact.
    """

    count: int = 0
    units: int = 0
    squared_units: int = 0
    not_finite: int = 0

    @classmethod
    def of(cls, difference: float) -> "PairedDifferences":
        """One image."""
        if not math.isfinite(difference):
            return cls(1, not_finite=1)
        units = round(difference * _UNITS)
        return cls(1, units, units**2)

    def plus(self, other: "PairedDifferences") -> "PairedDifferences":
        """These images and others."""
        return PairedDifferences(
            self.count + other.count,
            self.units + other.units,
            self.squared_units + other.squared_units,
            self.not_finite + other.not_finite,
        )

    def mean(self) -> float:
        """The mean difference; NaN without an image, or if a difference is not finite."""
        return math.nan if self.not_finite or not self.count else self.units / (self.count * _UNITS)

    def standard_error(self) -> float:
        """The standard error of the mean: the standard deviation of the differences, divided by the root of their number.

        NaN for fewer than two images, or if a difference is not finite.
        """
        if self.not_finite or self.count < 2:
            return math.nan
        # n sum d^2 - (sum d)^2 is n (n - 1) times the variance, and exact.
        scaled = self.count * self.squared_units - self.units**2
        return math.sqrt(scaled / (self.count**2 * (self.count - 1) * _UNITS**2))


class MeanLoss(metric_types.Metric):
    """The mean over examples of one output of the model; NaN if any value is NaN.

    Beside a baseline there are also the mean of the paired difference, candidate minus baseline for the same image, and the
    standard error of that mean.

    `components.artifacts.features.LOSSES` are in nats per image, summed over pixels and over latent dimensions; see
    components/models/objectives.py. Values on MNIST's grey test digits: `negative_elbo` 94 to 97 (default recipe; PyTorch's
    example 105), `binarized/negative_elbo` about 3 nats less, `ssim` 0.92.
    """

    def __init__(self, name: str, source_digest: str = "") -> None:
        """Builds the metric from its part of the EvalConfig.

        Args:
          name: The name of the output and of the metric.
          source_digest: The digest of the code. It is only there to be part of the EvalConfig, and so of the Evaluator's cache
            key.
        """
        super().__init__(_mean_loss, name=name, source_digest=source_digest)


class ImportanceWeightedNll(metric_types.Metric):
    """The mean of the importance-weighted bound on -log p(x), in nats per image (Burda et al., 2016, equation 8).

        -log (1/K) sum_k p(x|z_k) p(z_k) / q(z_k|x),    z_k ~ q(z|x)

    The mean is over the examples for which it was computed. On MNIST's test digits with K = 64 it is about 4 nats below the
    negative ELBO. Papers quote `binarized/iw_nll` with K = 5000: VAE 86.76, IWAE 84.78 (Burda et al., one stochastic layer).
    """

    def __init__(self, name: str, samples: int, images: int, source_digest: str = "") -> None:
        """Builds the metric from its part of the EvalConfig.

        Args:
          name: The name of the output and of the metric.
          samples: K. prediction_extractor.py reads this argument and the next one.
          images: Maximum number of images to compute it for.
          source_digest: The digest of the code, for the Evaluator's cache key.
        """
        super().__init__(_importance_weighted_nll, name=name, samples=samples, images=images, source_digest=source_digest)


class ActiveUnits(metric_types.Metric):
    """The number of latent dimensions in which the variance of the posterior mean over the examples is above 0.01.

    Burda et al., 2016, section 5.2. On MNIST 25 of 32 (default recipe); in an autoencoder all are active.
    """

    def __init__(self, name: str, source_digest: str = "") -> None:
        """Builds the metric; arguments as for `MeanLoss`."""
        super().__init__(_active_units, name=name, source_digest=source_digest)


class KlPerDimension(metric_types.Metric):
    """The mean KL divergence from N(0, I) of each latent dimension, in nats per image, one value for each `class_id`.

    Kingma & Welling, 2014, appendix B: (variance + mean^2 - 1 - log variance) / 2. Their sum is
    `kl_to_standard_normal`. On MNIST the active dimensions have 0.1 to 2.1 nats each, the others 0. Not for an autoencoder.
    """

    def __init__(self, name: str, source_digest: str = "") -> None:
        """Builds the metric; arguments as for `MeanLoss`."""
        super().__init__(_kl_per_dimension, name=name, source_digest=source_digest)


class KlToStandardNormal(metric_types.Metric):
    """The mean KL divergence of the posteriors from N(0, I), in nats per image, whatever the prior of the model.

    It is the sum of `kl_per_dimension`, and equals `kl_divergence` if the prior is N(0, I). 0 for an autoencoder.
    """

    def __init__(self, name: str, source_digest: str = "") -> None:
        """Builds the metric; arguments as for `MeanLoss`."""
        super().__init__(_kl_to_standard_normal, name=name, source_digest=source_digest)


class SignificantWorsening(metric_types.Metric):
    """How much worse the candidate is than the baseline, less what chance explains: mean - k standard errors.

    The mean and its standard error are of the paired differences, both models having seen the same images. For the baseline the
    metric is 0, so that a change threshold compares with it. Without a baseline there is no such metric.
    """

    def __init__(self, name: str, of: str, standard_errors: float, higher_is_better: bool, source_digest: str = "") -> None:
        """Builds the metric from its part of the EvalConfig.

        Args:
          name: The name of the metric.
          of: The name of the output, and of its mean.
          standard_errors: k.
          higher_is_better: Whether a lower value is worse.
          source_digest: As for `MeanLoss`.
        """
        super().__init__(
            _significant_worsening,
            name=name,
            of=of,
            standard_errors=standard_errors,
            higher_is_better=higher_is_better,
            source_digest=source_digest,
        )


class _Paired(beam.CombineFn):  # type: ignore[misc, unused-ignore]  # Beam has no types
    """Adds up the differences between two models' values for each image; images without a value do not count."""

    def __init__(
        self,
        keys: Sequence[metric_types.MetricKey],
        candidate: str,
        output: str,
        summarize: Callable[[PairedDifferences], Sequence[float]],
    ) -> None:
        """Makes the combiner.

        Args:
          keys: The keys of the metrics.
          candidate: TFMA's name of the candidate.
          output: The name of the models' output.
          summarize: Gives the value of each key.
        """
        self._keys = keys
        self._models = candidate, BASELINE
        self._output = output
        self._summarize = summarize

    def create_accumulator(self) -> PairedDifferences:
        return PairedDifferences()

    def add_input(self, accumulator: PairedDifferences, element: metric_types.StandardMetricInputs) -> PairedDifferences:
        said = [element.get_predictions(model) for model in self._models]
        if not all(self._output in outputs for outputs in said):
            return accumulator
        value, before = (float(np.asarray(outputs[self._output], np.float64).item()) for outputs in said)
        # The importance-weighted bound is NaN where it was not computed, for both models.
        if math.isnan(value) and math.isnan(before):
            return accumulator
        return accumulator.plus(PairedDifferences.of(value - before))

    def merge_accumulators(self, accumulators: Iterable[PairedDifferences]) -> PairedDifferences:
        merged = PairedDifferences()
        for accumulator in accumulators:
            merged = merged.plus(accumulator)
        return merged

    def extract_output(self, accumulator: PairedDifferences) -> Values:
        return dict(zip(self._keys, self._summarize(accumulator), strict=True)) if accumulator.count else {}


def _candidate_beside_baseline(model_names: list[str] | None) -> str | None:
    """TFMA's name of the candidate; None if there is no baseline."""
    names = model_names or []
    return next((name for name in names if name != BASELINE), None) if BASELINE in names else None


class _Mean(beam.CombineFn):  # type: ignore[misc, unused-ignore]  # Beam has no types
    """Averages numbers over the examples, and computes metrics from the averages."""

    def __init__(
        self,
        key: metric_types.MetricKey,
        output: str,
        measure: Callable[[Numbers], Numbers],
        summarize: Callable[[metric_types.MetricKey, Sequence[float]], Values],
    ) -> None:
        """Makes the combiner.

        Args:
          key: The key of the metric, which names the model.
          output: The name of the model's output.
          measure: Turns the outputs for examples, [N, K], into the numbers to average, [M, L]: M of these examples count.
          summarize: Turns the means of these numbers into metrics; the means are NaN if no example counts.
        """
        self._key = key
        self._output = output
        self._measure = measure
        self._summarize = summarize

    def create_accumulator(self) -> "_Rows":
        return _Rows()

    def add_input(self, accumulator: "_Rows", element: metric_types.StandardMetricInputs) -> "_Rows":
        return self.add_inputs(accumulator, [element])

    def add_inputs(self, accumulator: "_Rows", elements: Iterable[metric_types.StandardMetricInputs]) -> "_Rows":
        """Adds examples; TFMA calls it for each example of each slice."""
        for element in elements:
            outputs = element.get_predictions(self._key.model_name or None)
            if self._output in outputs:
                accumulator.waiting.append(outputs[self._output])
        return self.compact(accumulator) if len(accumulator.waiting) >= _AT_ONCE else accumulator

    def merge_accumulators(self, accumulators: Iterable["_Rows"]) -> "_Rows":
        merged = _Rows()
        for accumulator in map(self.compact, accumulators):
            if accumulator.total is not None:
                merged.total = accumulator.total if merged.total is None else merged.total.plus(accumulator.total)
        return merged

    def compact(self, accumulator: "_Rows") -> "_Rows":
        """Adds up what waits."""
        if accumulator.waiting:
            values = np.array(accumulator.waiting, np.float64).reshape(len(accumulator.waiting), -1)
            added = ExactSum.of(self._measure(values))
            return _Rows(added if accumulator.total is None else accumulator.total.plus(added))
        return accumulator

    def extract_output(self, accumulator: "_Rows") -> Values:
        total = self.compact(accumulator).total
        if total is None:
            return {}
        return self._summarize(self._key, total.means() or [math.nan])


@dataclass
class _Rows:
    """Outputs for examples: their sum so far, None before the first, and those that still have to be added."""

    total: ExactSum | None = None
    waiting: list[ArrayLike] = field(default_factory=list)


def _mean_loss(name: str, source_digest: str, model_names: list[str] | None = None) -> list[Any]:
    del source_digest
    return [*_for_each_model(name, model_names, name, _numbers, _as_it_is), *_difference(name, model_names)]


def _importance_weighted_nll(
    name: str, samples: int, images: int, source_digest: str, model_names: list[str] | None = None
) -> list[Any]:
    del samples, images, source_digest
    return [*mean_where_computed(name, model_names), *_difference(name, model_names)]


def mean_where_computed(name: str, model_names: list[str] | None) -> list[metric_types.MetricComputation]:
    """For each model, the mean of an output over the examples for which it is not NaN."""
    return _for_each_model(name, model_names, name, _numbers_unless_nan, _as_it_is)


def _difference(name: str, model_names: list[str] | None) -> list[metric_types.MetricComputation]:
    """The mean of the paired difference and its standard error; nothing without a baseline."""
    candidate = _candidate_beside_baseline(model_names)
    if candidate is None:
        return []
    keys = [metric_types.MetricKey(name=name + suffix, model_name=candidate) for suffix in (MEAN_DIFFERENCE, STANDARD_ERROR)]
    combiner = _Paired(keys, candidate, name, _mean_and_error)
    return [metric_types.MetricComputation(keys=keys, preprocessors=None, combiner=combiner)]


def _significant_worsening(
    name: str,
    of: str,
    standard_errors: float,
    higher_is_better: bool,
    source_digest: str,
    model_names: list[str] | None = None,
) -> list[Any]:
    del source_digest
    candidate = _candidate_beside_baseline(model_names)
    if candidate is None:
        return []
    keys = [metric_types.MetricKey(name=name, model_name=model) for model in (candidate, BASELINE)]
    combiner = _Paired(keys, candidate, of, partial(_worsening_beyond_chance, standard_errors, higher_is_better))
    return [metric_types.MetricComputation(keys=keys, preprocessors=None, combiner=combiner)]


def _mean_and_error(differences: PairedDifferences) -> Sequence[float]:
    return differences.mean(), differences.standard_error()


def _worsening_beyond_chance(standard_errors: float, higher_is_better: bool, differences: PairedDifferences) -> Sequence[float]:
    worsening = -differences.mean() if higher_is_better else differences.mean()
    return worsening - standard_errors * differences.standard_error(), 0.0


def _active_units(name: str, source_digest: str, model_names: list[str] | None = None) -> list[Any]:
    del source_digest
    return _for_each_model(name, model_names, LATENT_MEAN, _numbers_and_squares, _count_active)


def _kl_per_dimension(name: str, source_digest: str, model_names: list[str] | None = None) -> list[Any]:
    del source_digest
    return _for_each_model(name, model_names, KL_PER_DIMENSION, _numbers, _one_by_one)


def _kl_to_standard_normal(name: str, source_digest: str, model_names: list[str] | None = None) -> list[Any]:
    del source_digest
    return _for_each_model(name, model_names, KL_PER_DIMENSION, _sum, _as_it_is)


def _for_each_model(
    name: str,
    model_names: list[str] | None,
    output: str,
    measure: Callable[[Numbers], Numbers],
    summarize: Callable[[metric_types.MetricKey, Sequence[float]], Values],
) -> list[metric_types.MetricComputation]:
    """One computation for each model: TFMA calls the function once for the candidate and the baseline together."""
    keys = [metric_types.MetricKey(name=name, model_name=model_name) for model_name in model_names or [""]]
    return [
        metric_types.MetricComputation(keys=[key], preprocessors=None, combiner=_Mean(key, output, measure, summarize))
        for key in keys
    ]


def _numbers(values: Numbers) -> Numbers:
    return values


def _sum(values: Numbers) -> Numbers:
    return values.sum(axis=1, keepdims=True)


def _numbers_unless_nan(values: Numbers) -> Numbers:
    return values[~np.isnan(values).any(axis=1)]


def _numbers_and_squares(values: Numbers) -> Numbers:
    return np.concatenate([values, values**2], axis=1)


def _as_it_is(key: metric_types.MetricKey, means: Sequence[float]) -> Values:
    return {key: means[0]}


def _count_active(key: metric_types.MetricKey, means: Sequence[float]) -> Values:
    mean, squared_mean = np.split(np.array(means), 2)
    return {key: float(is_active(squared_mean - mean**2).sum())}


def _one_by_one(key: metric_types.MetricKey, means: Sequence[float]) -> Values:
    return {key._replace(sub_key=metric_types.SubKey(class_id=dimension)): mean for dimension, mean in enumerate(means)}
