"""The command line as a process: its streams, its exit status, and that nothing ends in a traceback."""

import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from support.workplace import BIN, PROJECT

from components.errors import ConfigurationError, DataError
from tfx_vae.cli import main
from tfx_vae.options import Commands

TFX_VAE = BIN / "tfx-vae"


def shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, cwd=PROJECT)


@pytest.mark.parametrize("streams", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_without_a_stream_a_command_ends_as_with_it(streams: str):
    assert shell(f"{TFX_VAE} config {streams}").returncode == 0
    refused = shell(f"{TFX_VAE} config --set trainer.epochs=0 {streams}")
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert ("trainer.epochs: 0 is not allowed" in refused.stderr) == ("2>" not in streams)


def test_output_that_cannot_be_written_is_a_failure_in_a_sentence():
    done = shell(f"{TFX_VAE} config > /dev/full")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "is full" in done.stderr
    both = shell(f"{TFX_VAE} config > /dev/full 2>&1")
    assert (both.returncode, both.stderr) == (1, "")


def test_a_reader_that_goes_away_is_no_error():
    done = shell(f"{TFX_VAE} config | head -1; exit ${{PIPESTATUS[1]}}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "name: mnist-vae\n", "")


def test_no_descriptor_that_was_closed_becomes_that_of_a_file(tmp_path: Path):
    """Or what C++ code prints would be written into it."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pipelines.local.process import prepare_streams\n"
        "prepare_streams()\n"
        f"with open({str(tmp_path / 'file')!r}, 'w') as file:\n"
        "    raise SystemExit(file.fileno())\n"
    )
    assert shell(f"PYTHONPATH=. {BIN / 'python'} {script} <&- >&- 2>&-").returncode > 2


@pytest.fixture
def commands() -> click.Group:
    @click.group(cls=Commands)
    def group() -> None: ...

    @group.command()
    @click.argument("kind")
    def fail(kind: str) -> None:
        raise {"usage": ConfigurationError("wrong"), "data": DataError("damaged"), "bug": KeyError("surprise")}[kind]

    return group


@pytest.mark.parametrize(("kind", "status", "sentence"), [("usage", 2, "wrong"), ("data", 1, "damaged")])
def test_what_a_command_raises_is_told_in_its_words(commands: click.Group, kind: str, status: int, sentence: str):
    done = CliRunner().invoke(commands, ["fail", kind])
    assert (done.exit_code, done.stderr) == (status, f"{sentence}\n")


def test_of_what_was_not_foreseen_the_traceback_is_kept_in_a_file(commands: click.Group):
    done = CliRunner().invoke(commands, ["fail", "bug"])
    first, second = done.stderr.splitlines()
    assert (done.exit_code, first) == (1, "KeyError: 'surprise'")
    log = Path(second.removeprefix("The log with all details: "))
    assert "Traceback" in log.read_text()
    log.unlink()


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ("--help", {"click"}),
        ("run --help", {"click"}),
        ("config", {"click", "yaml", "pydantic", "pydantic_core", "annotated_types", "typing_extensions", "typing_inspection"}),
    ],
)
def test_a_quick_command_imports_no_library_that_it_does_not_need(words: str, needed: set[str]):
    code = (
        "import sys; before = set(sys.modules)\n"
        "from click.testing import CliRunner; from tfx_vae.cli import main\n"
        "done = CliRunner().invoke(main, sys.argv[1:])\n"
        "print(done.exit_code, *{name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    status, *imported = subprocess.check_output([BIN / "python", "-c", code, *words.split()], text=True).split()
    ours = {"tfx_vae", "pipelines", "components"}
    assert (status, {name for name in imported if not name.startswith("_")} - ours - {"cython_runtime"}) == ("0", needed)


def test_help_groups_all_commands_and_has_a_whole_sentence_for_each_at_80_columns():
    shown = CliRunner().invoke(main, ["--help"], terminal_width=80).output
    assert {name for names in main.sections.values() for name in names} == set(main.commands)
    assert "..." not in shown.partition("Train:")[2]
    summaries = [line for line in shown.partition("Train:")[2].splitlines() if line.startswith("  ")]
    assert len(summaries) == len(main.commands)


@pytest.mark.parametrize(
    ("shell_", "words"), [("bash", "complete -o nosort"), ("zsh", "#compdef tfx-vae"), ("fish", "complete --no-files")]
)
def test_shells_complete_the_commands(shell_: str, words: str):
    done = CliRunner().invoke(main, ["completion", shell_])
    assert done.exit_code == 0
    assert words in done.output


def test_completion_knows_the_commands():
    done = shell(f'COMP_WORDS="tfx-vae rec" COMP_CWORD=1 _TFX_VAE_COMPLETE=bash_complete {TFX_VAE}')
    assert done.stdout.splitlines() == ["plain,reconstruct"]
