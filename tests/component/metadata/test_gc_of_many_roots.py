"""Random runs, moves, links, copies and collections: whatever happened, nothing live is lost."""

import contextlib
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.history import LIVE, History, PastRun

from pipelines.mlmd.location import sqlite_location
from tfx_vae.metadata.gc.collect import collect
from tfx_vae.metadata.gc.protection import Policy

STEPS = 20


class World:
    """Roots that are run in, moved, linked and copied."""

    def __init__(self, directory: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self._directory = directory
        (directory / "subfolder").mkdir()
        self._names = iter(range(1_000))
        first = History(self._new_path())
        self._histories = [first]
        self._runs: dict[Path, list[PastRun]] = {first.root: []}

    def step(self) -> str:
        """Does something; says what."""
        actions: list[Callable[[History], None]] = [*[self._run] * 4, *[self._collect] * 4]
        actions += [self._move, self._copy, self._link_to_root, self._move_part_behind_a_link]
        action, history = self._random.choice(actions), self._random.choice(self._histories)
        action(history)
        return f"{action.__name__} {history.root.name}"

    def _run(self, history: History) -> None:
        root, runs = history.root, self._runs[history.root]
        whole = [past for past in runs if "pushed_model" in past.artifacts and self._is_live(history, past)]
        history.root = self._spelling(root)
        choices: list[dict[str, Any]] = [{}, *({use: past} for past in whole for use in ("cached_from", "baseline"))]
        used = self._random.choice(choices)
        past = history.run(
            self._random.choice(["mnist-vae", "mnist-vae", "mnist-ae"]),
            blessed=self._random.random() < 0.5,
            stops_at=self._random.choice(["", "", "Trainer", "Evaluator"]),
            record="failed",
            **used,
        )
        history.root = root
        runs.append(past)

    def _collect(self, history: History) -> None:
        before = [(other, self._live(other)) for other in self._histories]
        newest = [
            id_ for past in self._runs[history.root][-1:] for id_ in past.artifacts.values() if history.state(id_) == LIVE
        ]
        location = sqlite_location(self._spelling(history.root) / "metadata.sqlite")
        policy = Policy(keep_last=self._random.choice([0, 1, 2]))
        collect(location, self._spelling(history.root), policy, lambda _: contextlib.nullcontext())
        for other, files in before:
            still_live = self._live(other)
            for id_, path in files.items():
                is_freed = other is history and history.state(id_) != LIVE
                assert is_freed or id_ in still_live, f"{path} of {other.root} is gone"
        if policy.keep_last:
            assert all(history.state(id_) == LIVE for id_ in newest)

    def _is_live(self, history: History, past: PastRun) -> bool:
        return all(history.state(id_) == LIVE for id_ in past.artifacts.values())

    def _move(self, history: History) -> None:
        target = self._new_path()
        history.root.rename(target)
        if self._random.random() < 0.5:
            history.root.symlink_to(target)
        self._histories.remove(history)
        self._histories.append(History(target))
        self._runs[target] = self._runs.pop(history.root)

    def _copy(self, history: History) -> None:
        target = self._new_path()
        # Runs of original and copy would get into each other's way if both wrote to what one link leads to.
        shutil.copytree(history.root, target, symlinks=not (history.root / "pipelines").is_symlink())
        self._histories.append(History(target))
        self._runs[target] = list(self._runs[history.root])

    def _link_to_root(self, history: History) -> None:
        self._new_path().symlink_to(history.root)

    def _move_part_behind_a_link(self, history: History) -> None:
        """As one does where a disk is full."""
        parts = [
            path for path in [*history.root.glob("pipelines"), *history.root.glob("pipelines/*/*/*/[0-9]*")] if path.is_dir()
        ]
        parts = [path for path in parts if not path.is_symlink()]
        if parts:
            part, target = self._random.choice(parts), self._new_path()
            part.rename(target)
            part.symlink_to(target)

    def _spelling(self, root: Path) -> Path:
        links = [path for path in self._directory.iterdir() if path.is_symlink() and path.resolve() == root]
        return self._random.choice([root, self._directory / "subfolder" / ".." / root.name, *links])

    def _new_path(self) -> Path:
        return self._directory / f"path-{next(self._names)}"

    def _live(self, history: History) -> dict[int, Path]:
        """The real directories of artifacts that are live and whole, by id; not what only the original of a copy has."""
        artifacts = [artifact for artifact in history.store.get_artifacts() if artifact.state == LIVE]
        paths = {artifact.id: Path(os.path.realpath(artifact.uri)) for artifact in artifacts}
        others = [other.root for other in self._histories if other is not history]
        own = {id_: path for id_, path in paths.items() if not any(path.is_relative_to(other) for other in others)}
        return {id_: path for id_, path in own.items() if (path / "data").is_file()}


@pytest.mark.parametrize("seed", range(20))
def test_nothing_live_is_ever_lost(seed: int, tmp_path: Path, in_memory: Path):
    directory = in_memory / tmp_path.name
    directory.mkdir()
    world = World(directory, seed)
    for number in range(STEPS):
        print(number, world.step())  # seen where the test fails
