"""Rollback and promotion, on real databases and serving directories."""

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.servable import ServableHistory

from components.artifacts import champion
from components.artifacts.serving_directory import pushed_versions
from pipelines.mlmd.decisions import _properties
from pipelines.mlmd.location import sqlite_location
from pipelines.mlmd.lock import try_lock
from tfx_vae.cli import main


class Served(ServableHistory):
    """Runs, and the commands on them."""

    def call(self, *arguments: str, root: Path | None = None) -> Result:
        return CliRunner().invoke(main, [*arguments, "--set", f"runtime.root={root or self.root}"])

    def versions(self, root: Path | None = None) -> list[int]:
        return [pushed.version for pushed in pushed_versions((root or self.root) / "serving" / "mnist-vae")]

    def served(self, root: Path | None = None) -> str:
        """The run whose model TensorFlow Serving would load."""
        newest = pushed_versions((root or self.root) / "serving" / "mnist-vae")[-1]
        return (newest.path / "variables" / "variables.index").read_text()

    def champion(self, candidate: int | None = None) -> int | None:
        blessings = {a.id: _properties(a) for a in self.store.get_artifacts_by_type("ModelBlessing")}
        pushes = {a.id: _properties(a) for a in self.store.get_artifacts_by_type("PushedModel")}
        return champion.succession(blessings, pushes).champion(lambda _: True, candidate)


@pytest.fixture
def served(in_memory: Path, tmp_path: Path) -> Served:
    return Served(in_memory / tmp_path.name)


def test_a_rollback_serves_the_version_before_and_is_shown(served: Served):
    first, second = served.run(), served.run(elbo=120.0)
    one, two = served.versions()
    done = served.call("rollback", "--why", "blurred sevens")
    assert done.exit_code == 0, done.output
    *before, three = served.versions()
    assert before == [one, two]
    assert served.served() == first.id
    assert served.champion() == first.artifacts["model"]
    assert done.output.splitlines() == [
        f"Version {three} is served now, and its model {first.artifacts['model']} is the champion.",
        f"Version {two} was taken back.",
    ]
    # What was taken back is no baseline, and no goal of another rollback.
    assert served.champion(candidate=first.artifacts["model"]) is None
    assert f"Version {two} was taken back by a rollback" in served.call("rollback", str(two), "--why", "again").output
    assert "rollback: blurred sevens" in served.call("runs").output
    assert served.call("show", "latest").output.splitlines()[0] == served.call("show", second.id).output.splitlines()[0]
    lineage = served.call("lineage", str(second.artifacts["model"]), "--downstream").output
    assert f"version {two}, taken back: blurred sevens" in lineage
    assert f"version {three}, rollback: blurred sevens" in lineage
    # gc keeps the versions and the record.
    assert served.call("gc", "--keep-last", "0").exit_code == 0
    assert served.champion() == first.artifacts["model"]
    assert first.uris["model"].is_dir()


def test_a_refused_model_is_promoted_by_its_run_its_id_or_its_version(served: Served):
    first, refused = served.run(), served.run(blessed=False)
    done = served.call("promote", "latest", "--why", "sharper, says marketing")
    assert done.exit_code == 0, done.output
    assert served.served() == refused.id
    assert served.champion() == refused.artifacts["model"]
    again = served.call("promote", str(refused.artifacts["model"]), "--why", "twice")
    assert again.exit_code == 2
    assert f"Model {refused.artifacts['model']} is the champion already" in again.output
    oldest = str(served.versions()[0])
    assert served.call("promote", first.id[:-3], "--why", "no, the first").exit_code == 0
    assert (served.served(), served.champion()) == (first.id, first.artifacts["model"])
    # A rollback goes from there to the version before it.
    assert served.call("rollback", "--why", "yes, the second").exit_code == 0
    assert (served.served(), served.champion()) == (refused.id, refused.artifacts["model"])
    # What was taken back can be promoted on purpose, and is a champion like any other.
    assert served.call("promote", oldest, "--why", "after all").exit_code == 0
    assert served.champion() == first.artifacts["model"]


def test_an_attempt_that_was_killed_before_it_was_recorded_is_finished(served: Served):
    first, _ = served.run(), served.run()
    one, two = served.versions()
    serving = served.root / "serving" / "mnist-vae"
    shutil.copytree(serving / str(one), serving / str(two + 7))
    assert served.call("rollback", "--why", "again").exit_code == 0
    assert served.versions() == [one, two, two + 7]
    assert served.champion() == first.artifacts["model"]


def test_a_root_that_was_moved_is_followed(served: Served, tmp_path: Path):
    first, _ = served.run(), served.run()
    moved = Path(shutil.move(served.root, tmp_path / "elsewhere"))
    done = served.call("rollback", "--why", "moved", root=moved)
    assert done.exit_code == 0, done.output
    assert served.served(root=moved) == first.id
    assert len(served.versions(root=moved)) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rollback", "7", "--why", "x"], "Version 7 was not pushed by a run of mnist-vae; recorded are: "),
        (["rollback", "--why", "x"], "There is no earlier version of another model than version "),
        (["rollback", "--why", " "], "--why needs a reason, for those who read it later."),
        (["promote", "1999", "--why", "x"], "'1999' is no version, model or run of mnist-vae: `tfx-vae runs` lists"),
        (["promote", "latest", "--why", "x", "--set", "name=other"], "There is no pipeline other in "),
        (["rollback"], "Missing option '--why'"),
        (["rollback", "latest", "--why", "x"], " is the model that is served now, as version "),
        (["rollback", "mnist-vae", "--why", "x"], " is the model that is served now, as version "),
        (["rollback", "newest", "--why", "x"], "'newest' is no version of mnist-vae: `tfx-vae runs` lists"),
        (["promote", "mnist-vae", "--why", "x"], " is the champion already, served as version "),
    ],
)
def test_wrong_input_is_a_sentence_and_changes_nothing(arguments: list[str], sentence: str, served: Served):
    served.run()
    before = served.versions(), len(served.store.get_executions())
    done = served.call(*arguments)
    assert done.exit_code == 2
    assert re.search(re.escape(sentence), done.output), done.output
    assert (served.versions(), len(served.store.get_executions())) == before


def test_a_root_without_a_database_and_a_model_whose_files_are_gone_are_refused(served: Served, tmp_path: Path):
    done = served.call("rollback", "--why", "x", root=tmp_path / "empty")
    assert (done.exit_code, "There is no ML Metadata in " in done.output) == (2, True)
    gone, _ = served.run(), served.run()
    shutil.rmtree(gone.uris["model"])
    done = served.call("promote", str(gone.artifacts["model"]), "--why", "x")
    assert done.exit_code == 2
    assert f"The files of model {gone.artifacts['model']} are not in " in done.output


def test_it_waits_for_a_run(served: Served):
    from concurrent.futures import ThreadPoolExecutor
    from time import sleep

    served.run()
    served.run()
    lock = sqlite_location(served.root / "metadata.sqlite").path.with_name("metadata.sqlite.lock")
    with ThreadPoolExecutor(1) as pool, try_lock(lock, "run 7 of mnist-vae"):
        waiting = pool.submit(served.call, "rollback", "--why", "x")
        sleep(0.5)
        assert not waiting.done()
        assert len(served.versions()) == 2
        before = served.versions()
    assert len(before) == 2
    assert "Waiting for run 7 of mnist-vae" in waiting.result().output
    assert len(served.versions()) == 3
