"""The Dockerfile, as scripts/run_dockerfile.py reads it; the script itself executes it in a chroot, which takes minutes."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("run_dockerfile", PROJECT / "scripts" / "run_dockerfile.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def context(script: Any) -> list[str]:
    found: list[str] = script.context()
    return found


def test_instructions_are_read_without_comments_and_with_their_continuations(script: Any):
    text = "# first\nFROM a AS b\n\nRUN one \\\n  && two\ncopy x y\n"
    assert script.instructions(text) == [("FROM", "a AS b"), ("RUN", "one && two"), ("COPY", "x y")]


def test_all_that_is_copied_is_sent_to_the_engine(script: Any, context: list[str]):
    text = (PROJECT / "Dockerfile").read_text()
    sources = [rest.split()[:-1] for word, rest in script.instructions(text) if word == "COPY" and "--from=" not in rest]
    names = {name for words in sources for name, _ in script.copied(words, context)}
    assert names == set(context)
    assert names >= {"uv.lock", "components/pusher/config.py", "pipelines/configs/smoke.yaml", "schema/schema.pbtxt"}
    assert not [name for name in names if name.startswith(("tests", ".git", "docs")) or "__pycache__" in name]


def test_what_the_engine_is_not_sent_cannot_be_copied(script: Any, context: list[str]):
    with pytest.raises(SystemExit, match=r"COPY tests: it is not in the context; does .dockerignore leave it out\?"):
        script.copied(["tests"], context)


def test_a_folder_keeps_its_names_below_the_target(script: Any):
    files = ["data/a.txt", "data/b/c.txt", "database"]
    assert script.copied(["data"], files) == [("data/a.txt", "a.txt"), ("data/b/c.txt", "b/c.txt")]
    assert script.copied(["database"], files) == [("database", "database")]
