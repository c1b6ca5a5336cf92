"""Who is the champion after a history of blessings, pushes and decisions."""

import random
from typing import Any

from components.artifacts.champion import Succession, succession


class Past:
    """Artifacts in the order in which they were made. Model 1 is the first that was trained."""

    def __init__(self) -> None:
        self.blessings: dict[int, dict[str, Any]] = {}
        self.pushes: dict[int, dict[str, Any]] = {}
        self._next = 100

    def judge(
        self, model: int, baseline: int | None = None, beats: bool = False, blessed: bool = True, pushed: bool = True
    ) -> None:
        compared = {} if baseline is None else {"baseline_model_id": baseline, "beats_baseline": int(beats)}
        self.blessings[self._id()] = {
            "blessed": int(blessed), "current_model_id": model, "judged_by": "negative_elbo", **compared,
        }  # fmt: skip
        if blessed:
            self.pushes[self._id()] = {"pushed": int(pushed), **({"model_id": model} if pushed else {})}

    def decide(self, model: int, taken_back: int | None = None) -> None:
        extra = {} if taken_back is None else {"taken_back_model_id": taken_back}
        decision = "promote" if taken_back is None else "rollback"
        self.pushes[self._id()] = {"pushed": 1, "model_id": model, "decision": decision, **extra}

    def champion(self, candidate: int | None = None, gone: tuple[int, ...] = ()) -> int | None:
        return self.succession().champion(lambda model: model not in gone, candidate)

    def succession(self) -> Succession:
        shuffled = [list(found.items()) for found in (self.blessings, self.pushes)]
        for found in shuffled:
            random.Random(0).shuffle(found)
        return succession(*map(dict, shuffled))

    def _id(self) -> int:
        self._next += 1
        return self._next


def test_a_model_within_tolerance_does_not_lower_the_bar_and_a_better_one_takes_over():
    past = Past()
    past.judge(1)
    for model in (2, 3, 4, 5):
        assert past.champion(model) == 1
        past.judge(model, baseline=1)
    past.judge(6, baseline=1, beats=True)
    assert past.champion(7) == 6


def test_a_run_that_is_repeated_has_the_baseline_of_its_first_time():
    past = Past()
    past.judge(1)
    past.judge(2, baseline=1)
    assert past.champion(1) is None
    past.judge(3, baseline=1, beats=True)
    assert past.champion(3) == 1
    # No champion any more, it challenges the new one; then that has the baseline of its own first time.
    assert past.champion(1) == 3
    past.judge(1, baseline=3)
    assert past.champion(3) == 1


def test_a_better_model_that_was_not_pushed_is_not_the_champion():
    past = Past()
    past.judge(1)
    past.judge(2, baseline=1, beats=True, pushed=False)
    past.judge(3, baseline=1, beats=True, blessed=False)
    assert past.champion() == 1


def test_of_two_that_beat_the_same_champion_at_the_same_time_the_first_stays():
    past = Past()
    past.judge(1)
    past.judge(2, baseline=1, beats=True)
    past.judge(3, baseline=1, beats=True)
    assert past.champion() == 2


def test_blessings_of_older_versions_make_the_latest_the_champion():
    past = Past()
    for id_, model in {10: 1, 11: 2, 12: 3}.items():
        past.blessings[id_] = {"blessed": int(model != 3), "current_model_id": model}
    assert past.champion(4) == 2
    past.judge(4, baseline=2)
    assert past.champion(5) == 2


def test_a_champion_that_beat_one_whose_records_are_deleted_keeps_its_place():
    past = Past()
    past.judge(2, baseline=1)
    past.judge(3, baseline=1, beats=True)
    assert past.champion() == 3


def test_the_files_of_a_champion_are_gone():
    past = Past()
    past.judge(1)
    past.judge(2, baseline=1, beats=True)
    past.judge(3, baseline=2)
    assert past.champion(4, gone=(2,)) == 1
    assert past.champion(4, gone=(1, 2)) == 3
    assert past.champion(4, gone=(1, 2, 3)) is None


def test_what_a_rollback_took_back_is_never_a_baseline_again():
    past = Past()
    past.judge(1)
    past.judge(2, baseline=1, beats=True)
    past.decide(1, taken_back=2)
    assert past.champion(3) == 1
    past.judge(3, baseline=1)
    assert past.champion(4, gone=(1,)) == 3
    assert past.champion(4, gone=(1, 3)) is None
    # Unless someone promotes it on purpose.
    past.decide(2)
    assert past.champion(4) == 2


def test_a_promoted_model_is_the_champion_though_it_was_refused():
    past = Past()
    past.judge(1)
    past.judge(2, baseline=1, blessed=False)
    past.decide(2)
    assert past.champion(3) == 2
    # The refused run finds its evaluation in the cache when it is repeated.
    assert past.champion(2) == 1
