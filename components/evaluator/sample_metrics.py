"""Metrics of many examples together: of their codes, and of samples from the prior.

Each is computed in double precision from the same examples in the same order, independent of Beam. These metrics are NaN on a
slice of one example; the accuracies, the Fréchet distance and data copying are NaN on a slice with a single label. Coverage and
density have a value for each image: prediction_extractor.py computes them.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tensorflow_model_analysis.metrics import metric_types
from threadpoolctl import threadpool_limits

from components.artifacts.feature_classifier import training_features
from components.artifacts.features import KL_DIVERGENCE, KL_PER_DIMENSION
from components.artifacts.signature_names import LATENT_LOG_VARIANCE, LATENT_MEAN, LATENT_SAMPLE
from components.evaluator.metrics import mean_where_computed
from components.evaluator.sample import Sample, sample_computations
from components.models.image_quality import data_copying, frechet_distance, nearest
from components.models.latent_space import Rate, decompose_rate, maximum_mean_discrepancy

IMAGE_FEATURES = "image_features"

SAMPLE_FEATURES = "sample_features"
"""The classifier's features of an image, and of the sample paired with it: see prediction_extractor.py."""


_Metrics = dict[metric_types.MetricKey, Any]

_RATE = (LATENT_MEAN, LATENT_LOG_VARIANCE, LATENT_SAMPLE, KL_DIVERGENCE, KL_PER_DIMENSION)

_NEIGHBOURS = 5

_ITERATIONS = 1000

# More images take longer, and hardly change it: the standard error for 2,000 is below 0.01.
_COPYING_IMAGES = 2_000


class MutualInformation(metric_types.Metric):
    """The mutual information between an image and its code, in nats per image: I(n; z) of Hoffman & Johnson, 2016.

    See components/models/latent_space.py. At most log N for N images; a model of MNIST comes close to it (9.1 of 9.2 for
    10,000 images), because its codes distinguish all digits. Not for an autoencoder, whose codes have no density.
    """

    def __init__(self, name: str, images: int, source_digest: str = "") -> None:
        """Builds the metric from its part of the EvalConfig.

        Args:
          name: The name of the metric.
          images: Maximum number of images.
          source_digest: The digest of the code, for the Evaluator's cache key.
        """
        super().__init__(_mutual_information, name=name, images=images, source_digest=source_digest)


class MarginalKl(metric_types.Metric):
    """The KL divergence of the aggregate posterior from the prior, in nats: the other part of Hoffman & Johnson, 2016.

    `kl_divergence` = `mutual_information` + `marginal_kl`, up to the Monte Carlo error. About 16 for 10,000 of MNIST's digits,
    mostly because log N limits the mutual information. If it is small, samples from the prior look like digits. Not for an
    autoencoder.
    """

    def __init__(self, name: str, images: int, source_digest: str = "") -> None:
        """Builds the metric; arguments as for `MutualInformation`."""
        super().__init__(_marginal_kl, name=name, images=images, source_digest=source_digest)


class LatentGaussianity(metric_types.Metric):
    """The squared maximum mean discrepancy between codes, drawn from the posteriors, and the standard normal; no unit.

    See components/models/latent_space.py (Gretton et al., 2012). 0 if the codes are distributed like N(0, I): 0.0005 for a
    VAE of MNIST, and 0.38 for an autoencoder, whose codes form clusters of any scale.
    """

    def __init__(self, name: str, images: int, source_digest: str = "") -> None:
        """Builds the metric; arguments as for `MutualInformation`."""
        super().__init__(_latent_gaussianity, name=name, images=images, source_digest=source_digest)


class LatentProbeAccuracy(metric_types.Metric):
    """The accuracy of a classifier of codes that is fitted to half of them and evaluated on the other half, in [0, 1].

    See Alain & Bengio, 2017. On the posterior means of MNIST's test digits, 5,000 to fit and 5,000 to evaluate: linear 0.89,
    nearest neighbours 0.95. Needs labels.
    """

    def __init__(self, name: str, images: int, source_digest: str = "") -> None:
        """Builds the metric; arguments as for `MutualInformation`, and the name ends in `/linear` or `/knn`."""
        super().__init__(_latent_probe_accuracy, name=name, images=images, source_digest=source_digest)


