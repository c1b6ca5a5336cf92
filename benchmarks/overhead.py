"""Compares what a run costs with the chain of stock TFX components that a user would write, component by component.

    python benchmarks/overhead.py [--epochs 2] [--images 55000] [--set model.decoder_network=dense]

Both read the digits that tensorflow-datasets prepared before. Each runs twice: the second run finds everything in the cache.
CPU seconds are user and system, child processes included; peaks are of the largest process.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from default_run import REPOSITORY, machine

PEERS: Final = Path(__file__).resolve().parent / "peers"
NODES: Final = [str(PEERS / "node_costs.py")]
CONFIG: Final = REPOSITORY / "pipelines" / "configs" / "mnist_vae.yaml"
PREPARE: Final = """
import sys
from functools import partial
from pathlib import Path
from pipelines.config import load_config
from pipelines.local import session
overrides = tuple(sys.argv[2:])
sys.exit(session.run(load_config(Path(sys.argv[1]), overrides), partial(session.run_through_tfx, until="TfdsExampleGen")))
"""
SAME: Final = {"TfdsExampleGen": "ImportExampleGen", "ImportSchemaGen": "SchemaGen"}
"""Ours and the stock component with the same task; the other names are equal."""


class Cost(NamedTuple):
    """Seconds and MiB."""

    cpu: float
    wall: float
    peak: float


class Run(NamedTuple):
    """A run as a whole, and its nodes by name, in their order."""

    whole: Cost
    nodes: dict[str, Cost]


def main() -> None:
    """Runs both, and prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--images", type=int, default=55_000, help="training images")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="SECTION.KEY=VALUE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        splits = json.dumps({"train": f"train[:{arguments.images}]", "eval": "train[55000:]", "test": "test"})
        settings = [f"data.data_dir={work}/datasets", f"data.splits={splits}", f"trainer.epochs={arguments.epochs}"]
        settings += ["runtime.parallel_nodes=1"]  # what runs at the same time would be counted twice
        settings += ["evaluator.thresholds={negative_elbo: {upper: 300}}", *arguments.settings]
        prepare(work / "prepared", settings)
        examples = next((work / "prepared" / "pipelines").glob("*/TfdsExampleGen/examples/*"))
        stock = [str(PEERS / "stock_chain.py"), str(examples), str(work / "stock"), str(arguments.epochs)]
        ours = ["run", "--config", str(CONFIG), *overridden([f"runtime.root={work}/ours", *settings])]
        costs = {name: work / f"{name}.costs" for name in ("stock", "ours")}
        stock_chain = [*stock, str(costs["stock"])]
        first = measured(stock_chain, costs["stock"]), measured([*NODES, str(costs["ours"]), *ours], costs["ours"])
        # What measures the nodes imports TFX, which a run that is cached does not.
        cached = measured(stock_chain, costs["stock"]), measured([str(Path(sys.executable).parent / "tfx-vae"), *ours])
    print(f"{date.today()}, {os.cpu_count()} cores, {machine()}, Python {platform.python_version()}\n")
    print_comparison(*first, *cached)


def overridden(settings: list[str]) -> list[str]:
    """The settings as options of `tfx-vae`."""
    return [part for setting in settings for part in ("--set", setting)]


def prepare(root: Path, settings: list[str]) -> None:
    """Prepares the dataset, and writes its examples for the stock chain."""
    command = [sys.executable, "-c", PREPARE, str(CONFIG), f"runtime.root={root}", *settings]
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)


def measured(command: list[str], costs: Path | None = None) -> Run:
    """Runs a script; the nodes of one of `peers/` append what they cost to the file `costs`."""
    wall, before = time.monotonic(), os.times()
    done = subprocess.run([sys.executable, *command], cwd=REPOSITORY, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stdout[-5000:] + done.stderr[-5000:])
    wall, after = time.monotonic() - wall, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    nodes = {}
    for line in costs.read_text().splitlines() if costs else ():
        found = json.loads(line)
        nodes[found["node"]] = Cost(found["cpu"], found["wall"], found["peak"])
    return Run(Cost(cpu, wall, max((cost.peak for cost in nodes.values()), default=0.0)), nodes)


def print_comparison(stock: Run, ours: Run, stock_cached: Run, ours_cached: Run) -> None:
    """Prints a Markdown table: each component, the rest of the process, the whole, what both have, and the second runs."""
    print("| component | stock: CPU s | s | MiB | ours: CPU s | s | MiB |\n| --- |" + " ---: |" * 6)
    both = {name: SAME.get(name, name) for name in ours.nodes if SAME.get(name, name) in stock.nodes}
    for name, cost in ours.nodes.items():
        same = both.get(name)
        title = name if same in (None, name) else f"{same} / {name}"
        print(row(title, stock.nodes[same] if same else None, cost))
    print(row("imports, compilation, ML Metadata", *(rest(run) for run in (stock, ours))))
    print(row("**in all**", stock.whole, ours.whole))
    shared = [total([stock.nodes[name] for name in both.values()]), total([ours.nodes[name] for name in both])]
    print(row("components that both have", *shared))
    print(row("second run, all cached", stock_cached.whole, ours_cached.whole))
    print(f"\nCPU seconds, ours / stock: in all {ours.whole.cpu / stock.whole.cpu:.2f}, ", end="")
    print(f"components that both have {shared[1].cpu / shared[0].cpu:.2f}")


def rest(run: Run) -> Cost:
    """What a run costs outside its nodes."""
    nodes = total(list(run.nodes.values()))
    return Cost(run.whole.cpu - nodes.cpu, run.whole.wall - nodes.wall, 0.0)


def total(costs: list[Cost]) -> Cost:
    """The sum of the seconds, and the highest peak."""
    return Cost(sum(cost.cpu for cost in costs), sum(cost.wall for cost in costs), max(cost.peak for cost in costs))


def row(title: str, *costs: Cost | None) -> str:
    """A row of the table; a component that a chain does not have leaves its cells empty."""
    known = [cost for cost in costs if cost]
    cells = [
        text for cost in known for text in (f"{cost.cpu:.1f}", f"{cost.wall:.1f}", f"{cost.peak:.0f}" if cost.peak else "")
    ]
    return f"| {title} | " + " | ".join([*[""] * (6 - len(cells)), *cells]) + " |"


if __name__ == "__main__":
    main()
