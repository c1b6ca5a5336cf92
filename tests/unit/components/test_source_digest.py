import shutil
import sys
from collections.abc import Iterator
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
from support.entry_points import ENTRY_POINTS

from components.source_digest import reached_files, source_digest

PROJECT = Path(__file__).parents[3]
PACKAGES = ("components", "pipelines", "tfx_vae")
STARTED_BY_NAME = {
    "InfraValidator": ("components.infra_validator.replay_process",),
    "Trainer": ("components.trainer.worker",),
    "Tuner": ("components.trainer.worker",),
}
DATA = {"ModelReport": {"components/report/templates/page.css", "components/report/templates/page.html"}}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of our packages, to edit."""
    root = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def expected_files(component: str, tree: Path) -> set[str]:
    """What Python's own modulefinder, which reads bytecode, reaches below `tree`; strings and data files by hand."""
    finder = ModuleFinder(path=[str(tree)])
    for name in (*ENTRY_POINTS[component], *STARTED_BY_NAME.get(component, ())):
        finder.import_hook(name.removesuffix(".run_fn").removesuffix(".tuner_fn").removesuffix(".preprocessing_fn"))
    sources = (getattr(module, "__file__", None) for module in finder.modules.values())
    return {Path(source).relative_to(tree).as_posix() for source in sources if source} | DATA.get(component, set())


def edit(*paths: Path) -> None:
    for path in paths:
        path.write_bytes(path.read_bytes() + b"\nEDITED = True\n")


@pytest.mark.parametrize("component", ENTRY_POINTS)
def test_the_key_changes_with_each_file_that_the_executor_reaches_and_with_no_other(component: str, tree: Path) -> None:
    names, reached = ENTRY_POINTS[component], expected_files(component, tree)
    before = {path: path.read_bytes() for path in tree.rglob("*.*") if path.is_file()}
    digest = source_digest(*names, root=tree)

    stale = []
    for file in sorted(reached):
        edit(tree / file)
        if source_digest(*names, root=tree) == digest:
            stale.append(file)
        (tree / file).write_bytes(before[tree / file])
    assert stale == []

    others = [path for path in before if path.relative_to(tree).as_posix() not in reached]
    edit(*others)
    after = source_digest(*names, root=tree)
    for path in others:
        path.write_bytes(before[path])
    assert after == digest
    assert others


@pytest.mark.parametrize(
    ("component", "file"),
    [
        ("Evaluator", "components/artifacts/feature_classifier.py"),
        ("FeatureClassifier", "components/artifacts/images.py"),
        ("FeatureClassifier", "components/models/networks.py"),
        ("InfraValidator", "components/infra_validator/replay.py"),
        ("ModelReport", "components/artifacts/evaluation.py"),
        ("ModelReport", "components/report/templates/page.css"),
        ("TfdsExampleGen", "components/artifacts/features.py"),
        ("Trainer", "components/models/autoencoder.py"),
    ],
)
def test_reaches_the_code_that_decides_the_result(component: str, file: str) -> None:
    assert file in reached_files(*ENTRY_POINTS[component])


