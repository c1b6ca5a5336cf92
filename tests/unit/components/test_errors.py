import errno
import tempfile
from pathlib import Path

import pytest
import tensorflow as tf

from components.errors import as_os_error, causes, temporary_files_fault


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (tf.errors.ResourceExhaustedError(None, None, "/d/file; No space left on device"), errno.ENOSPC),
        (tf.errors.PermissionDeniedError(None, None, "/d/file; Permission denied"), errno.EACCES),
        (tf.errors.FailedPreconditionError(None, None, "{{node X}} /d/file; Is a directory [Op:X] name: "), errno.EISDIR),
    ],
)
def test_tensorflow_errors_about_files_are_those_of_python(error: tf.errors.OpError, number: int) -> None:
    os_error = as_os_error(error)
    assert os_error is not None
    assert os_error.errno == number
    assert os_error.filename == "/d/file"


def test_permission_denied_is_the_error_that_python_has_for_it() -> None:
    assert isinstance(as_os_error(tf.errors.PermissionDeniedError(None, None, "/d")), PermissionError)


def test_other_errors_are_none() -> None:
    assert as_os_error(ValueError("no file")) is None
    assert as_os_error(tf.errors.InvalidArgumentError(None, None, "not an image")) is None


def test_memory_that_is_used_up_is_no_full_disk() -> None:
    assert as_os_error(tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[8,512]")) is None


def test_errors_that_were_raised_in_a_circle_are_listed_once() -> None:
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first
    assert list(causes(first)) == [first, second]


def test_the_error_with_the_number_is_found_behind_the_one_that_lost_it() -> None:
    """As tensorflow-datasets raises it, to add context."""
    full = OSError(errno.ENOSPC, "No space left on device")
    try:
        raise OSError("Failed to finalize writing: No space left on device") from full
    except OSError as wrapped:
        assert next(found for cause in causes(wrapped) if (found := as_os_error(cause)) is not None) is full


def test_temporary_files_can_be_written_here() -> None:
    assert temporary_files_fault() == ""


def test_a_directory_for_temporary_files_that_does_not_exist_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert temporary_files_fault() == (
        f"Temporary files cannot be written to {tmp_path}/gone (No such file or directory): make room there, or name another"
        " directory with the environment variable TMPDIR."
    )


def test_a_full_directory_for_temporary_files_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda: full)
        assert "(No space left on device)" in temporary_files_fault()
