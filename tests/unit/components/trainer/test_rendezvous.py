"""Machines that find each other, played by threads."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from components.errors import PipelineError
from components.trainer import rendezvous
from components.trainer.rendezvous import Rendezvous


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rendezvous, "_SECONDS_BETWEEN_LOOKS", 0.01)


def worker(place: Rendezvous, index: int, is_needless: Callable[[], bool] = lambda: False) -> dict[str, str]:
    with place.met_as_worker(index, is_needless) as environment:
        return environment


def chief(place: Rendezvous) -> dict[str, str]:
    with place.met_as_chief() as environment:
        return environment


def test_all_learn_who_the_others_are_and_which_of_them_they_are(tmp_path: Path):
    place = Rendezvous(str(tmp_path / "here"), 3, 30)
    with ThreadPoolExecutor() as pool:
        workers = [pool.submit(worker, place, index) for index in (2, 1)]
        environments = [chief(place), *(each.result() for each in reversed(workers))]

    configs = [json.loads(environment["TF_CONFIG"]) for environment in environments]
    assert [config["task"] for config in configs] == [{"type": "worker", "index": index} for index in range(3)]
    [addresses] = {tuple(config["cluster"]["worker"]) for config in configs}
    assert len(set(addresses)) == 3


def test_what_an_attempt_that_was_killed_has_left_is_not_trusted(tmp_path: Path):
    place = Rendezvous(str(tmp_path), 2, 0.2)
    (tmp_path / "worker-1").write_text('{"address": "gone:1", "token": "old", "times": 7}')
    (tmp_path / "cluster").write_text(
        '{"workers": [{"address": "gone:2", "token": ""}, {"address": "gone:1", "token": "old"}]}'
    )

    with pytest.raises(PipelineError, match=r"within 0.2 s the Trainer did not come, or not all of the workers"):
        worker(place, 1)
    with pytest.raises(PipelineError, match=r"2 steps train together, .* within 0.2 s 0 of 1 workers came"):
        chief(place)


def test_a_worker_of_a_trainer_that_was_served_from_the_cache_has_nothing_to_do(tmp_path: Path):
    assert worker(Rendezvous(str(tmp_path), 2, 30), 1, is_needless=lambda: True) == {}
