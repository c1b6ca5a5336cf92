"""The stock Evaluator, called as TFX calls it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.evaluating import evaluate as evaluate_into

from components.artifacts.evaluation import Evaluation


@pytest.fixture(scope="session")
def evaluate(digits: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Evaluation]:
    """`support.evaluating.evaluate` on the digits, or other `examples`, into a new directory, or `into` another."""

    def run(
        settings: dict[str, Any],
        candidate: Any,
        baseline: Any = None,
        examples: Path = digits.directory,
        into: Path | None = None,
        **more: str,
    ) -> Evaluation:
        return evaluate_into(into or tmp_path_factory.mktemp("evaluate"), settings, examples, candidate, baseline, **more)

    return run
