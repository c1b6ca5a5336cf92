"""Metrics that are means over examples, computed from exact sums.

TFMA's own metrics compare a prediction with a label. Here there is no label: the model returns a value for each example
(components/trainer/evaluation_signatures.py), and the metric averages it over a slice. Sums are exact, so that two evaluations
agree bit for bit.

If a model returns no value for a metric, the metric is left out, so that an older model can be the baseline of a newer one.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.artifacts.features import KL_PER_DIMENSION
from components.artifacts.signature_names import LATENT_MEAN
from components.models.latent_space import is_active

Values = dict[metric_types.MetricKey, float]

_UNITS = 2**32


@dataclass
class ExactSum:
    """The sum of vectors, and their number.

    Values are rounded to multiples of 2^-32 and added exactly as Python integers; NaN and infinity are added separately.
    """

    units: list[int] = field(default_factory=list)
    not_finite: list[float] = field(default_factory=list)
    count: int = 0

    @classmethod
    def of(cls, values: Sequence[float]) -> "ExactSum":
        """The sum of one vector."""
        finite = [abs(value) < float("inf") for value in values]
        return cls(
            [round(value * _UNITS) if is_finite else 0 for value, is_finite in zip(values, finite, strict=True)],
            [0.0 if is_finite else value for value, is_finite in zip(values, finite, strict=True)],
            1,
        )

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


class MeanLoss(metric_types.Metric):
    """The mean over examples of one output of the model; NaN if any value is NaN.

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
        super().__init__(_mean_where_computed, name=name, samples=samples, images=images, source_digest=source_digest)


class ActiveUnits(metric_types.Metric):
    """The number of latent dimensions in which the variance of the posterior mean over the examples is above 0.01.

    Burda et al., 2016, section 5.2. On MNIST 25 of 32 (default recipe); in an autoencoder all are active.
    """

    def __init__(self, name: str, source_digest: str = "") -> None:
        """Builds the metric; arguments as for `MeanLoss`."""
        super().__init__(_active_units, name=name, source_digest=source_digest)


class KlPerDimension(metric_types.Metric):
    """The mean KL divergence from the prior of each latent dimension, in nats per image, one value for each `class_id`.

    Kingma & Welling, 2014, appendix B: (variance + mean^2 - 1 - log variance) / 2. Their sum is `kl_divergence`. On MNIST the
    active dimensions have 0.1 to 2.1 nats each, the others 0. Not for an autoencoder.
    """

    def __init__(self, name: str, source_digest: str = "") -> None:
        """Builds the metric; arguments as for `MeanLoss`."""
        super().__init__(_kl_per_dimension, name=name, source_digest=source_digest)


class _Mean(beam.CombineFn):  # type: ignore[misc, unused-ignore]  # Beam has no types
    """Averages numbers over the examples, and computes metrics from the averages."""

    def __init__(
        self,
        key: metric_types.MetricKey,
        output: str,
        measure: Callable[[np.ndarray], Sequence[float] | None],
        summarize: Callable[[metric_types.MetricKey, Sequence[float]], Values],
    ) -> None:
        """Makes the combiner.

        Args:
          key: The key of the metric, which names the model.
          output: The name of the model's output.
          measure: Turns the output for an example into numbers; None if the example does not count.
          summarize: Turns the means of these numbers into metrics; the means are NaN if no example counts.
        """
        self._key = key
        self._output = output
        self._measure = measure
        self._summarize = summarize

    def create_accumulator(self) -> ExactSum | None:
        """None: no example has a value yet."""
        return None

    def add_input(self, accumulator: ExactSum | None, element: metric_types.StandardMetricInputs) -> ExactSum | None:
        outputs: Mapping[str, np.ndarray] = element.get_predictions(self._key.model_name or None)
        if self._output not in outputs:
            return accumulator
        numbers = self._measure(np.asarray(outputs[self._output], np.float64))
        added = ExactSum() if numbers is None else ExactSum.of(numbers)
        return added if accumulator is None else accumulator.plus(added)

    def merge_accumulators(self, accumulators: Iterable[ExactSum | None]) -> ExactSum | None:
        merged: ExactSum | None = None
        for accumulator in accumulators:
            if accumulator is not None:
                merged = accumulator if merged is None else merged.plus(accumulator)
        return merged

    def extract_output(self, accumulator: ExactSum | None) -> Values:
        if accumulator is None:
            return {}
        return self._summarize(self._key, accumulator.means() or [math.nan])


def _mean_loss(name: str, source_digest: str, model_names: list[str] | None = None) -> list[Any]:
    del source_digest
    return _for_each_model(name, model_names, name, _numbers, _as_it_is)


def _mean_where_computed(
    name: str, samples: int, images: int, source_digest: str, model_names: list[str] | None = None
) -> list[Any]:
    del samples, images, source_digest
    return _for_each_model(name, model_names, name, _numbers_unless_nan, _as_it_is)


def _active_units(name: str, source_digest: str, model_names: list[str] | None = None) -> list[Any]:
    del source_digest
    return _for_each_model(name, model_names, LATENT_MEAN, _numbers_and_squares, _count_active)


def _kl_per_dimension(name: str, source_digest: str, model_names: list[str] | None = None) -> list[Any]:
    del source_digest
    return _for_each_model(name, model_names, KL_PER_DIMENSION, _numbers, _one_by_one)


def _for_each_model(
    name: str,
    model_names: list[str] | None,
    output: str,
    measure: Callable[[np.ndarray], Sequence[float] | None],
    summarize: Callable[[metric_types.MetricKey, Sequence[float]], Values],
) -> list[metric_types.MetricComputation]:
    """One computation for each model: TFMA calls the function once for the candidate and the baseline together."""
    keys = [metric_types.MetricKey(name=name, model_name=model_name) for model_name in model_names or [""]]
    return [
        metric_types.MetricComputation(keys=[key], preprocessors=None, combiner=_Mean(key, output, measure, summarize))
        for key in keys
    ]


def _numbers(values: np.ndarray) -> list[float]:
    return [float(value) for value in values.flat]


def _numbers_unless_nan(values: np.ndarray) -> list[float] | None:
    return None if np.isnan(values).any() else _numbers(values)


def _numbers_and_squares(values: np.ndarray) -> list[float]:
    return [*_numbers(values), *_numbers(values**2)]


def _as_it_is(key: metric_types.MetricKey, means: Sequence[float]) -> Values:
    return {key: means[0]}


def _count_active(key: metric_types.MetricKey, means: Sequence[float]) -> Values:
    mean, squared_mean = np.split(np.array(means), 2)
    return {key: float(is_active(squared_mean - mean**2).sum())}


def _one_by_one(key: metric_types.MetricKey, means: Sequence[float]) -> Values:
    return {key._replace(sub_key=metric_types.SubKey(class_id=dimension)): mean for dimension, mean in enumerate(means)}
