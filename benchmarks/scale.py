"""Measures what each component costs at several sizes of the dataset: CPU seconds, seconds, peak memory.

    python benchmarks/scale.py --images 7000 70000 [--until Transform] [--set section.key=value]
    scripts/flink.sh start
    python benchmarks/scale.py --images 70000 --until Transform --flink localhost:8082 --slots 1 2 4

The images are MNIST's digits again and again, with noise, so that no two are equal. Up to 70,000, the splits have the
proportions of MNIST; above, only `train` grows. The default VAE is trained for one epoch. On Flink the processes of
scripts/flink.sh are watched twice a second; a process that lives for less is not seen.
"""

import argparse
import gzip
import io
import json
import math
import os
import platform
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

# Read when TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import psutil
from default_run import REPOSITORY, machine
from overhead import CONFIG, NODES, Cost, Run, measured, overridden, rest
from PIL import Image

MNIST: Final = 70_000
EVAL: Final = 5_000
TEST: Final = 10_000
SHARD: Final = 10_000
SAMPLE_SECONDS: Final = 0.5
NAMES: Final = ("jobmanager", "taskmanager-1", "taskmanager-2", "job-server", "workers")
"""The processes of scripts/flink.sh."""
FLINK: Final = Path(os.environ.get("FLINK_DIR", Path.home() / ".cache" / "tfx-vae" / "flink"))
WORST: Final = 1.1
LEAST_SECONDS: Final = 2.0


class Measurement(NamedTuple):
    """One run, and what the processes of the cluster used, by component: CPU seconds, and the peak in MiB."""

    title: str
    images: int
    run: Run
    cluster: dict[str, dict[str, Cost]]


