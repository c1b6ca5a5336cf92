"""Measures the time of the check before pushing, and of a first request with and without warm-up.

    python benchmarks/warm_up.py SAVED_MODEL [--repetitions 5]

SAVED_MODEL is a version in a serving directory. Each figure is the best of five new processes, in CPU time, which does not
depend on other work on the machine; on an idle machine it is close to the waiting time. A request is one of the warm-up
requests, about four images; the warm-up answers each of them once. Two ways to load a model are measured: TensorFlow's own in
Python, which `tfx-vae serve` uses, and a graph in a session, which TensorFlow Serving and the check use.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
ASKED = ("serving_default", "reconstruct", "generate")


def main() -> None:
    """Prints a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--one", choices=("python", "session"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure_requests(arguments.one, arguments.model)))
        return
    print_check(arguments.model, arguments.repetitions)
    for loader in ("python", "session"):
        command = [sys.executable, __file__, str(arguments.model), "--one", loader]
        measured = [json.loads(_output(command).splitlines()[-1]) for _ in range(arguments.repetitions)]
        print(f"{loader}:")
        for name in measured[0]:
            print(f"  {name:<44} {1000 * min(found[name] for found in measured):8.1f} CPU ms")


def print_check(model: Path, repetitions: int) -> None:
    """Runs the check in the same way as the pipeline."""
    sys.path.insert(0, str(PROJECT))
    from components.infra_validator.config import InfraValidatorConfig
    from components.infra_validator.fresh_process import check

    found = []
    for _ in range(repetitions):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        outcome = check(model, InfraValidatorConfig())
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if outcome.refusal:
            sys.exit(f"{model} fails the check: {outcome.refusal}.")
        found.append((outcome.seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, outcome.memory_gb))
    wall, cpu, memory = (min(values) for values in zip(*found, strict=True))
    print(f"check: {wall:.1f} s, {cpu:.1f} CPU s, {memory:.2f} GB of memory")


def measure_requests(loader: str, directory: Path) -> dict[str, float]:
    """CPU seconds of each step in this process.

    Args:
      loader: `python` or `session`.
      directory: The SavedModel.
    """
    sys.path.insert(0, str(PROJECT))
    from components.artifacts.warmup import read_warmup_requests

    requests = read_warmup_requests(str(directory))
    by_name = {request.signature: request for request in requests}
    ask, loading = _load(loader, directory)
    seconds = {"load": loading}
    cold = {name: _timed(partial(ask, by_name[name])) for name in ASKED}
    # Another copy of the model, without warm-up like the first one.
    ask, _ = _load(loader, directory)
    seconds["warm up"] = _timed(lambda: [ask(request) for request in requests])
    for name in ASKED:
        seconds[f"{name}, first without warm-up"] = cold[name]
        seconds[f"{name}, first after warm-up"] = _timed(partial(ask, by_name[name]))
        seconds[f"{name}, later"] = min(_timed(partial(ask, by_name[name])) for _ in range(20))
    return seconds


def _load(loader: str, directory: Path) -> tuple[Callable[[Any], object], float]:
    from components.artifacts.loaded_model import LoadedModel
    from components.infra_validator.replay import ServingSession

    started = time.process_time()
    if loader == "python":
        model = LoadedModel(directory)
        return lambda request: model.call(request.signature, **request.inputs), time.process_time() - started
    session = ServingSession(directory)
    return lambda request: session.call(request.signature, request.inputs), time.process_time() - started


def _timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _output(command: list[str]) -> str:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        command, check=True, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ).stdout


if __name__ == "__main__":
    main()
