"""Makes the README's figures from the reports of earlier runs.

    python benchmarks/figures.py [--root runs] [--output docs/images]

Copies figures from the newest report of `mnist-vae`, and from a comparison of `mnist-ae` and `mnist-vae`, which `tfx-vae
compare` makes from their artifacts. Trains nothing.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from pipelines.mlmd.location import sqlite_location
from tfx_vae.metadata.reader import open_database
from tfx_vae.metadata.runs import list_runs
from tfx_vae.metadata.show import show_run

REPOSITORY: Final = Path(__file__).resolve().parent.parent
PIPELINE: Final = "mnist-vae"
COMPARED: Final = ("mnist-ae", PIPELINE)

FROM_THE_REPORT: Final = ("samples", "which-are-drawn")
FROM_THE_COMPARISON: Final = {"reconstructions": "reconstructions", "interpolations-linear": "interpolations"}


def main() -> None:
    """Copies four figures and prints their runs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=REPOSITORY / "runs", help="runtime.root of the runs")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "docs" / "images")
    arguments = parser.parse_args()
    root, output = arguments.root.resolve(), arguments.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    copy(newest_report(root), {name: name for name in FROM_THE_REPORT}, output)
    with tempfile.TemporaryDirectory() as comparison:
        command = [str(Path(sys.executable).parent / "tfx-vae"), "compare", *COMPARED, "--output", comparison]
        done = subprocess.run([*command, "--set", f"runtime.root={root}"], cwd=REPOSITORY)
        if done.returncode:
            sys.exit(done.returncode)
        copy(Path(comparison), FROM_THE_COMPARISON, output)


def newest_report(root: Path) -> Path:
    """The directory of the newest report of the pipeline."""
    with open_database(sqlite_location(root / "metadata.sqlite")) as database:
        for summary in list_runs(database, PIPELINE):
            for component in show_run(database, summary.id).components:
                for report in component.outputs.get("report", []):
                    print(f"{PIPELINE}: run {summary.id}")
                    return Path(report.uri)
    sys.exit(f"No run of {PIPELINE} in {root} has a report: make run, first.")


def copy(source: Path, names: dict[str, str], output: Path) -> None:
    """Copies figures under other names."""
    for name, target in names.items():
        shutil.copyfile(source / f"{name}.png", output / f"{target}.png")
        print(output / f"{target}.png")


if __name__ == "__main__":
    main()