class FrechetDistance(metric_types.Metric):
    """The Fréchet distance between images and the same number of samples, in squared units of a classifier's features.

    See components/models/image_quality.py (Heusel et al., 2017). FeatureClassifier trains the classifier on the pipeline's own
    `train` split, so distances are comparable within a dataset but not with published ones: on MNIST 33 for a VAE, 60 for an
    autoencoder, and 0.6 between training and test digits. Needs labels.
    """

    def __init__(self, name: str, images: int, classifier: str, source_digest: str = "") -> None:
        """Builds the metric from its part of the EvalConfig.

        Args:
          name: The name of the metric.
          images: Maximum number of images to compare.
          classifier: Directory of the classifier, which prediction_extractor.py reads.
          source_digest: The digest of the code, for the Evaluator's cache key.
        """
        super().__init__(_frechet_distance, name=name, images=images, classifier=classifier, source_digest=source_digest)


class MeanOfCompared(metric_types.Metric):
    """The mean over the images that samples are compared with: `density` and `coverage` (Naeem et al., 2020).

    See components/models/image_quality.py. Test digits beside as many training digits of MNIST: 0.95 and 0.945. Needs labels.
    """

    def __init__(self, name: str, images: int, classifier: str, source_digest: str = "") -> None:
        """Builds the metric; arguments as for `FrechetDistance`."""
        super().__init__(_mean_of_compared, name=name, images=images, classifier=classifier, source_digest=source_digest)


class DataCopying(metric_types.Metric):
    """How often a sample is nearer to a training image than a test image is, in [0, 1] (Meehan et al., 2020).

    See components/models/image_quality.py. On MNIST 0.53 for digits that no model has seen, and 1 for training digits. Needs
    labels.
    """

    def __init__(self, name: str, images: int, classifier: str, source_digest: str = "") -> None:
        """Builds the metric; arguments as for `FrechetDistance`."""
        super().__init__(_data_copying, name=name, images=images, classifier=classifier, source_digest=source_digest)


def _mutual_information(name: str, images: int, source_digest: str, model_names: list[str] | None = None) -> list[Any]:
    del source_digest
    return _of_rate(name, images, model_names, lambda rate: rate.mutual_information)


def _marginal_kl(name: str, images: int, source_digest: str, model_names: list[str] | None = None) -> list[Any]:
    del source_digest
    return _of_rate(name, images, model_names, lambda rate: rate.marginal_kl)


def _latent_gaussianity(name: str, images: int, source_digest: str, model_names: list[str] | None = None) -> list[Any]:
    del source_digest
    return _of_sample(
        name, images, model_names, (LATENT_SAMPLE,), lambda sample: maximum_mean_discrepancy(sample.outputs[LATENT_SAMPLE])
    )


def _latent_probe_accuracy(name: str, images: int, source_digest: str, model_names: list[str] | None = None) -> list[Any]:
    del source_digest
    accuracy = linear_probe_accuracy if name.endswith("/linear") else nearest_neighbours_accuracy

    def measure(sample: Sample) -> float | None:
        return None if sample.labels is None else accuracy(sample.outputs[LATENT_MEAN], sample.labels)

    return _of_sample(name, images, model_names, (LATENT_MEAN,), measure)


def _frechet_distance(
    name: str, images: int, classifier: str, source_digest: str, model_names: list[str] | None = None
) -> list[Any]:
    del classifier, source_digest

    return _of_compared(name, images, model_names, frechet_distance)


def _data_copying(
    name: str, images: int, classifier: str, source_digest: str, model_names: list[str] | None = None
) -> list[Any]:
    del source_digest

    def measure(of_images: NDArray[np.float32], of_samples: NDArray[np.float32]) -> float:
        trained = training_features(classifier)
        with threadpool_limits(1):
            return data_copying(*(nearest(features, trained).distance for features in (of_samples, of_images)))

    return _of_compared(name, min(images, _COPYING_IMAGES), model_names, measure)


def _mean_of_compared(
    name: str, images: int, classifier: str, source_digest: str, model_names: list[str] | None = None
) -> list[Any]:
    del images, classifier, source_digest
    return mean_where_computed(name, model_names)


