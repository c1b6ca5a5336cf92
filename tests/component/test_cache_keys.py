"""The cache key of each of our components holds a digest of the code that TFX runs for it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.entry_points import ENTRY_POINTS
from tfx.dsl.compiler.compiler import Compiler

from components.source_digest import reached_files, source_digest
from pipelines.config import load_config
from pipelines.pipeline import create_pipeline

PROJECT = Path(__file__).parents[2]
LOADED_BY_EACH = """
import importlib, json, sys

def ours():
    return {name for name in sys.modules if name.partition(".")[0] in ("components", "pipelines", "tfx_vae")}

loaded = {}
for component, names in json.loads(sys.argv[1]).items():
    for name in ours():
        del sys.modules[name]
    for name in names:
        importlib.import_module(name)
    loaded[component] = sorted(sys.modules[name].__file__ for name in ours())
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """Class of the executor and parameters, as text, by component."""
    settings = [
        f"runtime.root={tmp_path_factory.mktemp('root')}",
        "evaluator.frechet_distance.enabled=true",
        "tuner.enabled=true",
    ]
    folder = [f"data.images={tmp_path_factory.mktemp('images')}", "data.dataset=null", "data.schema_path=null"]
    found = {}
    records = ["data.examples=/records/*", "data.dataset=null", "data.schema_path=null"]
    for given in (settings, [*settings, *folder], [*settings, *records]):
        pipeline = create_pipeline(load_config(PROJECT / "pipelines" / "configs" / "smoke.yaml", given, PROJECT))
        nodes = (node.pipeline_node for node in Compiler().compile(pipeline).nodes)
        parameters = {node.node_info.id: str(node.parameters) for node in nodes}
        for component in pipeline.components:
            found[component.id] = getattr(component.executor_spec, "class_path", ""), parameters[component.id]
    return found


def test_every_component_that_runs_our_code_is_known(given: dict[str, tuple[str, str]]) -> None:
    for component, (executor, parameters) in given.items():
        named = set(re.findall(r"(?<![\w.])components(?:\.\w+)+", f"{executor.removesuffix('.Executor')} {parameters}"))
        assert named == set(ENTRY_POINTS.get(component, ())), component
    assert given.keys() >= ENTRY_POINTS.keys()


@pytest.mark.parametrize(
    "component", sorted(ENTRY_POINTS.keys() - {"TfdsExampleGen", "ImageExampleGen", "ImportExampleGen"})
)  # whose drivers add it
def test_the_key_holds_the_digest(component: str, given: dict[str, tuple[str, str]]) -> None:
    assert source_digest(*ENTRY_POINTS[component]) in given[component][1]


def test_the_digest_covers_every_module_that_python_loads_for_a_component() -> None:
    modules = {
        component: sorted({re.sub(r"\.(run_fn|tuner_fn|preprocessing_fn)$", "", name) for name in names})
        for component, names in ENTRY_POINTS.items()
    }
    command = [sys.executable, "-c", LOADED_BY_EACH, json.dumps(modules)]
    output = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True).stdout
    for component, files in json.loads(output.splitlines()[-1]).items():
        loaded = {Path(file).relative_to(PROJECT).as_posix() for file in files}
        assert len(loaded) > 2
        assert loaded - reached_files(*ENTRY_POINTS[component]).keys() == set(), component
