"""Images that arrive night by night: which spans ImageExampleGen reads, through TFX's launcher and ML Metadata."""

import json
import shutil
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.light_pipeline import PROJECT, run_light

from components.artifacts.data_verdict import DataVerdict
from components.artifacts.labels import read_label_names
from pipelines.config import load_config
from pipelines.local.display import NodeState
from pipelines.mlmd.connections import open_store

SEEDS = count()


class Nights:
    """A pipeline that runs again and again; of its components, only the first."""

    def __init__(self, root: Path) -> None:
        self.images = root / "images"
        pattern = f"data.images={self.images}/{{SPAN}}-v{{VERSION}}"
        self._settings = [f"runtime.root={root / 'runs'}", "name=shoes", pattern, "data.shards=1"]

    def arrive(self, name: str, labels: Sequence[str] = ("boot", "heel")) -> None:
        """Writes an image of each label."""
        for label in labels:
            (self.images / name / label).mkdir(parents=True)
            pixels = np.random.default_rng(next(SEEDS)).integers(0, 256, (4, 4), np.uint8)
            Image.fromarray(pixels).save(self.images / name / label / "0.png")

    def run(self, *settings: str, is_good: bool = True) -> list[tuple[int, int]] | None:
        """Span and version of what is read; None if that comes from the cache. The ValidationGate may let it pass."""
        smoke = PROJECT / "pipelines" / "configs" / "smoke.yaml"
        config = load_config(smoke, [*self._settings, "data.window=all", *settings], base=PROJECT)
        result = run_light(config, ["ImageExampleGen"])["ImageExampleGen"]
        self.examples = result.outputs["examples"]
        if is_good:
            store, verdict = open_store(config.metadata_location), DataVerdict()
            verdict.set_string_custom_property("passed_examples", json.dumps([one.id for one in self.examples]))
            verdict.mlmd_artifact.type_id = store.put_artifact_type(verdict.artifact_type)
            store.put_artifacts([verdict.mlmd_artifact])
        if result.state is NodeState.CACHED:
            return None
        return [(one.properties["span"].int_value, one.properties["version"].int_value) for one in self.examples]


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    return Nights(tmp_path)


def test_a_span_is_read_once(nights: Nights):
    nights.arrive("1-v1")
    assert nights.run() == [(1, 1)]
    nights.arrive("2-v1")
    nights.arrive("3-v1")
    assert nights.run() == [(2, 1), (3, 1)]  # the machine was off for a night
    assert nights.run() is None
    shutil.rmtree(nights.images / "1-v1")
    assert nights.run("data.window={last: 2}") is None
    nights.arrive("2-v2")
    assert nights.run() == [(2, 2)]  # a late version
    assert nights.run() is None
    # With other settings, the spans that are still there are read again.
    assert nights.run("data.background=[9,9,9]") == [(2, 2), (3, 1)]


def test_a_span_that_was_refused_is_checked_again(nights: Nights):
    nights.arrive("1-v1")
    nights.run()
    nights.arrive("2-v1")
    assert nights.run(is_good=False) == [(2, 1)]
    assert nights.run(is_good=False) is None
    assert [one.properties["span"].int_value for one in nights.examples] == [2]
    nights.arrive("3-v1")
    assert nights.run() == [(2, 1), (3, 1)]


def test_a_label_keeps_its_number_when_others_come(nights: Nights):
    nights.arrive("1-v1", ["heel", "sandal"])
    nights.run()
    nights.arrive("2-v1", ["boot", "sandal"])
    nights.arrive("3-v1", ["ankle boot"])
    nights.run()
    names = ["heel", "sandal", "boot", "ankle boot"]
    assert [read_label_names(one.uri) for one in nights.examples] == [names[:3], names]
