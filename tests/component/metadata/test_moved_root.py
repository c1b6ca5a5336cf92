"""A root that was moved or copied uses the files where it is now."""

import contextlib
import shutil
from pathlib import Path

import pytest
from support.history import History

from pipelines.mlmd.location import sqlite_location
from pipelines.mlmd.moved_root import follow_moved_root, path_below
from tfx_vae.metadata.gc.collect import collect
from tfx_vae.metadata.gc.protection import Policy


def follow(history: History) -> int:
    return follow_moved_root(history.store, history.location)


def recorded(history: History) -> set[str]:
    """Every path in the database."""
    nodes = [*history.store.get_artifacts(), *history.store.get_contexts_by_type("pipeline_run")]
    values = [value.string_value for node in nodes for value in node.custom_properties.values()]
    uris = [artifact.uri for artifact in history.store.get_artifacts()]
    return {path for path in [*uris, *values] if path.startswith("/")}


def test_a_moved_root_is_followed_once(history: History, tmp_path: Path):
    history.run()
    target = tmp_path / "moved"
    shutil.move(history.root, target)
    moved = History(target)
    assert follow(moved) > 0
    assert recorded(moved)
    for path in recorded(moved):
        assert path.startswith(f"{target}/"), path
        assert Path(path).exists(), path
    assert follow(moved) == 0


def test_a_copy_uses_its_own_files_and_leaves_the_original_alone(history: History, tmp_path: Path):
    history.run(blessed=False)
    history.run()
    before, files = recorded(history), sorted(history.root.rglob("*"))
    shutil.copytree(history.root, tmp_path / "copy")
    copy = History(tmp_path / "copy")
    plan = collect(copy.location, copy.root, Policy(), lambda _: contextlib.nullcontext())
    assert plan.artifacts
    assert all(path.startswith(f"{copy.root}/") for path in recorded(copy))
    assert (recorded(history), sorted(history.root.rglob("*"))) == (before, files)


def test_a_link_to_a_root_and_a_part_behind_a_link_stay_as_they_are(history: History, tmp_path: Path):
    history.run()
    shutil.move(history.root / "pipelines", tmp_path / "elsewhere")
    (history.root / "pipelines").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to(history.root)
    before = recorded(history)
    assert follow_moved_root(history.store, sqlite_location(tmp_path / "link" / "metadata.sqlite")) == 0
    assert recorded(history) == before


def test_a_database_outside_its_root_is_left_alone(history: History, tmp_path: Path):
    history.run()
    assert follow_moved_root(history.store, sqlite_location(tmp_path / "other.sqlite")) == 0


@pytest.mark.parametrize(
    ("path", "is_followed"),
    [
        ("pipelines/mnist-vae/Trainer/model/7", True),
        ("pipelines/mnist-vae", True),
        ("pipelines/mnist-vae/Trainer/model/8", False),  # not below the new root
        ("serving/mnist-vae/1700000000", True),
        ("logs/mnist-vae/run.log", True),
        ("other/mnist-vae/Trainer/model/7", False),
    ],
)
def test_only_what_a_root_has_and_is_there_is_followed(path: str, is_followed: bool, tmp_path: Path):
    for name in (
        "pipelines/mnist-vae/Trainer/model/7",
        "serving/mnist-vae/1700000000",
        "logs/mnist-vae/run.log",
        "other/mnist-vae",
    ):
        (tmp_path / name).mkdir(parents=True)
    assert path_below(tmp_path, f"/old/pipelines/serving/{path}") == (str(tmp_path / path) if is_followed else None)


def test_what_is_in_an_object_store_is_not_followed(tmp_path: Path):
    (tmp_path / "pipelines/mnist-vae/Trainer/model/7").mkdir(parents=True)
    assert path_below(tmp_path, "gs://bucket/pipelines/mnist-vae/Trainer/model/7") is None
