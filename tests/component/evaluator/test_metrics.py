"""Every metric of a model that answers everything, beside what numpy makes of its answers."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from support.evaluating import EVERYTHING, write_classifier

from components.artifacts.evaluation import Evaluation
from components.artifacts.feature_classifier import FeatureClassifier, training_features
from components.artifacts.features import LOSSES
from components.artifacts.metrics import CATALOGUE
from components.evaluator.sample import image_hash
from components.evaluator.sample_metrics import linear_probe_accuracy, nearest_neighbours_accuracy
from components.models.image_quality import frechet_distance
from components.models.latent_space import decompose_rate, maximum_mean_discrepancy

Evaluate = Callable[..., Evaluation]
METRICS = {metric.name for metric in CATALOGUE}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("classifier")
    write_classifier(directory)
    return directory


@pytest.fixture(scope="module")
def verdict(evaluate: Evaluate, make_talkative_model: Any, classifier: Path) -> Evaluation:
    return evaluate(EVERYTHING, make_talkative_model(0.4, 12.5), classifier=str(classifier))


def expected_metrics(model: Any, digits: Any, members: np.ndarray, classifier: Path) -> dict[str, float]:
    """Over the images at the given places."""
    in_order = sorted(range(len(digits.pixels)), key=lambda index: image_hash(digits.encoded[index]))
    pixels, first_pixels = digits.pixels, digits.pixels[:, 0, 0, 0]

    def chosen(limit: int) -> list[int]:
        return [index for index in in_order if members[index]][:limit]

    weighted = [index for index in in_order[:20] if members[index]]
    mean = model.latent_mean(pixels)
    log_variance, sample = np.full_like(mean, 2 * math.log(0.1)), mean + 0.05
    coded = chosen(40)
    expected = {name: losses[members].mean() for name, losses in model.losses(pixels).items()}
    binary = model.losses(pixels.round())
    expected |= {f"binarized/{name}": binary[name][members].mean() for name in LOSSES if name != "squared_error"}
    expected |= {
        "example_count": members.sum(),
        "ssim": pixels[members].mean(),
        "kl_to_standard_normal": (mean[members] * [1, 10, 100]).sum(axis=1).mean(),
        "active_units": np.count_nonzero(mean[members].var(axis=0) > 0.01),
    }
    # One code alone is not compared with others.
    if len(coded) > 1:
        beyond = model.kl_divergence - (mean[coded] * [1, 10, 100]).sum(axis=1)
        rate = decompose_rate(mean[coded], log_variance[coded], sample[coded], beyond)
        expected |= rate._asdict() | {"latent_gaussianity": maximum_mean_discrepancy(sample[coded])}
    if weighted:
        expected["iw_nll"] = 7 * first_pixels[weighted].mean()
        expected["binarized/iw_nll"] = 100 + 7 * first_pixels[weighted].mean()
    loaded = FeatureClassifier.load(str(classifier))
    assert loaded is not None
    features = [loaded.features(images[in_order[:50]]) for images in (pixels, 1 - 0.5 * pixels)]
    radius = np.sort(cdist(features[0], features[0]))[:, 5, np.newaxis]
    inside = (cdist(*features) < radius).sum(axis=1)[members[in_order[:50]]]
    # Of all samples: those of one label are not known.
    if inside.size:
        expected |= {"coverage": (inside > 0).mean(), "density": inside.mean() / 5}
    if members.all():
        expected["latent_probe_accuracy/linear"] = linear_probe_accuracy(mean[coded], digits.labels[coded])
        expected["latent_probe_accuracy/knn"] = nearest_neighbours_accuracy(mean[coded], digits.labels[coded])
        expected["frechet_distance"] = frechet_distance(*features)
        training = training_features(str(classifier))
        to_training = [cdist(each, training).min(axis=1) for each in features]
        expected["data_copying"] = np.mean(to_training[1] < to_training[0][:, np.newaxis])
    return expected


def test_every_metric_is_what_numpy_makes_of_what_the_model_says(
    verdict: Evaluation, digits: Any, make_talkative_model: Any, classifier: Path
) -> None:
    model, everything = make_talkative_model(0.4, 12.5), np.ones(57, bool)
    assert verdict.reasons == ()
    expected = expected_metrics(model, digits, everything, classifier)
    assert set(expected) == METRICS - {"bits_per_dimension"} | {"example_count"}  # no likelihood of whole grey levels
    assert verdict.metrics == pytest.approx(expected, rel=1e-4)
    assert verdict.kl_per_dimension == pytest.approx((model.latent_mean(digits.pixels) * [1, 10, 100]).mean(axis=0), rel=1e-5)
    for label, metrics in verdict.metrics_by_label.items():
        members = digits.labels == label
        assert metrics == pytest.approx(expected_metrics(model, digits, members, classifier), rel=1e-4, abs=1e-5)
        of_label = (model.latent_mean(digits.pixels[members]) * [1, 10, 100]).mean(axis=0)
        assert verdict.kl_per_dimension_by_label[label] == pytest.approx(of_label, rel=1e-5)


@pytest.fixture(scope="module")
def beside_an_older_model(
    evaluate: Evaluate,
    digits: Any,
    make_model: Any,
    make_talkative_model: Any,
    classifier: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Evaluation:
    """The same model on the same examples in another order, with a baseline that says no more than its losses."""
    shuffled = tmp_path_factory.mktemp("shuffled") / "examples"
    digits.write(shuffled, np.random.default_rng(1).permutation(57))
    settings = {**EVERYTHING, "thresholds": {"negative_elbo": {"worsening": 1.0}, "iw_nll": {"worsening": 1.0}}}
    model, older = make_talkative_model(0.4, 12.5), make_model(0.4, 12.5)
    return evaluate(settings, model, older, examples=shuffled, classifier=str(classifier))


def test_metrics_agree_bit_for_bit_whatever_the_order_of_the_examples(
    verdict: Evaluation, beside_an_older_model: Evaluation
) -> None:
    assert beside_an_older_model.metrics == verdict.metrics
    assert beside_an_older_model.metrics_by_label == verdict.metrics_by_label
    assert beside_an_older_model.kl_per_dimension == verdict.kl_per_dimension
    assert beside_an_older_model.kl_per_dimension_by_label == verdict.kl_per_dimension_by_label


def test_an_older_baseline_is_compared_where_it_can_be_and_a_threshold_on_the_rest_is_explained(
    beside_an_older_model: Evaluation,
) -> None:
    assert set(beside_an_older_model.baseline) == {*LOSSES, "example_count"}
    assert beside_an_older_model.reasons == (
        "iw_nll cannot be compared with the champion, which does not have it: "
        "leave worsening out of evaluator.thresholds.iw_nll until a newer model is blessed",
    )


def test_images_without_labels_have_all_metrics_but_the_accuracy_of_labels(
    evaluate: Evaluate, digits: Any, make_talkative_model: Any, tmp_path: Path
) -> None:
    digits.write(tmp_path / "unlabelled", np.arange(57), labels=False)
    settings = {**EVERYTHING, "thresholds": {"latent_probe_accuracy/knn": {"lower": 0.0}}}
    verdict = evaluate(settings, make_talkative_model(0.4, 12.5), examples=tmp_path / "unlabelled")
    left_out = METRICS - set(verdict.metrics)
    samples = {"frechet_distance", "density", "coverage", "data_copying"}
    assert left_out == {"latent_probe_accuracy/linear", "latent_probe_accuracy/knn", "bits_per_dimension"} | samples
    assert verdict.metrics_by_label == {}
    assert verdict.reasons == ("latent_probe_accuracy/knn was not computed: this model, or this data, does not have it",)


def test_a_newer_baseline_says_as_much_and_a_fall_is_worse_where_higher_is_better(
    evaluate: Evaluate, digits: Any, make_talkative_model: Any, classifier: Path
) -> None:
    thresholds = {"ssim": {"worsening": 0.01}, "latent_probe_accuracy/linear": {"worsening": 0.0}, "iw_nll": {"worsening": 0.0}}
    settings = {**EVERYTHING, "thresholds": thresholds}
    brighter = make_talkative_model(0.4, 12.5, brightness=1.1)
    worse = evaluate(settings, make_talkative_model(0.4, 12.5), brighter, classifier=str(classifier))
    level = digits.pixels.mean()
    assert worse.baseline["ssim"] == pytest.approx(1.1 * level, rel=1e-5)
    assert worse.baseline["frechet_distance"] == worse.metrics["frechet_distance"]
    [reason] = worse.reasons
    assert reason.startswith(f"ssim {level:.2f} is {0.1 * level:.2f} below the champion's {1.1 * level:.2f}")
