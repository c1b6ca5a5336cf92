"""The stock Evaluator with our configuration and metrics, on models whose losses numpy computes too."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_model_analysis as tfma

from components.artifacts.evaluation import Evaluation
from components.artifacts.features import LOSSES
from components.evaluator import eval_config
from components.evaluator.config import EvaluatorConfig, Threshold
from components.evaluator.eval_config import build_eval_config

Judge = Callable[..., Evaluation]


@pytest.fixture
def judge(evaluate: Callable[..., Evaluation], make_model: Any, tmp_path: Path) -> Judge:
    """Evaluates models that say nothing but their losses."""

    def run(
        thresholds: dict[str, Threshold], candidate: tuple[float, float], baseline: tuple[float, float] | None = None
    ) -> Evaluation:
        before = make_model(*baseline) if baseline else None
        return evaluate({"thresholds": thresholds}, make_model(*candidate), before, into=tmp_path)

    return run


def test_metrics_are_means_over_the_split_and_over_each_label(
    judge: Judge, digits: Any, make_model: Any, tmp_path: Path
) -> None:
    losses = make_model(0.4, 12.5).losses(digits.pixels)
    # Between the mean of all and the means of some labels: a threshold is on the whole split.
    limit = losses["squared_error"].mean() + 0.01
    thresholds = {
        "kl_divergence": Threshold(lower=1.0, upper=30.0),
        "squared_error": Threshold(upper=limit),
        # Without a baseline there is nothing to compare.
        "negative_elbo": Threshold(standard_errors=0),
    }
    verdict = judge(thresholds, (0.4, 12.5))
    assert (verdict.blessed, verdict.differences, verdict.reasons) == (True, {}, ())
    assert max(metrics["squared_error"] for metrics in verdict.metrics_by_label.values()) > limit
    assert verdict.metrics == pytest.approx({**{name: losses[name].mean() for name in LOSSES}, "example_count": 57}, rel=1e-5)
    assert list(verdict.metrics_by_label) == list(range(10))
    for label, metrics in verdict.metrics_by_label.items():
        members = digits.labels == label
        assert metrics == pytest.approx(
            {**{name: losses[name][members].mean() for name in LOSSES}, "example_count": members.sum()}, rel=1e-5
        )
    assert verdict.baseline == {}
    assert_tfma_reads_the_same(tmp_path / "evaluation", verdict)


def assert_tfma_reads_the_same(evaluation: Path, verdict: Evaluation) -> None:
    result = tfma.load_eval_result(str(evaluation), model_name="candidate" if verdict.baseline else None)
    slices = {
        slice_key: {
            name: value["doubleValue"]
            for name, value in outputs[""][""].items()
            if not name.endswith(("_diff", "/difference", "/standard_error", "/worsening"))
        }
        for slice_key, outputs in result.slicing_metrics
    }
    assert slices.pop(()) == pytest.approx(dict(verdict.metrics))
    by_label = {key[0][1]: metrics for key, metrics in slices.items()}
    assert by_label == {label: pytest.approx(dict(metrics)) for label, metrics in verdict.metrics_by_label.items()}


def test_a_collapsed_posterior_and_a_loss_above_its_upper_bound_are_not_blessed(judge: Judge) -> None:
    # At grey 0.5 the cross-entropy is log 2 for every pixel, whatever the image.
    assert 16 * math.log(2) + 0.03 == pytest.approx(11.12, abs=0.001)
    thresholds = {
        "kl_divergence": Threshold(lower=1.0),
        "negative_elbo": Threshold(upper=11.0),
        "squared_error": Threshold(upper=100),
    }
    assert judge(thresholds, (0.5, 0.03)).reasons == (
        "kl_divergence 0.0 is below its lower bound 1.0",
        "negative_elbo 11.1 is above its upper bound 11.0",
    )


def test_a_model_worse_than_the_baseline_is_not_blessed_and_the_paired_difference_has_the_standard_error_of_numpy(
    judge: Judge, digits: Any, make_model: Any, tmp_path: Path
) -> None:
    # Both see the same images: the difference varies far less than either loss.
    candidate, baseline = make_model(0.4, 3.6).losses(digits.pixels), make_model(0.5, 2.0).losses(digits.pixels)
    paired = {name: candidate[name] - baseline[name] for name in ("negative_elbo", "reconstruction_loss")}
    mean = {name: differences.mean() for name, differences in paired.items()}
    error = {name: differences.std(ddof=1) / math.sqrt(57) for name, differences in paired.items()}
    margin = mean["reconstruction_loss"] - 2 * error["reconstruction_loss"]
    assert margin > 0
    thresholds = {
        "kl_divergence": Threshold(worsening=1.0),
        "negative_elbo": Threshold(worsening=0.5, standard_errors=2),
        "reconstruction_loss": Threshold(worsening=margin, standard_errors=2.1),
    }

    verdict = judge(thresholds, (0.4, 3.6), (0.5, 2.0))

    beyond, beyond_error = verdict.reasons
    assert beyond == "kl_divergence 3.6 is 1.6 above the champion's 2.0, more than the 1.0 allowed"
    assert re.fullmatch(
        r"negative_elbo \S+ is \S+ ± \S+ above the champion's \S+, more than the 0.5 and 2 standard errors allowed",
        beyond_error,
    )
    assert verdict.thresholds["reconstruction_loss"] == f"≤ champion + {margin:g} + 2.1 SE"
    for name in paired:
        assert verdict.differences[name] == pytest.approx((mean[name], error[name]), rel=1e-4)
    assert verdict.differences["kl_divergence"] == pytest.approx((1.6, 0.0), abs=1e-6)
    assert set(verdict.metrics) == {*LOSSES, "example_count"}
    assert verdict.baseline == pytest.approx(
        {**{name: baseline[name].mean() for name in LOSSES}, "example_count": 57}, rel=1e-5
    )
    assert_tfma_reads_the_same(tmp_path / "evaluation", verdict)


def test_a_model_slightly_worse_than_a_baseline_without_kl_divergence_is_blessed(judge: Judge) -> None:
    thresholds = {
        "negative_elbo": Threshold(worsening=1.0),
        "kl_divergence": Threshold(worsening=1.0),
        # Equal losses do not differ, and have no standard error.
        "reconstruction_loss": Threshold(worsening=0.0),
        "squared_error": Threshold(standard_errors=0),
    }
    assert judge(thresholds, candidate=(0.5, 0.9), baseline=(0.5, 0.0)).blessed


def test_a_loss_that_is_not_finite_is_never_blessed_whatever_is_limited(judge: Judge) -> None:
    verdict = judge({"squared_error": Threshold(upper=1000)}, (0.5, math.nan))
    assert np.isnan(verdict.metrics["kl_divergence"])
    assert verdict.reasons == (
        "kl_divergence is nan, which is not a finite number",
        "negative_elbo is nan, which is not a finite number",
    )


def test_an_edit_of_the_metrics_changes_the_cache_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = build_eval_config(EvaluatorConfig())
    assert build_eval_config(EvaluatorConfig()) == before
    monkeypatch.setattr(eval_config, "source_digest", lambda *names: f"edited {names}")
    assert build_eval_config(EvaluatorConfig()) != before


@pytest.mark.parametrize(("slice_by_label", "slices"), [(True, 2), (False, 1)])
def test_slices_are_by_label_where_it_is_asked_for(slice_by_label: bool, slices: int) -> None:
    config = build_eval_config(EvaluatorConfig(slice_by_label=slice_by_label))
    assert [list(spec.feature_keys) for spec in config.slicing_specs] == [[], ["label"]][:slices]
