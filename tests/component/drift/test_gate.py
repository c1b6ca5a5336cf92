"""The real DriftGate and a real champion, on digits that have changed in ways that a person could name."""

import logging
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tfx.types.standard_artifacts import Examples, Model

from components.artifacts.drift import DriftSummary, read_summary
from components.artifacts.drift_verdict import DriftVerdict, read_arrays
from components.artifacts.loaded_model import LoadedModel
from components.drift.comparison import compare
from components.drift.config import DriftConfig
from components.drift.executor import Executor
from components.drift.sample import Sample, take_sample
from components.errors import DataError
from components.settings import Action

SIDE = 500

Digits = tuple[np.ndarray, np.ndarray]
Write = Callable[[int, np.ndarray, np.ndarray | None], Examples]


class Gate:
    """Runs the executor on the champion's digits and others."""

    def __init__(self, champion: Model, known: Examples, directory: Path) -> None:
        self.champion = champion
        self.known = known
        self.directory = directory
        self.verdict = DriftVerdict()

    def run(self, new: list[Examples], champion: bool = True, **settings: Any) -> DriftSummary:
        self.verdict.uri = str(self.directory / f"verdict-{len(list(self.directory.glob('verdict-*')))}")
        Path(self.verdict.uri).mkdir()
        inputs = {"examples": new, "champion": [self.champion], "known_examples": [self.known]}
        Executor().Do(
            inputs if champion else {"examples": new},
            {"verdict": [self.verdict]},
            {"config": DriftConfig(**settings).model_dump_json()},
        )
        return read_summary(Path(self.verdict.uri))


@pytest.fixture
def gate(champion: Model, digits: Digits, write: Write, tmp_path: Path) -> Gate:
    images, labels = digits
    return Gate(champion, write(1, images[:SIDE], labels[:SIDE]), tmp_path)


def drifted(summary: DriftSummary) -> set[str]:
    return {measure.name for measure in summary.measures if measure.drifted}


@pytest.fixture
def new(digits: Digits) -> Digits:
    images, labels = digits
    return images[SIDE : 2 * SIDE], labels[SIDE : 2 * SIDE]


def test_inverted_images_have_drifted_by_every_measure_that_sees_pixels(gate: Gate, new: Digits, write: Write, caplog: Any):
    images, labels = new
    with caplog.at_level(logging.WARNING, logger="tfx_vae"):
        summary = gate.run([write(2, 255 - images, labels)])

    assert drifted(summary) == {"brightness", "score", "codes"}
    assert (summary.champion, summary.known_images, summary.new_images) == (7, SIDE, SIDE)
    assert "those that the champion (model 7) was trained on:\n  brightness: the mean pixel is 22" in caplog.text
    assert gate.verdict.get_int_custom_property("drifted") == 1
    assert "score " in gate.verdict.get_string_custom_property("drift")
    arrays = read_arrays(Path(gate.verdict.uri))
    assert np.median(arrays.new_scores) > np.quantile(arrays.known_scores, 0.99)
    assert arrays.strangest.shape == arrays.decoded.shape == (10, 28, 28, 1)
    assert arrays.strangest.mean() > 0.7


def test_a_digit_that_is_missing_noise_and_black_images_are_found(
    digits: Digits, new: Digits, loaded: LoadedModel, write: Write
):
    images, labels = new
    known = sample(write(1, *(each[:SIDE] for each in digits)), loaded)
    noise = np.random.default_rng(0).normal(0, 20, images.shape)
    black = np.where(np.arange(SIDE)[:, None, None, None] % 20, images, 0).astype(np.uint8)

    def found(identity: int, images: np.ndarray, labels: np.ndarray) -> set[str]:
        measures = compare(known, sample(write(identity, images, labels), loaded), DriftConfig()).measures
        return {measure.name for measure in measures if measure.drifted}

    assert "labels" in found(2, images[labels != 5], labels[labels != 5])
    assert found(3, np.clip(images + noise, 0, 255).astype(np.uint8), labels) >= {"score"}
    assert "constant" in found(4, black, labels)


