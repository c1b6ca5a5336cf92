"""Which version is chosen, and when one is let go of."""

import gc
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from support.digits import Trained
from support.local_server import NAME, push

from components import bucket
from components.artifacts.serving_directory import PushedVersion
from tfx_vae.serving.server.versions import AvailableVersions, ServedVersion
from tfx_vae.serving.server.watcher import ServingDirectory, Watcher

Tiny = Callable[[int], Path]


def states(available: AvailableVersions) -> dict[int, str]:
    return {status.version: status.state for status in available.statuses(NAME)}


def test_a_pinned_version_is_not_replaced(tmp_path: Path, tiny: Tiny):
    for version in (3, 5, 4):
        push(tmp_path, tiny(1), version)
    available, reports = AvailableVersions(NAME), list[str]()
    watcher = Watcher(ServingDirectory(tmp_path, pinned=4), available, reports.append)
    watcher.look()
    push(tmp_path, tiny(1), 6)
    watcher.look()

    assert states(available) == {4: "AVAILABLE"}
    assert reports == ["Version 4 answers now, warmed up with 0 requests."]


def test_a_version_lives_until_its_last_request_is_answered(tiny: Tiny):
    available = AvailableVersions(NAME)
    old, new = (ServedVersion(NAME, PushedVersion(version, tiny(1))) for version in (1, 2))
    model = weakref.ref(old.model)
    available.switch_to(old)
    with available.lease(NAME) as leased:
        available.switch_to(new)
        del old
        assert leased.version == 1
        assert states(available) == {2: "AVAILABLE", 1: "UNLOADING"}
        assert not available.forget_unloaded()
        with available.lease(NAME) as newest:
            assert newest.version == 2
    assert states(available) == {2: "AVAILABLE", 1: "END"}
    assert available.forget_unloaded()
    assert not available.forget_unloaded()

    del leased, newest
    gc.collect()
    assert model() is None


def test_the_same_trouble_is_reported_once(tmp_path: Path, tiny: Tiny):
    reports = list[str]()
    watcher = Watcher(ServingDirectory(tmp_path), AvailableVersions(NAME), reports.append)
    watcher.look()
    (push(tmp_path, tiny(1), 1) / "saved_model.pb").write_bytes(b"")
    for _ in range(3):
        watcher.look()

    assert [report.partition(".")[0] for report in reports] == [
        f"There is no version to serve in {tmp_path}; waiting for one",
        "Version 1 cannot be served; it is tried again when its files change",
    ]


def test_a_bucket_that_does_not_answer_is_reported_and_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    account = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    for name, value in {**account, bucket.STAGING_VARIABLE: str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    reports = list[str]()
    watcher = Watcher(ServingDirectory(bucket.local("s3://bucket/served")), AvailableVersions(NAME), reports.append)
    watcher.look()
    watcher.look()

    [report] = reports
    assert report.startswith("s3://bucket/served cannot be read or written: http://127.0.0.1:9 does not answer")


def test_a_model_that_the_trainer_did_not_export_is_not_served(tmp_path: Path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "1"))
    available, reports = AvailableVersions(NAME), list[str]()
    Watcher(ServingDirectory(tmp_path), available, reports.append).look()

    assert available.current_version is None
    assert "was not exported by the Trainer" in reports[0]


def graphs() -> int:
    """How many there are in memory."""
    gc.collect()
    return sum(isinstance(thing, tf.Graph) for thing in gc.get_objects())


def test_a_version_is_warmed_up_and_leaves_nothing_behind(exported: Trained):
    before = graphs()
    served = ServedVersion(NAME, PushedVersion(1, exported.serving_model))
    assert served.warm_up_requests == len(served.model.signatures)
    assert graphs() > before

    del served
    assert graphs() == before


def test_a_version_whose_warm_up_fails_is_not_served(exported: Trained, tmp_path: Path):
    unfit = push(tmp_path, exported.serving_model, 2)
    requests = unfit / "assets.extra" / "tf_serving_warmup_requests"
    requests.write_bytes(requests.read_bytes()[:-1])
    available, reports = AvailableVersions(NAME), list[str]()
    Watcher(ServingDirectory(tmp_path), available, reports.append).look()
    assert available.current_version is None
    assert "DataLossError" in reports[0]


def test_the_loaded_version_stays_when_the_directory_is_deleted(tmp_path: Path, tiny: Tiny):
    push(tmp_path / "serving", tiny(1), 1)
    available, reports = AvailableVersions(NAME), list[str]()
    watcher = Watcher(ServingDirectory(tmp_path / "serving"), available, reports.append)
    watcher.look()
    shutil.rmtree(tmp_path / "serving")
    watcher.look()

    assert states(available) == {1: "AVAILABLE"}
    assert reports[1] == "Version 1 was deleted, and there is no other version to serve; it keeps answering from memory."


@pytest.mark.parametrize("name", ["007", "7"])
def test_a_number_may_have_zeros_before_it(tmp_path: Path, tiny: Tiny, name: str):
    push(tmp_path, tiny(1), 1).rename(tmp_path / name)
    available = AvailableVersions(NAME)
    Watcher(ServingDirectory(tmp_path), available, print).look()

    assert states(available) == {7: "AVAILABLE"}
