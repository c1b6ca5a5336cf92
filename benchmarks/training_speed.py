"""Measures the training speed of this Trainer and of other implementations on the same networks, batches and digits.

    python benchmarks/training_speed.py [--threads 1] [--rounds 3] [--network dense] [--peers DIR]

Each round trains each implementation for one epoch of 22,000 digits, in turn, so that other work on the machine affects all.
The first round, which compiles everything, is reported separately. The default is one thread, because CPU seconds of waiting
threads would count as work. PyTorch and pythae are installed into a separate environment, in a cache directory, the first time.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from default_run import REPOSITORY, machine, print_table
from peers.contest import NETWORKS
from peers.environment import peers_python

PEERS: Final = Path(__file__).resolve().parent / "peers"
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))


class Contestant(NamedTuple):
    """An implementation.

    Attributes:
      command: A script in `peers/` and its options.
      has_own_environment: Whether it runs in the environment of the peers.
      precision: The precision of its matrix products.
    """

    command: tuple[str, ...]
    has_own_environment: bool = False
    precision: str = "float32"


PEAKS: Final = {
    "float32": Contestant(("matrix_products.py",)),
    "bfloat16": Contestant(("matrix_products.py", "--bfloat16"), precision="bfloat16"),
}
KERAS: Final = {
    "Keras fit": Contestant(("keras_fit.py",)),
    "Keras fit, XLA": Contestant(("keras_fit.py", "--jit-compile")),
    "Keras fit, bfloat16": Contestant(("keras_fit.py", "--bfloat16"), precision="bfloat16"),
}
TRAINER: Final = {
    "trainer, float32": Contestant(("trainer.py",)),
    "trainer, float32, from disk": Contestant(("trainer.py", "--from-disk")),
    "trainer, float32, XLA": Contestant(("trainer.py", "--jit-compile")),
    "trainer, bfloat16": Contestant(("trainer.py", "--bfloat16"), precision="bfloat16"),
    "trainer, bfloat16, from disk": Contestant(("trainer.py", "--bfloat16", "--from-disk"), precision="bfloat16"),
}
CONTESTANTS: Final = {
    "dense": {**KERAS, **TRAINER},
    "pythae": {"pythae": Contestant(("pythae_mlp.py",), True), **KERAS, **TRAINER},
    "pytorch": {
        "PyTorch example": Contestant(("pytorch_vae.py",), True),
        "PyTorch, one tensor": Contestant(("pytorch_vae.py", "--in-memory"), True),
        **KERAS,
        **TRAINER,
    },
}


class Cost(NamedTuple):
    """The time of an epoch in seconds, and its number of images or operations."""

    done: float
    wall: float
    cpu: float


def main() -> None:
    """Prints a table for each network."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--network", action="append", choices=CONTESTANTS, help="a network; the default is all")
    parser.add_argument("--precision", choices=PEAKS, help="only this one, where the processor is slow in the other")
    parser.add_argument("--peers", type=Path, default=CACHE / "tfx-vae" / "peers", help="the peers' environment")
    arguments = parser.parse_args()
    print(f"{date.today()}, {arguments.threads} thread(s), {machine()}, Python {platform.python_version()}\n")
    for network in arguments.network or CONTESTANTS:
        print_network(network, arguments)


def print_network(network: str, arguments: argparse.Namespace) -> None:
    """Trains a network with all implementations, and prints the time of each."""
    wanted = {arguments.precision} if arguments.precision else PEAKS.keys()
    contestants = {name: each for name, each in CONTESTANTS[network].items() if each.precision in wanted}
    peaks = {name: each for name, each in PEAKS.items() if name in wanted}
    workers = {name: start(each, network, arguments) for name, each in (contestants | peaks).items()}
    rounds = [{name: ask_for_epoch(worker) for name, worker in workers.items()} for _ in range(arguments.rounds + 1)]
    for worker in workers.values():
        worker.communicate()

    def rate(name: str, kind: str) -> float:
        return statistics.median(costs[name].done / getattr(costs[name], kind) for costs in rounds[1:])

    columns = {}
    for name, contestant in contestants.items():
        first = rounds[0][name]
        operations = NETWORKS[network].training_operations * rate(name, "cpu")
        columns[name] = {
            "images per CPU second": rate(name, "cpu"),
            "images per second": rate(name, "wall"),
            "% of the peak of matrix products": 100 * operations / rate(contestant.precision, "cpu"),
            "seconds of the first epoch beyond the others": first.wall - first.done / rate(name, "wall"),
        }
    print_table(str(NETWORKS[network]), columns, "{:,.0f}")
    rates = ", ".join(f"{rate(precision, 'cpu') / 1e9:.0f} in {precision}" for precision in peaks)
    print(f"Peak of matrix products in 10^9 operations per CPU second: {rates}.\n", flush=True)


def start(contestant: Contestant, network: str, arguments: argparse.Namespace) -> "subprocess.Popen[str]":
    """A process that trains one epoch for each line of its input."""
    python = peers_python(arguments.peers) if contestant.has_own_environment else sys.executable
    script, *options = contestant.command
    return subprocess.Popen(
        [str(python), str(PEERS / script), "--threads", str(arguments.threads), "--network", network, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )


def ask_for_epoch(worker: "subprocess.Popen[str]") -> Cost:
    """The time of the next epoch of a process."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("epoch\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    if not answer:
        sys.exit(f"{worker.args!r} ended with status {worker.wait()}: start it by hand to see why.")
    return Cost(**json.loads(answer))


if __name__ == "__main__":
    main()
