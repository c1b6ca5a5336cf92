"""Measures the default run of a new user: seconds for each component, and the metrics of the model.

    python benchmarks/default_run.py [--model vae --model ae] [--set trainer.epochs=3]

Runs `tfx-vae run` in a new directory, including the preparation of the dataset, and prints the numbers in docs/first-run.md.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

REPOSITORY: Final = Path(__file__).resolve().parent.parent


class Run(NamedTuple):
    """Times and metrics of one run.

    Attributes:
      seconds: Wall time by component; `in all` includes the start of TFX.
      metrics: Metrics over the test split, by name.
      cpu_seconds: CPU time of the whole process.
    """

    seconds: dict[str, float]
    metrics: dict[str, float]
    cpu_seconds: float


def main() -> None:
    """Runs each model once and prints two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", action="append", choices=["vae", "ae"], help="a model; the default is both")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="SECTION.KEY=VALUE")
    arguments = parser.parse_args()
    runs = {}
    for model in arguments.model or ["vae", "ae"]:
        with tempfile.TemporaryDirectory() as root:
            runs[model] = run(REPOSITORY / "pipelines" / "configs" / f"mnist_{model}.yaml", Path(root), arguments.settings)
    print(f"{date.today()}, {os.cpu_count()} cores, {machine()}, Python {platform.python_version()}\n")
    print_table("component, seconds", {model: found.seconds for model, found in runs.items()}, "{:.0f}")
    print_table("test split", {model: found.metrics for model, found in runs.items()}, "{:.2f}")
    print(", ".join(f"{model}: {found.cpu_seconds:.0f} CPU s" for model, found in runs.items()))


def run(config: Path, root: Path, settings: list[str]) -> Run:
    """Runs a configuration; it writes only below `root`."""
    command = [str(Path(sys.executable).parent / "tfx-vae"), "run", "--config", str(config)]
    overrides = [part for setting in (f"runtime.root={root}", *settings) for part in ("--set", setting)]
    started, before = time.monotonic(), os.times()
    done = subprocess.run([*command, *overrides], cwd=REPOSITORY, capture_output=True, text=True)
    elapsed, after = time.monotonic() - started, os.times()
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    components = re.findall(r"^✓ (\w+) +ran +([\d.]+) s$", done.stdout, re.MULTILINE)
    metrics = re.findall(r"^ ([\w/]+) +(?:[^\W\d]\S*)? +(-?[\d.]+) ", done.stdout, re.MULTILINE)
    return Run(
        {**{name: float(value) for name, value in components}, "in all": elapsed},
        {name: float(value) for name, value in metrics},
        after.children_user + after.children_system - before.children_user - before.children_system,
    )


def machine() -> str:
    """Linux's name of the processor."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def print_table(title: str, columns: dict[str, dict[str, float]], style: str) -> None:
    """Prints a Markdown table with a column for each model."""
    print(f"| {title} | {' | '.join(columns)} |\n| --- |{' ---: |' * len(columns)}")
    for name in next(iter(columns.values())):
        # An autoencoder has no importance-weighted bound.
        cells = (style.format(column[name]) if name in column else "" for column in columns.values())
        print(f"| {name} | {' | '.join(cells)} |")
    print()


if __name__ == "__main__":
    main()
