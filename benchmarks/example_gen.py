"""Compares the time of TfdsExampleGen and the stock ImportExampleGen on the same prepared records: 70,000 digits of MNIST.

    python benchmarks/example_gen.py [--rounds 3] [--data-dir DIR]

Each round runs both, so that other work on the machine affects both. The time of TfdsExampleGen includes its driver (opening
the dataset, digesting its files); the preparation of the dataset is not measured.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from tfx.components.example_gen.import_example_gen import executor as stock
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.artifacts import dataset as properties
from components.example_gen.driver import complete_properties
from components.example_gen.executor import Executor

REPOSITORY: Final = Path(__file__).resolve().parent.parent
BEAM_ARGUMENTS: Final = ["--runner=FnApiRunner", "--sdk_container_image=none"]
SPLITS: Final = {"train": "train", "test": "test"}


class Cost(NamedTuple):
    """The time of one run."""

    wall_seconds: float
    cpu_seconds: float


def main() -> None:
    """Prepares MNIST if necessary, runs the rounds, and prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--data-dir", type=Path, help="directory of prepared datasets; the default is a temporary directory")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        given = {
            properties.DATASET: "mnist",
            properties.DATA_DIR: str(arguments.data_dir or Path(temporary) / "datasets"),
            properties.MANUAL_DIR: str(REPOSITORY / "data" / "mnist"),
            properties.SPLITS: json.dumps(SPLITS),
            properties.SHARDS: arguments.shards,
        }
        prepared = complete_properties(given)[properties.PREPARED_DIRECTORY]
        runs: dict[str, Callable[[Path], None]] = {
            "ImportExampleGen": lambda output: run_stock(prepared, output),
            "TfdsExampleGen": lambda output: run_ours(given, output),
        }
        costs: dict[str, list[Cost]] = {name: [] for name in runs}
        # The first round includes imports and the tracing of functions.
        for number in range(arguments.rounds + 1):
            for name, run in runs.items():
                with measured() as cost:
                    run(Path(temporary) / f"{name}-{number}")
                if number > 0:
                    costs[name].append(Cost(*cost))
    print_table(costs)


def run_stock(prepared: str, output: Path) -> None:
    """Copies the records with TFX's own component."""
    splits = [example_gen_pb2.Input.Split(name=name, pattern=f"mnist-{name}.tfrecord*") for name in SPLITS]
    stock.Executor(context(output)).Do(
        {},
        {"examples": [artifact(output)]},
        {
            "input_base": prepared,
            "input_config": proto_utils.proto_to_json(example_gen_pb2.Input(splits=splits)),
            "output_config": proto_utils.proto_to_json(example_gen_pb2.Output()),
            "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
            "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
        },
    )


def run_ours(given: dict[str, Any], output: Path) -> None:
    """Copies the records with this project's component, driver and executor."""
    Executor(context(output)).Do({}, {"examples": [artifact(output)]}, complete_properties(given))


def context(output: Path) -> Any:
    """The arguments that TFX's launcher passes to an executor."""
    return Executor.Context(beam_pipeline_args=BEAM_ARGUMENTS, tmp_dir=str(output / "tmp"), unique_id="1")


def artifact(output: Path) -> standard_artifacts.Examples:
    """The output artifact."""
    examples = standard_artifacts.Examples()
    examples.uri = str(output / "examples")
    return examples


@contextlib.contextmanager
def measured() -> Iterator[list[float]]:
    """Appends the wall and CPU seconds (of all threads) of its block to the list."""
    cost: list[float] = []
    wall, cpu = time.perf_counter(), time.process_time()
    yield cost
    cost.extend((time.perf_counter() - wall, time.process_time() - cpu))


def print_table(costs: dict[str, list[Cost]]) -> None:
    """Prints medians and the ratio."""
    print(f"70,000 MNIST digits, {date.today().isoformat()}, {platform.platform()}, {os.cpu_count()} cores")
    print(f"{'':18}{'wall seconds':>14}{'CPU seconds':>14}   every round (wall/CPU)")
    for name, runs in costs.items():
        wall, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
        print(
            f"{name:18}{wall:14.2f}{cpu:14.2f}   {', '.join(f'{run.wall_seconds:.2f}/{run.cpu_seconds:.2f}' for run in runs)}"
        )
    stock_cpu, our_cpu = (statistics.median(run.cpu_seconds for run in runs) for runs in costs.values())
    print(f"TfdsExampleGen takes {our_cpu / stock_cpu:.0%} of the CPU time of ImportExampleGen")


if __name__ == "__main__":
    main()
