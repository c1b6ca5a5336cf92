import ast
import sys
from pathlib import Path

import components.models

ALLOWED = {"components", "keras", "numpy", "pydantic", "tensorflow"}


def imported(source: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{source}: relative import"
            names.add(node.module)
    return names


def test_the_models_need_no_more_than_tensorflow_keras_and_numpy():
    sources = list(Path(components.models.__file__).parent.glob("*.py"))
    assert len(sources) > 10
    for source in sources:
        for name in imported(source):
            assert name.split(".")[0] in ALLOWED | sys.stdlib_module_names, f"{source.name} imports {name}"
            if name.startswith("components."):
                assert name.startswith(("components.models", "components.settings")), f"{source.name} imports {name}"