def _of_compared(
    name: str,
    images: int,
    model_names: list[str] | None,
    measure: Callable[[NDArray[np.float32], NDArray[np.float32]], float],
) -> list[Any]:
    """A metric of the features of images and those of samples; not of one label, for samples have none."""

    def of_sample(sample: Sample) -> float:
        if sample.labels is not None and len(np.unique(sample.labels)) < 2:
            return math.nan
        return measure(sample.outputs[IMAGE_FEATURES], sample.outputs[SAMPLE_FEATURES])

    return _of_sample(name, images, model_names, (IMAGE_FEATURES, SAMPLE_FEATURES), of_sample)


def _of_sample(
    name: str,
    images: int,
    model_names: list[str] | None,
    outputs: tuple[str, ...],
    measure: Callable[[Sample], Any | None],
    undefined: Any = math.nan,
) -> list[Any]:
    """For each model, the sample and the metric computed from it; no metric if there is no sample or no value."""
    computations: list[Any] = []
    for model_name, gathered in sample_computations(outputs, images, model_names).items():
        [source] = gathered.keys
        computations.append(gathered)
        computations.append(_derived(metric_types.MetricKey(name=name, model_name=model_name), source, measure, undefined))
    return computations


def _of_rate(name: str, images: int, model_names: list[str] | None, part: Callable[[Rate], float]) -> list[Any]:
    """For each model one part of its rate; the rate is computed once for both parts."""
    rates = _of_sample(
        f"_rate_of_{images}",
        images,
        model_names,
        _RATE,
        _rate,
        undefined=Rate(math.nan, math.nan),
    )
    parts = [
        _derived(metric_types.MetricKey(name=name, model_name=rate.keys[0].model_name), rate.keys[0], part)
        for rate in rates
        if isinstance(rate, metric_types.DerivedMetricComputation)
    ]
    return [*rates, *parts]


def _rate(sample: Sample) -> Rate:
    """The rate of a model with any prior, also of an older version, which had the standard normal.

    The divergence from the prior is that from the standard normal plus log N(z; 0, I) - log p(z) of the same code.
    """
    mean, log_variance, codes, divergence, from_standard_normal = (sample.outputs[output] for output in _RATE)
    difference = divergence[:, 0].astype(np.float64) - from_standard_normal.sum(axis=1, dtype=np.float64)
    return decompose_rate(mean, log_variance, codes, difference)


def _derived(
    key: metric_types.MetricKey, source: metric_types.MetricKey, measure: Callable[[Any], Any | None], undefined: Any = math.nan
) -> metric_types.DerivedMetricComputation:
    def result(metrics: _Metrics) -> _Metrics:
        if source not in metrics:
            return {}
        found = metrics[source]
        # Not {}: TFMA needs every metric with a threshold on every slice.
        value = undefined if found is None else measure(found)
        return {} if value is None else {key: value}

    return metric_types.DerivedMetricComputation(keys=[key], result=result)


def linear_probe_accuracy(codes: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The accuracy of a linear classifier of codes (Alain & Bengio, 2017).

    Multinomial logistic regression on standardised codes, fitted to the first half and evaluated on the second.

    Args:
      codes: [N, L].
      labels: [N].

    Returns:
      In [0, 1]; NaN if the first half has fewer than two different labels.
    """
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_ITERATIONS))
    return _accuracy(classifier, codes, labels)


def nearest_neighbours_accuracy(codes: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The accuracy of the 5 nearest neighbours: codes of the second half among those of the first.

    Arguments and result as for `linear_probe_accuracy`.
    """
    half = len(codes) // 2
    return _accuracy(KNeighborsClassifier(max(1, min(_NEIGHBOURS, half)), algorithm="brute"), codes, labels)


def _accuracy(
    classifier: LogisticRegression | KNeighborsClassifier, codes: NDArray[np.float32], labels: NDArray[np.int64]
) -> float:
    half = len(codes) // 2
    if len(np.unique(labels[:half])) < 2:
        return float("nan")
    # On a busy machine the threads of a small matrix product mostly wait for each other.
    with threadpool_limits(1):
        return float(classifier.fit(codes[:half], labels[:half]).score(codes[half:], labels[half:]))
