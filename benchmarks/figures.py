"""The README's figures, out of the reports of runs that were made before.

    python benchmarks/figures.py [--root runs] [--output docs/images]

Copies pictures of the newest report of `mnist-vae`, as the run itself drew them, and of a comparison of `mnist-ae` with
`mnist-vae`, which `tfx-vae compare` makes from their artifacts. Nothing is trained.
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

FROM_THE_REPORT: Final = {"latent-tsne": "latent-space", "samples": "samples"}
FROM_THE_COMPARISON: Final = {"reconstructions": "reconstructions", "interpolations-linear": "interpolations"}


def main() -> None:
    """Copies four pictures and says from which runs they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=REPOSITORY / "runs", help="runtime.root of the runs")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "docs" / "images")
    arguments = parser.parse_args()
    root, output = arguments.root.resolve(), arguments.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    copy(newest_report(root), FROM_THE_REPORT, output)
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
    """Copies pictures under other names."""
    for name, target in names.items():
        shutil.copyfile(source / f"{name}.png", output / f"{target}.png")
        print(output / f"{target}.png")


if __name__ == "__main__":
    main()
