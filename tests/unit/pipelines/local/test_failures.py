"""Whatever a run raises becomes one sentence and an exit status; Ctrl-C and SIGTERM stop it even if a library swallows them."""

import errno
import os
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console

from components.errors import ConfigurationError, DataError
from pipelines.local.failures import MISUSED, explain, remembered_interruption, tell


def caused_by(cause: BaseException) -> Exception:
    error = RuntimeError("a component failed")
    error.__cause__ = cause
    return error


def test_a_message_written_for_a_person_is_passed_on_from_any_depth():
    failure = explain(caused_by(caused_by(DataError("Split 'train' is empty."))))

    assert (failure.message, failure.exit_status) == ("Split 'train' is empty.", 1)


def test_a_wrong_configuration_found_late_still_exits_with_2():
    assert explain(caused_by(ConfigurationError("There is no dataset mnst."))).exit_status == 2


@pytest.mark.parametrize(
    ("number", "beginning"),
    [
        (errno.ENOSPC, "The disk is full (/data/file)"),
        (errno.EACCES, "Permission is denied (/data/file)"),
        (errno.EROFS, "The file system is read-only (/data/file)"),
    ],
)
def test_the_systems_refusals_name_the_file_and_the_way_out(number: int, beginning: str):
    failure = explain(caused_by(OSError(number, "refused", "/data/file")))

    assert failure.message.startswith(beginning)
    assert failure.exit_status == 1
    assert "run again" in failure.message or "--set runtime.root" in failure.message


def test_an_error_that_beam_passes_on_as_text_is_found_again():
    traceback = (
        "Traceback (most recent call last):\n"
        '  File "executor.py", line 3, in process\n'
        "ValueError: bad bytes\n\nThe above exception was the direct cause of the following exception:\n\n"
        '  File "executor.py", line 9, in process\n'
        "components.errors.DataError: The file train.gz is corrupt. [while running 'WriteShard']"
    )

    assert explain(RuntimeError(traceback)).message == "The file train.gz is corrupt."


def test_a_job_that_its_engine_ended_is_told_with_the_reason_and_what_comes_next():
    reason = "java.util.concurrent.TimeoutException: Heartbeat of TaskManager with id taskmanager-1 timed out."
    failure = explain(RuntimeError(f"Pipeline BeamApp-root-1126155846-6977aaf2_f49edd8f failed in state FAILED: {reason}"))

    assert failure.message.startswith(f"{reason} With these words Beam's engine ended the job;")
    assert "continues after the last finished component" in failure.message


def test_a_prism_that_cannot_be_downloaded_is_told_with_the_way_out():
    reason = (
        "Unable to fetch remote prism binary at https://github.com/x.zip: <urlopen error [Errno -2] Name or service not known>"
    )
    failure = explain(caused_by(RuntimeError(reason)))

    assert reason in failure.message
    assert "runtime.beam.options.prism_location=FILE" in failure.message


def test_any_other_refusal_of_the_system_names_the_file():
    assert (
        explain(OSError(errno.ELOOP, "Too many levels of symbolic links", "/x")).message
        == "/x: Too many levels of symbolic links."
    )


def test_a_full_disk_without_a_file_name_names_the_runs():
    assert explain(OSError(errno.ENOSPC, "full"), Path("/my/runs")).message.startswith("The disk is full (/my/runs)")


@pytest.mark.parametrize(
    ("name", "message", "place"),
    [
        ("ResourceExhaustedError", "/runs/ckpt-1; No space left on device [Op:SaveV2]", "/runs/ckpt-1"),
        ("InternalError", "Error when executing query: database or disk is full query: UPDATE `Execution`", "/my/runs"),
    ],
)
def test_a_full_disk_is_recognised_in_the_words_of_tensorflow_and_of_ml_metadata(name: str, message: str, place: str):
    error = type(name, (Exception,), {})(message)

    assert explain(error, Path("/my/runs")).message.startswith(f"The disk is full ({place})")


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file or directory", "GONE/beam-pipeline-temp"),
        FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['GONE']"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
def test_a_directory_for_temporary_files_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
):
    gone = str(tmp_path / "gone")
    monkeypatch.setattr(tempfile, "tempdir", gone)
    if error.filename:
        error.filename = error.filename.replace("GONE", gone)
    assert explain(caused_by(error)).message.startswith(f"Temporary files cannot be written to {gone} (")


def test_another_file_that_is_missing_is_not_taken_for_a_temporary_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert explain(FileNotFoundError(errno.ENOENT, "No such file", "/data/x")).message == "/data/x: No such file."


def test_a_full_disk_under_beam_is_recognised():
    error = RuntimeError("Traceback:\nOSError: [Errno 28] No space left on device: '/runs/x' [while running 'Write']")

    assert explain(error).message.startswith("The disk is full (/runs/x)")


def test_an_unforeseen_error_keeps_its_type_and_first_line():
    failure = explain(ZeroDivisionError("division by zero\nand more"))

    assert (failure.message, failure.exit_status) == ("ZeroDivisionError: division by zero", 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_that_was_swallowed_is_raised_again(number: signal.Signals):
    with remembered_interruption() as interruption:
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            interruption.raise_if_asked_for()


def test_nothing_is_raised_without_an_interruption():
    with remembered_interruption() as interruption:
        interruption.raise_if_asked_for()


def test_signals_are_handled_as_before_afterwards():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with remembered_interruption():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_nothing_that_a_terminal_obeys_is_printed(capsys: pytest.CaptureFixture[str]):
    assert tell(ConfigurationError("There is no \x1b[31mred\u202e.\nTry again."), Console(width=80)) == MISUSED
    assert capsys.readouterr().out == "There is no \\x1b[31mred\\u202e.\nTry again.\n"
