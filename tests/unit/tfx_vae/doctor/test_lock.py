"""Which versions a lock asks for, on a small one worked out by hand and on the project's own."""

from pathlib import Path

import pytest

from tfx_vae.doctor.lock import locked_versions, read_lock

PROJECT = Path(__file__).parents[4]

LOCK = """
version = 1

[[package]]
name = "project"
version = "0.1.0"
source = { editable = "." }
dependencies = [
    { name = "beam", extra = ["cloud"] },
    { name = "store", version = "1.0", marker = "python_full_version < '3.12'" },
    { name = "store", version = "2.0", marker = "python_full_version >= '3.12'" },
]

[package.optional-dependencies]
dev = [{ name = "checker" }]

[[package]]
name = "beam"
version = "5.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "shared" }]

[package.optional-dependencies]
cloud = [{ name = "bucket" }]
unasked = [{ name = "checker" }]

[[package]]
name = "bucket"
version = "6.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "beam" }, { name = "elsewhere", marker = "sys_platform == 'win32'" }]

[[package]]
name = "store"
version = "1.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "shared" }]

[[package]]
name = "store"
version = "2.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "shared"
version = "7.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "checker"
version = "8.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "elsewhere"
version = "9.0"
source = { registry = "https://pypi.org/simple" }
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "uv.lock"
    path.write_text(LOCK)
    return path


@pytest.mark.parametrize(("python", "store"), [("3.11.7", "1.0"), ("3.13.0", "2.0")])
def test_of_two_versions_the_one_for_this_python_counts(lock: Path, python: str, store: str) -> None:
    assert locked_versions(read_lock(lock), {"python_full_version": python})["store"] == store


def test_extras_that_were_asked_for_count_and_others_do_not(lock: Path) -> None:
    versions = locked_versions(read_lock(lock), {"python_full_version": "3.13.0", "sys_platform": "linux"})
    assert versions == {"beam": "5.0", "bucket": "6.0", "store": "2.0", "shared": "7.0"}


def test_the_projects_own_lock_gives_the_older_wheels_on_python_3_11_only() -> None:
    lock = read_lock(PROJECT / "uv.lock")
    old = locked_versions(lock, {"python_full_version": "3.11.7", "python_version": "3.11"})
    new = locked_versions(lock, {"python_full_version": "3.13.1", "python_version": "3.13"})
    assert (old["ml-metadata"], old["tensorflow-data-validation"]) == ("1.17.1", "1.16.1")
    assert (new["ml-metadata"], new["tensorflow-data-validation"]) == ("1.21.0", "1.21.0")
    assert old["tfx"] == new["tfx"] == "1.21.0"
    assert "pytest" not in old


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("<<<<<<< HEAD\n", "Invalid"),
        ("version = 1\n", "holds no project"),
        (LOCK[: LOCK.index('[[package]]\nname = "shared"')], "shared"),
    ],
    ids=["a merge conflict", "empty", "cut short"],
)
def test_a_damaged_lock_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "uv.lock"
    path.write_text(content)
    with pytest.raises(ValueError, match=complaint):
        locked_versions(read_lock(path), {"python_full_version": "3.11.7"})
