"""The beginning of the smoke pipeline, on a handful of images: real components through TFX's launcher, in two seconds."""

import contextlib
import datetime
import io
from collections.abc import Collection
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from rich.console import Console

from components import private_tfx
from pipelines.config import PipelineConfig, load_config
from pipelines.local.display import NodeResult, RunDisplay
from pipelines.local.runner import WatchedLocalDagRunner
from pipelines.mlmd.lock import database_lock, locked
from pipelines.pipeline import create_pipeline

PROJECT = Path(__file__).parents[2]
NODES = ("ImportSchemaGen", "TfdsExampleGen")


def prepare_dataset(directory: Path) -> Path:
    """Writes a prepared dataset of thirty grey images with labels."""
    images = np.random.default_rng(0).integers(0, 256, (30, 4, 4, 1), np.uint8)
    features = tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=(4, 4, 1)), "label": tfds.features.ClassLabel(num_classes=10)}
    )
    split = tf.data.Dataset.from_tensor_slices({"image": images, "label": np.arange(30) % 10})
    tfds.dataset_builders.store_as_tfds_dataset(
        name="digits", version="1.0.0", features=features, split_datasets={"train": split}, data_dir=directory
    )
    return directory / "digits" / "1.0.0"


def configure(root: Path | str, dataset: Path, *settings: str) -> PipelineConfig:
    """A configuration of the smoke pipeline on that dataset, with its runs in `root`, a path or a URI."""
    common = (
        f"runtime.root={root}",
        "data.dataset=null",
        f"data.directory={dataset}",
        "data.splits={train: 'train[:20]', eval: 'train[20:25]', test: 'train[25:]'}",
    )
    return load_config(PROJECT / "pipelines" / "configs" / "smoke.yaml", [*common, *settings], base=PROJECT)


def run_light(config: PipelineConfig, nodes: Collection[str] = NODES, until: str | None = None) -> dict[str, NodeResult]:
    """Runs the first components as `tfx-vae run` does.

    Args:
      config: Of the whole pipeline.
      nodes: Those that run.
      until: The node that runs with those that it needs, instead.

    Returns:
      What became of each.
    """
    # Compiled whole, since components of part of a pipeline still name those that come after them.
    compiled = private_tfx.compile_pipeline(create_pipeline(config))
    for node in reversed(compiled.nodes):
        if until is None and node.pipeline_node.node_info.id not in nodes:
            compiled.nodes.remove(node)
    run_id = datetime.datetime.now().strftime("%Y-%m-%dT%H-%M-%S.%f")
    log = config.log_dir / f"{run_id}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    display = RunDisplay(Console(file=io.StringIO()))
    runner = WatchedLocalDagRunner(display, run_id, config.metadata_location, log, until=until)
    with database_lock(config.metadata_location, f"run {run_id}", lambda reason: contextlib.nullcontext()), locked(log):
        runner.run_with_ir(compiled)
    return runner.results
