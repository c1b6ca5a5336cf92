import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.source_digest import source_digest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `sample` with a module, a subpackage and a file that is not Python."""
    folder = tmp_path / "place" / "sample"
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "work.py").write_text("raise RuntimeError('imported')\n")
    (folder / "inner" / "__init__.py").write_text("DEPTH = 1\n")
    (folder / "notes.txt").write_text("not code")
    monkeypatch.syspath_prepend(str(folder.parent))
    yield folder
    sys.modules.pop("sample", None)


def test_is_the_sha256_of_names_lengths_and_contents_in_order(package: Path) -> None:
    expected = hashlib.sha256(
        b"sample/__init__.py 0\n"
        b"sample/inner/__init__.py 10\nDEPTH = 1\n"
        b"sample/work.py 31\nraise RuntimeError('imported')\n"
    )  # fmt: skip
    assert source_digest("sample") == expected.hexdigest()


def test_changes_when_a_file_is_edited_added_renamed_or_removed(package: Path) -> None:
    seen = [source_digest("sample")]
    (package / "inner" / "__init__.py").write_text("DEPTH = 2\n")
    seen.append(source_digest("sample"))
    (package / "inner" / "more.py").write_text("")
    seen.append(source_digest("sample"))
    (package / "inner" / "more.py").rename(package / "inner" / "most.py")
    seen.append(source_digest("sample"))
    (package / "work.py").unlink()
    seen.append(source_digest("sample"))
    assert len(set(seen)) == len(seen)


def test_ignores_files_that_are_not_python(package: Path) -> None:
    before = source_digest("sample")
    (package / "notes.txt").write_text("changed")
    assert source_digest("sample") == before


def test_does_not_depend_on_where_the_package_is_installed(package: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(package, elsewhere / "sample")
    code = "from components.source_digest import source_digest; print(source_digest('sample'))"
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for folder in (package.parent, elsewhere)
    }
    assert digests == {source_digest("sample") + "\n"}


def test_does_not_depend_on_the_order_or_repetition_of_names(package: Path) -> None:
    assert source_digest("sample.inner", "components.artifacts.features") == source_digest(
        "components.artifacts.features", "sample.inner", "sample.inner"
    )


def test_of_a_module_reads_that_module_alone(package: Path) -> None:
    before = source_digest("sample.work")
    (package / "inner" / "__init__.py").write_text("DEPTH = 3\n")
    assert source_digest("sample.work") == before
    (package / "work.py").write_text("DONE = True\n")
    assert source_digest("sample.work") != before


@pytest.mark.parametrize("name", ["components.no_such_module", "sys", "no_such_package"])
def test_refuses_a_name_without_python_source(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=name):
        source_digest(name)