@pytest.mark.parametrize("component", ENTRY_POINTS)
def test_an_edit_of_a_tool_or_of_another_component_does_not_change_the_key(component: str) -> None:
    needless = {
        "ModelReport": ("components/trainer/", "components/evaluator/"),
        "Trainer": ("components/report/", "components/evaluator/", "components/artifacts/metrics.py"),
    }.get(component, ("components/report/",))
    reached = reached_files(*ENTRY_POINTS[component])
    assert [file for file in reached if file.startswith(("pipelines/", "tfx_vae/", *needless))] == []


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `sample` that fails when it is imported."""
    folder = tmp_path / "place" / "sample"
    (folder / "inner" / "texts").mkdir(parents=True)
    (folder / "other").mkdir()
    for name in ("__init__.py", "work.py", "tool.py", "inner/__init__.py", "inner/deep.py", "other/__init__.py"):
        (folder / name).write_text("raise RuntimeError('imported')\ndef run(): ...\n")
    (folder / "inner" / "texts" / "page.html").write_text("<p>")
    (folder / "other" / "page.html").write_text("<p>")
    monkeypatch.syspath_prepend(str(folder.parent))
    yield folder
    assert "sample" not in sys.modules


def reached_from(package: Path, code: str) -> set[str]:
    """What `sample.work` reaches beyond itself and the package around it, by names relative to that package."""
    (package / "work.py").write_text(code)
    return {name.removeprefix("sample/") for name in reached_files("sample.work")} - {"__init__.py", "work.py"}


INNER = {"inner/__init__.py", "inner/texts/page.html"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import sample.tool", {"tool.py"}),
        ("import sample.inner.deep as deep", {*INNER, "inner/deep.py"}),
        ("from sample.inner import deep", {*INNER, "inner/deep.py"}),
        ("from sample.inner.deep import value", {*INNER, "inner/deep.py"}),
        ("from sample.inner import value", INNER),
        ("from . import tool", {"tool.py"}),
        ("from .inner import deep", {*INNER, "inner/deep.py"}),
        ("from .inner.deep import value", {*INNER, "inner/deep.py"}),
        ("def run():\n    try:\n        from sample import tool\n    except ImportError:\n        pass\n", {"tool.py"}),
        ("NAME = 'sample.tool'", {"tool.py"}),
        ("LOGGER = getLogger('components.tool')", set()),
        ("run(['-m', 'sample.tool'])", {"tool.py"}),
        ("run(function='sample.inner.deep.run')", {*INNER, "inner/deep.py"}),
        ("run(function='sample.inner.deep.walk')", set()),
        ("import os, sampler.tool", set()),
        ("'''sample.tool'''\n\ndef run():\n    '''sample.tool'''\n\nX = 1\n'''sample.tool'''\n", set()),
        ("raise ValueError('run sample.tool first')  # sample.tool", set()),
    ],
)
def test_follows_imports_and_names(package: Path, code: str, expected: set[str]) -> None:
    assert reached_from(package, code) == expected


def test_follows_what_is_reached_in_its_turn(package: Path) -> None:
    (package / "tool.py").write_text("from sample import work\nfrom sample.inner import deep\n")
    (package / "inner" / "deep.py").write_text("from .. import other\nfrom ..tool import value\n")
    assert reached_from(package, "import sample.tool") == {
        *INNER, "tool.py", "inner/deep.py", "other/__init__.py", "other/page.html"
    }  # fmt: skip


def test_follows_imports_from_another_package_into_ours(package: Path) -> None:
    (package / "work.py").write_text("from components.artifacts.features import LABEL\n")
    files = {"components/__init__.py", "components/artifacts/__init__.py", "components/artifacts/features.py"}
    assert files == {name for name in reached_files("sample.work") if not name.startswith("sample/")}


@pytest.mark.parametrize(
    "name", ["inner/__pycache__/deep.cpython-311.pyc", "inner/.deep.py.swp", "inner/deep.pyi", "notes/a.py"]
)
def test_ignores_files_that_do_not_run(package: Path, name: str) -> None:
    before = source_digest("sample.inner.deep")
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_text("")
    assert source_digest("sample.inner.deep") == before


def test_changes_when_a_file_is_edited_added_renamed_or_removed(package: Path) -> None:
    (package / "work.py").write_text("from sample import inner, more, most\n")
    seen = [source_digest("sample.work")]
    (package / "inner" / "texts" / "page.html").write_text("<h1>")
    seen.append(source_digest("sample.work"))
    (package / "more.py").write_text("")
    seen.append(source_digest("sample.work"))
    (package / "more.py").rename(package / "most.py")
    seen.append(source_digest("sample.work"))
    (package / "inner" / "texts" / "page.html").unlink()
    seen.append(source_digest("sample.work"))
    assert len(set(seen)) == len(seen)


def test_does_not_depend_on_where_the_package_is_installed(package: Path, tmp_path: Path) -> None:
    shutil.copytree(package, tmp_path / "elsewhere" / "sample")
    assert source_digest("sample.work") == source_digest("sample.work", root=tmp_path / "elsewhere")


def test_does_not_depend_on_the_order_or_repetition_of_names(package: Path) -> None:
    (package / "work.py").write_text("def run(): ...\n")
    assert source_digest("sample.work.run", "components.settings") == source_digest(
        "components.settings", "sample.work", "sample.work"
    )


@pytest.mark.parametrize(
    "name",
    [
        "components.no_such_module",
        "components.trainer.run.no_such_fn",
        "sys",
        "no_such_package",
    ],
)
def test_refuses_a_name_without_python_source(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=name):
        source_digest(name)