def test_a_slow_brightening_is_found_against_the_images_of_the_champion(digits: Digits, loaded: LoadedModel, write: Write):
    """Each span is a little brighter than the one before: no two in a row have drifted, the last from the first has."""
    images, labels = digits
    factors = np.linspace(1.0, 1.35, 7)
    spans = []
    for number, factor in enumerate(factors):
        some = slice(number * SIDE, (number + 1) * SIDE)
        lighter = np.minimum(images[some] * factor, 255).astype(np.uint8)
        spans.append(sample(write(number, lighter, labels[some]), loaded))

    def found(known: Sample, new: Sample) -> set[str]:
        return {measure.name for measure in compare(known, new, DriftConfig()).measures if measure.drifted}

    assert [found(*pair) for pair in pairwise(spans)] == [set()] * 6
    assert "contrast" in found(spans[0], spans[-1])


def test_there_is_no_alarm_without_drift_at_twenty_seeds(digits: Digits, loaded: LoadedModel, write: Write):
    images, labels = digits
    seen = sample(write(1, images[: 4 * SIDE], labels[: 4 * SIDE]), loaded, most=4 * SIDE)

    def part(members: np.ndarray) -> Sample:
        values, counts = np.unique(labels[members], return_counts=True)
        return Sample(
            labels={int(value): int(count) for value, count in zip(values, counts, strict=True)},
            brightness=seen.brightness[members],
            contrast=seen.contrast[members],
            constant=0,
            scores=seen.scores[members],
            codes=seen.codes[members],
            strangest=[],
        )

    for seed in range(20):
        order = np.random.default_rng(seed).permutation(4 * SIDE)
        for count in (30, SIDE):
            found = compare(part(order[:count]), part(order[count : 2 * count]), DriftConfig())
            assert [measure for measure in found.measures if measure.drifted] == [], (seed, count)


def sample(examples: Examples, loaded: LoadedModel, most: int = 2_000) -> Sample:
    found = take_sample([str(file) for file in Path(examples.uri).glob("Split-test/*")], most, loaded)
    assert found is not None
    return found


def test_it_stops_the_run_if_it_is_told_to_and_says_what_has_changed(gate: Gate, new: Digits, write: Write):
    images, labels = new
    inverted = write(2, 255 - images, labels)
    with pytest.raises(DataError) as stopped:
        gate.run([inverted], action=Action.STOP)

    lines = str(stopped.value).splitlines()
    assert [line.partition(":")[0] for line in lines[1:-1]] == ["  brightness", "  score", "  codes"]
    assert lines[-1] == "Look at the new images; if they are what the model should learn, set drift.action=warn."


def test_only_spans_that_the_champion_was_not_trained_on_are_new(gate: Gate, new: Digits, write: Write):
    images, labels = new
    summary = gate.run([gate.known, write(2, images, labels)])

    assert (summary.new_images, drifted(summary)) == (SIDE, set())
    assert summary.sentence() == f"none: {SIDE} new test images against {SIDE} of the champion's"


def test_without_a_champion_or_without_images_nothing_is_compared(gate: Gate, new: Digits, write: Write):
    images, labels = new
    assert gate.run([gate.known], champion=False).sentence().startswith("not compared: there is no champion that")
    empty = gate.run([write(2, images[:0], labels[:0])])
    assert (empty.champion, empty.reason) == (None, "there is no test image among the new ones")
    assert gate.verdict.get_int_custom_property("drifted") == 0


def test_limits_that_are_null_switch_measures_off_and_images_without_labels_have_fewer(gate: Gate, new: Digits, write: Write):
    images, _ = new
    unlabelled = write(2, 255 - images, None)
    summary = gate.run([unlabelled], max_pixels=None, max_codes=None, images=100)

    assert [measure.name for measure in summary.measures] == ["constant", "score"]
    assert summary.level == 0.001 / 2
    assert summary.new_images == summary.known_images == 100


def test_a_sample_is_the_same_in_whatever_order_the_images_come(digits: Digits, loaded: LoadedModel, write: Write):
    images, labels = digits
    forth = sample(write(1, images[:200], labels[:200]), loaded, most=50)
    back = sample(write(2, images[:200][::-1], labels[:200][::-1]), loaded, most=50)

    assert len(forth) == 50
    assert sorted(forth.scores) == sorted(back.scores)
    assert forth.labels == back.labels
