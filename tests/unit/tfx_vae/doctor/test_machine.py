"""Python, operating system, memory, disk."""

import tomllib
from pathlib import Path

import pytest

from tfx_vae.doctor import machine as checks
from tfx_vae.doctor.check import Status
from tfx_vae.doctor.machine import (
    SUPPORTED_PYTHONS,
    check_devices,
    check_disk,
    check_glibc,
    check_memory,
    check_platform,
    check_python,
    check_writable,
)

PROJECT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("3.10.14", Status.FAILURE),
        ("3.11.0", Status.OK),
        ("3.13.5", Status.OK),
        ("3.14.0", Status.FAILURE),
        ("3.14.0rc1", Status.FAILURE),
    ],
)
def test_python_3_11_to_3_13_will_do(version: str, status: Status) -> None:
    check = check_python(version)
    assert check.status is status
    assert version in check.found
    assert bool(check.remedy) is (status is Status.FAILURE)


def test_the_supported_pythons_are_those_of_the_distribution() -> None:
    assert tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"] == SUPPORTED_PYTHONS


def test_only_linux_on_x86_64_will_do() -> None:
    assert check_platform("Linux", "x86_64").status is Status.OK
    for system, machine in (("Linux", "aarch64"), ("Darwin", "x86_64")):
        check = check_platform(system, machine)
        assert check.status is Status.FAILURE
        assert check.remedy


@pytest.mark.parametrize(
    ("libc", "python", "status"),
    [
        (("glibc", "2.36"), (3, 11), Status.OK),
        (("glibc", "2.36"), (3, 12), Status.FAILURE),
        (("glibc", "2.37"), (3, 13), Status.FAILURE),
        (("glibc", "2.38"), (3, 13), Status.OK),
        (("glibc", "2.4"), (3, 13), Status.FAILURE),
        (("", ""), (3, 11), Status.FAILURE),
    ],
)
def test_glibc_must_be_2_38_from_python_3_12_on(libc: tuple[str, str], python: tuple[int, int], status: Status) -> None:
    check = check_glibc(libc, python)
    assert check.status is status
    assert bool(check.remedy) is (status is Status.FAILURE)


def test_the_complaint_about_glibc_names_what_is_there_what_is_needed_and_the_way_out() -> None:
    check = check_glibc(("glibc", "2.36"), (3, 13))
    assert "2.36" in check.found
    assert "2.38" in check.found
    assert "3.11" in check.remedy


def test_too_little_memory_is_a_failure_in_gigabytes() -> None:
    assert check_memory(free=5e9, needed=4e9).status is Status.OK
    check = check_memory(free=1.5e9, needed=4e9)
    assert (check.status, check.found) == (Status.FAILURE, "1.5 GB free, but a run needs 4.0 GB")
    assert check.remedy


def test_too_little_disk_is_a_failure_that_names_the_directory(tmp_path: Path) -> None:
    runs = tmp_path / "not" / "made" / "yet"
    assert check_disk(runs, needed=1).status is Status.OK
    check = check_disk(runs, needed=1e18)
    assert check.status is Status.FAILURE
    assert "1000000000.0 GB" in check.found
    assert str(runs) in check.remedy


def test_a_directory_that_does_not_exist_yet_is_writable_if_it_can_be_made(tmp_path: Path) -> None:
    assert check_writable(tmp_path / "runs" / "deep").status is Status.OK
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_where_the_directory_should_be_is_a_failure(tmp_path: Path, below: str) -> None:
    (tmp_path / "runs").write_text("in the way")
    check = check_writable(tmp_path / "runs" / below)
    assert check.status is Status.FAILURE
    assert "Not a directory" in check.found
    assert check.remedy


def test_tensorflow_is_asked_for_gpus_only_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "nvidiactl").touch()
    assert "no NVIDIA GPU" in check_devices(tmp_path).found

    for number in range(2):
        (tmp_path / f"nvidia{number}").touch()
    check = check_devices(tmp_path, lambda: 2)
    assert (check.status, check.found) == (Status.OK, "the processor and NVIDIA GPUs: 2")
    check = check_devices(tmp_path, lambda: 0)
    assert (check.status, check.found) == (Status.WARNING, "TensorFlow sees 0 of 2 NVIDIA GPUs")
    assert "make setup GPU=1" in check.remedy


def test_tensorflow_answers_how_many_gpus_it_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_COUNT_GPUS", "print(3)")
    assert checks._gpus_of_tensorflow() == 3
    monkeypatch.setattr(checks, "_COUNT_GPUS", "import no_such_package")
    assert checks._gpus_of_tensorflow() == 0
