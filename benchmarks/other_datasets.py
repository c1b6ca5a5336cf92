"""Runs the configurations for other datasets than MNIST unchanged: the table in benchmarks/README.md.

    python benchmarks/other_datasets.py [--config fashion_mnist_vae.yaml] [--set trainer.epochs=3] [--root runs/other]

Prepares Fashion-MNIST and CIFAR-10 from package indexes (benchmarks/dataset_sources.py) in the format of tensorflow-datasets;
then runs the whole pipeline on each, and prints the metrics over the test split.
"""

import argparse
import os
import platform
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Final

from dataset_sources import SOURCES
from default_run import REPOSITORY, machine, print_table, run

CONFIGS: Final = {"fashion_mnist_vae.yaml": "fashion_mnist", "cifar10_vae.yaml": "cifar10"}
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tfx-vae" / "datasets"


def main() -> None:
    """Prepares, runs, and prints two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", action="append", choices=CONFIGS, help="a configuration; the default is both")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="SECTION.KEY=VALUE")
    parser.add_argument("--cache", type=Path, default=CACHE, help="directory for packages and prepared datasets")
    parser.add_argument("--root", type=Path, help="directory for the output of the runs; the default is a temporary one")
    arguments = parser.parse_args()
    runs = {}
    with tempfile.TemporaryDirectory() as scratch:
        root = (arguments.root or Path(scratch)).resolve()
        for config in arguments.config or CONFIGS:
            prepare(CONFIGS[config], arguments.cache)
            settings = [f"data.data_dir={arguments.cache}", *arguments.settings]
            runs[config] = run(REPOSITORY / "pipelines" / "configs" / config, root, settings)
    print(f"{date.today()}, {os.cpu_count()} cores, {machine()}, Python {platform.python_version()}\n")
    print_table("component, seconds", {config: found.seconds for config, found in runs.items()}, "{:.0f}")
    print_table("test split", {config: found.metrics for config, found in runs.items()}, "{:.2f}")
    print(", ".join(f"{config}: {found.cpu_seconds:.0f} CPU s" for config, found in runs.items()))


def prepare(dataset: str, cache: Path) -> None:
    """Writes a dataset in the format and the directory of tensorflow-datasets, if it does not exist."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf
    import tensorflow_datasets as tfds

    builder = tfds.builder(dataset, data_dir=cache)
    if Path(builder.data_dir).exists():
        return
    print(f"preparing {dataset} in {cache}", file=sys.stderr)
    features = {name: feature for name, feature in builder.info.features.items() if name in ("image", "label")}
    tfds.dataset_builders.store_as_tfds_dataset(
        name=dataset,
        version=builder.version,
        features=tfds.features.FeaturesDict(features),
        split_datasets={
            split: tf.data.Dataset.from_tensor_slices(examples) for split, examples in SOURCES[dataset](cache).items()
        },
        data_dir=cache,
    )


if __name__ == "__main__":
    main()
