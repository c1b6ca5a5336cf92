"""Measures the commands that read ML Metadata on a database of many runs.

    python benchmarks/metadata.py [--runs 1000] [--directory /dev/shm/metadata]

ML Metadata's own client writes the database, run by run, with files like those of the pipeline (every evaluation has ten
labels); every fourth run uses the cache. Each command then runs five times, each time in a new process. The shortest time
counts, because other work on the machine only adds time.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "tests"))
COMMAND = Path(sys.executable).with_name("tfx-vae")
REPETITIONS = 5


def main() -> None:
    """Makes the database if it does not exist, and prints a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--directory", type=Path, help="directory of the database; it is made if it does not exist")
    arguments = parser.parse_args()
    directory = arguments.directory or Path(tempfile.mkdtemp(prefix="metadata-"))
    if not (directory / "metadata.sqlite").exists():
        write_history(directory, arguments.runs)
    url = f"sqlite:///{directory / 'metadata.sqlite'}"
    for words in (
        ["runs"],
        ["runs", "--json"],
        ["runs", "--last", "20"],
        ["show", "latest"],
        ["artifacts", "--type", "Model"],
        ["artifacts"],
        ["lineage", "7"],
        ["diff", "latest", "2026-01-01T00-00-01.000000"],
        ["gc", "--dry-run"],
    ):
        wall, cpu, lines = measure([*words, "--metadata", url])
        print(f"{' '.join(words):<40} {wall:6.2f} s, {cpu:6.2f} CPU s, {lines:6} lines")


def write_history(directory: Path, runs: int) -> None:
    """Writes the runs."""
    from support.history import History

    started = time.perf_counter()
    history = History(directory)
    last: Any = None
    for number in range(runs):
        cached = last if number % 4 == 3 else None
        last = history.run(elbo=100 - number / runs, blessed=number % 3 == 0, cached_from=cached)
        if cached:
            last = cached
    print(f"{runs} runs written in {time.perf_counter() - started:.0f} s to {directory}")


def measure(words: list[str]) -> tuple[float, float, int]:
    """Wall and CPU seconds of the fastest of several calls, and the number of printed lines."""
    times, lines = [], 0
    for _ in range(REPETITIONS):
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        printed = subprocess.run([COMMAND, *words], capture_output=True, check=True, env=os.environ, cwd=PROJECT).stdout
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        times.append((wall, cpu))
        lines = printed.count(b"\n")
    return min(wall for wall, _ in times), min(cpu for _, cpu in times), lines


if __name__ == "__main__":
    main()
