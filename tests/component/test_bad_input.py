"""Generated bad input ends with a sentence and an exit status: no traceback, no hang, nothing lost.

BAD_INPUTS=1000 makes as many of each kind, BAD_INPUT_SEED=2 others, and BAD_INPUT_COMMANDS=all adds the commands that load TFX.
"""

import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import click
import pytest
from click.testing import CliRunner
from starlette.exceptions import HTTPException
from support import bad_input
from support.history import History
from support.workplace import PROJECT

from components.artifacts.loaded_model import Signature, Tensor
from pipelines.local import session
from tfx_vae.cli import main
from tfx_vae.serving.server.requests import parse_object, read_predict_request

COUNT: Final = int(os.environ.get("BAD_INPUTS", "40"))
SEED: Final = os.environ.get("BAD_INPUT_SEED", "1")
ALL_COMMANDS: Final = os.environ.get("BAD_INPUT_COMMANDS") == "all"
LOADING_TFX: Final = ("beam-worker", "compare", "kubeflow", "sweep", "tune")
READING: Final = (
    ["runs"],
    ["show", "latest"],
    ["artifacts"],
    ["lineage", "1"],
    ["diff", "latest", "latest"],
    ["gc", "--dry-run"],
)
SIGNATURES: Final = {
    "reconstruct": Signature({"image": Tensor("float32", (None, 28, 28, 1))}, {}),
    "generate": Signature({"count": Tensor("int32", ()), "seed": Tensor("int32", (2,))}, {}),
    "serving_default": Signature({"examples": Tensor("string", (None,))}, {}),
}
SECONDS: Final = 30


class TookTooLongError(BaseException):
    """Not an Exception, so that no code takes it for one of its own."""


@contextmanager
def limited_time() -> Iterator[None]:
    def end(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLongError

    previous = signal.signal(signal.SIGALRM, end)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def cases(kind: str) -> Iterator[tuple[str, random.Random]]:
    """Numbers to repeat a case by, and what makes it."""
    for number in range(COUNT):
        yield f"{kind} {SEED}/{number}", random.Random(f"{kind}/{SEED}/{number}")


def fault(words: list[str]) -> str:
    """What is wrong with the way a command ends; empty if nothing is."""
    before = set(Path(tempfile.gettempdir()).glob("tfx-vae-*.log"))
    try:
        with limited_time():
            done = CliRunner().invoke(main, words)
    except TookTooLongError:
        return f"{words} takes more than {SECONDS} s"
    logs = set(Path(tempfile.gettempdir()).glob("tfx-vae-*.log")) - before
    said = f"{words} ends with {done.exit_code}: {done.stderr[-500:]}"
    if logs:
        return said + "".join(log.read_text()[-2000:] for log in logs)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return f"{said} {done.exception!r}"
    refused = done.exit_code in (1, 2) and done.stderr.strip() and len(done.stderr) < 5000
    is_clean = all(one.isprintable() or one == "\n" for one in done.stderr) and "Traceback" not in done.output
    return "" if (done.exit_code == 0 or refused) and is_clean else said


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, with temporary files of its own, and no home, servers or runs."""
    place = tmp_path / "here"
    (place / "tmp").mkdir(parents=True)
    monkeypatch.chdir(place)
    monkeypatch.setattr(tempfile, "tempdir", str(place / "tmp"))
    monkeypatch.setattr(session, "_run", lambda *_: None)
    monkeypatch.setattr(sys.modules["tfx_vae.serving.commands.serve"], "_serve", lambda *_: 0)
    for name in ("HOME", "TFX_VAE_METADATA", "KF_PIPELINES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(place))
    return place


def contents(directory: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file() and not path.is_symlink()}


def test_any_configuration_file(here: Path):
    path = here / "c.yaml"
    faults = []
    for name, rng in cases("configuration"):
        path.write_bytes(bad_input.configuration(rng))
        command = rng.choice(("config", "config", "doctor", "run", "runs", "serve"))
        settings = ["--set", f"runtime.root={here / 'runs'}", "--set", "notify.command=null"]
        if found := fault([command, "--config", str(path), *(settings if command == "run" else [])]):
            faults.append(f"{name}: {found}")
    assert not faults, "\n\n".join(faults)


def test_any_setting():
    faults = []
    for name, rng in cases("setting"):
        words = [word for _ in range(rng.randint(1, 3)) for word in ("--set", bad_input.setting(rng))]
        if found := fault([rng.choice(("config", "config", "doctor", "runs", "sample", "gc")), *words]):
            faults.append(f"{name}: {found}")
    assert not faults, "\n\n".join(faults)


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if not path and name in LOADING_TFX and not ALL_COMMANDS:
            continue
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_any_arguments(here: Path, tmp_path: Path):
    History(tmp_path / "kept").run()
    (here / "d.png").write_bytes((PROJECT / "serving" / "images" / "7.png").read_bytes())
    before = contents(tmp_path / "kept") | contents(PROJECT / "schema")
    faults = []
    known = list(commands(main))
    for name, rng in cases("arguments"):
        path, command = rng.choice(known)
        if found := fault([*path, *bad_input.arguments(command, rng)]):
            faults.append(f"{name}: {found}")
    assert not faults, "\n\n".join(faults)
    assert contents(tmp_path / "kept") | contents(PROJECT / "schema") == before


def test_any_image_file(here: Path):
    faults = []
    for name, rng in cases("image"):
        command = rng.choice(("score", "reconstruct", "encode", "interpolate"))
        paths = [here / "0", here / "1"][: 2 if command == "interpolate" else rng.randint(1, 2)]
        for path in paths:
            path.write_bytes(bad_input.image(rng))
        before = contents(here)
        # Images are read first, and then there is no model.
        words = [command, *map(str, paths), "--model", str(here / "nowhere")]
        found = fault([*words, *(["--skip-unreadable"] if command != "interpolate" and rng.random() < 0.2 else [])])
        if found or contents(here) != before:
            faults.append(f"{name}: {found}")
    assert not faults, "\n\n".join(faults)


def test_any_body_of_a_request():
    examples = [path.read_bytes() for path in sorted((PROJECT / "serving" / "rest").glob("*.json"))]
    for name, rng in cases("body"):
        body = bad_input.body(rng, examples)
        try:
            with limited_time():
                read_predict_request(parse_object(body), SIGNATURES)
        except HTTPException as refused:
            assert refused.status_code == 400, name
            assert 0 < len(refused.detail) < 2000, name
        except (Exception, TookTooLongError) as error:
            pytest.fail(f"{name}: {error!r} for {body[:500]!r}")


def test_any_damaged_database(tmp_path: Path):
    history = History(tmp_path / "past")
    first = history.run(blessed=False)
    history.run(baseline=first)
    history.run(stops_at="Trainer", record="failed", error="it failed")
    before = contents(history.root)
    faults = []
    for name, rng in cases("database"):
        copy = tmp_path / name.replace("/", "-") / "metadata.sqlite"
        copy.parent.mkdir()
        copy.write_bytes(before[history.location.path])
        bad_input.damage(copy, rng)
        # gc writes, but only beside the copy.
        for words in (rng.choice(READING), ["gc", "--keep-last", "0"]):
            if found := fault([*words, *rng.choice(([], ["--json"])), "--metadata", f"sqlite:///{copy}"]):
                faults.append(f"{name}: {found}")
    assert not faults, "\n\n".join(faults)
    assert contents(history.root) == before