def main() -> None:
    """Runs all sizes, and prints a table after each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[7_000, 70_000])
    parser.add_argument("--until", help="the last component; the default is all")
    parser.add_argument("--flink", help="the address of a job server, started by scripts/flink.sh")
    parser.add_argument("--slots", type=int, nargs="+", default=[2], help="parallelism on Flink")
    parser.add_argument("--work", type=Path, help="keeps images and runs in this directory")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="SECTION.KEY=VALUE")
    arguments = parser.parse_args()
    print(f"{date.today()}, {os.cpu_count()} cores, {machine()}, Python {platform.python_version()}\n")
    done: list[Measurement] = []
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        for images in arguments.images:
            make_images(work / "images" / str(images), images)
            for slots in arguments.slots if arguments.flink else [None]:
                engine = [] if slots is None else on_flink(arguments.flink, slots)
                done.append(run(work, images, slots, arguments.until, [*engine, *arguments.settings]))
                print_table(done)


def on_flink(job_server: str, slots: int) -> list[str]:
    """Settings."""
    return ["runtime.beam.runner=flink", f"runtime.beam.job_server={job_server}", f"runtime.beam.parallelism={slots}"]


def run(work: Path, images: int, slots: int | None, until: str | None, settings: list[str]) -> Measurement:
    """Runs the pipeline on images that were made, without anything cached."""
    title = f"{images:,}" + ("" if slots is None else f", {slots} slots")
    with tempfile.TemporaryDirectory(dir=work) as root:
        costs = Path(root) / "costs"
        all_settings = [
            f"runtime.root={root}/runs",
            "runtime.parallel_nodes=1",  # what runs at the same time would be counted twice
            "data.dataset=null",
            f"data.directory={work / 'images' / str(images)}",
            f"data.splits={json.dumps({'train': 'train', 'eval': 'eval', 'test': 'test'})}",
            f"data.shards={max(4, math.ceil(images / SHARD))}",
            "trainer.epochs=1",
            "evaluator.thresholds={negative_elbo: {upper: 1000}}",
            *settings,
        ]
        command = [*NODES, str(costs), *(["--until", until] if until else [])]
        with watched(costs, slots is not None) as cluster:
            found = measured([*command, "run", "--config", str(CONFIG), *overridden(all_settings)], costs)
    names = list(found.nodes)
    return Measurement(title, images, found, {names[at]: used for at, used in cluster.items() if at < len(names)})


@contextmanager
def watched(costs: Path, is_on_flink: bool) -> Iterator[dict[int, dict[str, Cost]]]:
    """Watches the processes of scripts/flink.sh; yields what each used, by the number of components done before."""
    used: dict[int, dict[str, Cost]] = {}
    ended = threading.Event()

    def watch() -> None:
        last = {process.pid: cpu for _, process, cpu, _ in cluster_processes()}
        while not ended.wait(SAMPLE_SECONDS):
            at = costs.read_text().count("\n") if costs.exists() else 0
            of_node = used.setdefault(at, {})
            for name, process, cpu, resident in cluster_processes():
                before = of_node.get(name, Cost(0.0, 0.0, 0.0))
                spent = max(0.0, cpu - last.get(process.pid, 0.0))
                last[process.pid] = cpu
                of_node[name] = Cost(before.cpu + spent, 0.0, max(before.peak, resident))

    thread = threading.Thread(target=watch)
    if is_on_flink:
        thread.start()
    try:
        yield used
    finally:
        ended.set()
        if is_on_flink:
            thread.join()


def cluster_processes() -> Iterator[tuple[str, psutil.Process, float, float]]:
    """Name, process, CPU seconds and MiB of each process of the cluster; the forked workers under one name."""
    for name in NAMES:
        try:
            first = psutil.Process(int((FLINK / f"{name}.pid").read_text()))
            for process in (first, *first.children(recursive=True)):
                times = process.cpu_times()
                yield name, process, times.user + times.system, process.memory_info().rss / 2**20
        except (OSError, psutil.NoSuchProcess):
            continue


def make_images(directory: Path, images: int) -> None:
    """Prepares a dataset of tensorflow-datasets, unless it is there."""
    import tensorflow_datasets as tfds

    if directory.exists():
        return
    part = directory.with_suffix(".part")
    part.mkdir(parents=True, exist_ok=True)
    share = min(1.0, images / MNIST)
    sizes = {"eval": int(EVAL * share), "test": int(TEST * share)}
    sizes["train"] = images - sum(sizes.values())
    template = tfds.core.ShardedFileTemplate(
        part, template="{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}", dataset_name="digits", filetype_suffix="tfrecord"
    )
    splits = []
    for number, (split, size) in enumerate(sizes.items()):
        lengths = [min(SHARD, size - start) for start in range(0, size, SHARD)]
        paths = [
            template.replace(split=split).sharded_filepath(shard_index=i, num_shards=len(lengths)) for i in range(len(lengths))
        ]
        total = sum(
            write_shard(Path(path), length, 1_000_000 * number + i)
            for i, (path, length) in enumerate(zip(paths, lengths, strict=True))
        )
        splits.append(
            tfds.core.SplitInfo(
                name=split, shard_lengths=lengths, num_bytes=total, filename_template=template.replace(split=split)
            )
        )
    features = tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=(28, 28, 1)), "label": tfds.features.ClassLabel(num_classes=10)}
    )
    tfds.folder_dataset.write_metadata(data_dir=part, features=features, split_infos=splits, filename_template=template)
    part.rename(directory)


def write_shard(path: Path, count: int, seed: int) -> int:
    """Writes digits with noise on their grey pixels; returns the bytes."""
    import tensorflow as tf

    random = np.random.default_rng(seed)
    digits, labels = mnist()
    chosen = random.integers(len(digits), size=count)
    noise = random.integers(-20, 21, size=(count, 28, 28), dtype=np.int16)
    noisy = np.where(digits[chosen] > 0, np.clip(digits[chosen] + noise, 1, 255), 0).astype(np.uint8)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for digit, label in zip(noisy, labels[chosen], strict=True):
            file = io.BytesIO()
            Image.fromarray(digit).save(file, "PNG", compress_level=1)
            example = tf.train.Example()
            example.features.feature["image"].bytes_list.value.append(file.getvalue())
            example.features.feature["label"].int64_list.value.append(int(label))
            writer.write(example.SerializeToString())
    return path.stat().st_size


def mnist() -> tuple[np.ndarray, np.ndarray]:
    """The training digits, int16, and their labels."""
    folder = REPOSITORY / "data" / "mnist"
    with gzip.open(folder / "train-images-idx3-ubyte.gz") as images, gzip.open(folder / "train-labels-idx1-ubyte.gz") as labels:
        pixels = np.frombuffer(images.read(), np.uint8, offset=16).reshape(-1, 28, 28)
        return pixels.astype(np.int16), np.frombuffer(labels.read(), np.uint8, offset=8)


def print_table(done: list[Measurement]) -> None:
    """Each component: the three figures of each run, and by which power of the images its CPU seconds grew in the last step."""
    print(f"| component | {' | '.join(f'{one.title}: CPU s | s | MiB' for one in done)} | power |")
    print("| --- |" + " ---: |" * (3 * len(done) + 1))
    for name in done[-1].run.nodes:
        print(row(name, [one.run.nodes.get(name) for one in done], done))
        for process in NAMES:
            used = [one.cluster.get(name, {}).get(process) for one in done]
            if any(cost and cost.cpu > 1 for cost in used):
                print(row(f"&nbsp; {process}", used, done))
    print(row("imports, compilation, ML Metadata", [rest(one.run) for one in done], done))
    print(row("**in all**", [one.run.whole for one in done], done), end="\n\n", flush=True)


def row(title: str, costs: list[Cost | None], done: list[Measurement]) -> str:
    """A row of the table."""
    cells = [figures(cost) if cost else ("", "", "") for cost in costs]
    return f"| {' | '.join([title, *(text for three in cells for text in three), power(costs, done)])} |"


def figures(cost: Cost) -> tuple[str, str, str]:
    """Its three cells; what was not measured is empty."""
    return f"{cost.cpu:.1f}", f"{cost.wall:.1f}" if cost.wall else "", f"{cost.peak:.0f}" if cost.peak else ""


def power(costs: list[Cost | None], done: list[Measurement]) -> str:
    """1.0 for CPU seconds that grow as the images do; bold if they grow faster. Empty for components that cost little."""
    if len(done) < 2 or done[-1].images == done[-2].images or not (costs[-1] and costs[-2]):
        return ""
    if costs[-1].cpu < LEAST_SECONDS or costs[-2].cpu <= 0:
        return ""
    found = math.log(costs[-1].cpu / costs[-2].cpu) / math.log(done[-1].images / done[-2].images)
    return f"**{found:.2f}**" if found > WORST else f"{found:.2f}"


if __name__ == "__main__":
    main()
