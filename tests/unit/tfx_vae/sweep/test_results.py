"""What a sweep prints and draws, and how its grid is written on the command line."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from components.report.page import Figure, Table
from pipelines.config import PipelineConfig, load_config
from tfx_vae.cli import main
from tfx_vae.sweep.figure import _ordered
from tfx_vae.sweep.results import Result, print_results, sweep_page, write_results
from tfx_vae.sweep.variants import variants_of

LOSSES = {"kl_divergence": 20.0, "reconstruction_loss": 80.0, "negative_elbo": 100.0, "active_units": 7.0}


@pytest.fixture(scope="module")
def config() -> PipelineConfig:
    return load_config(Path("pipelines/configs/mnist_vae.yaml"))


def results(config: PipelineConfig, grid: dict[str, list[Any]]) -> list[Result]:
    variants = variants_of(config, grid)
    return [Result(each, each.name, LOSSES | {"negative_elbo": 100.0 + n}) for n, each in enumerate(variants)]


def test_the_printed_table_has_a_row_for_each_variant_in_80_columns(config: PipelineConfig):
    printed = io.StringIO()
    grid: dict[str, list[Any]] = {"model.hidden_units": [[512, 512], [64]], "trainer.early_stopping_patience": [None, 3]}
    found = [Result(each.variant, each.run, {**each.metrics, "frechet_distance": 3.25}) for each in results(config, grid)]
    print_results(found, Console(file=printed, width=80))

    lines = printed.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split() for line in lines[-4:-2]] == [
        ["[512,", "512]", "null", "20.00", "80.00", "100.00", "3.25", "7"],
        ["[512,", "512]", "3", "20.00", "80.00", "101.00", "3.25", "7"],
    ]


@pytest.mark.parametrize(
    ("grid", "pictures"),
    [
        ({"model.latent_dim": [2, 8], "model.beta": [0.5, 4.0]}, ["rate-distortion", "negative-elbo"]),
        ({"trainer.learning_rate": [0.001, 0.01], "model.hidden_units": [[64], [8, 8]]}, ["negative-elbo"]),
        ({"model.activation": ["relu", "silu"]}, ["negative-elbo"]),
    ],
)
def test_the_page_has_pictures_and_all_columns(
    config: PipelineConfig, tmp_path: Path, grid: dict[str, Any], pictures: list[str]
):
    found = results(config, grid)
    page = sweep_page("study", found)
    write_results("study", found, tmp_path)

    blocks = page.sections[0].blocks
    assert [block.name for block in blocks if isinstance(block, Figure)] == pictures
    [table] = [block for block in blocks if isinstance(block, Table)]
    assert len(table.columns) == len(grid) + 4
    assert found[0].variant.title in page.summary[1]
    rows = json.loads((tmp_path / "sweep.json").read_text())
    assert [row["negative_elbo"] for row in rows] == [each.metrics["negative_elbo"] for each in found]
    assert rows[0].keys() >= {key.rpartition(".")[2] for key in grid}


def test_numbers_are_ordered_by_size_and_other_values_as_they_were_given():
    assert _ordered([8, 2, 8, 32]) == [2, 8, 32]
    assert _ordered([[64], [8, 8], [64]]) == [[64], [8, 8]]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["model.beta"], "must have the form KEY=VALUE,VALUE"),
        (["model.beta="], "must have the form KEY=VALUE,VALUE"),
        (["model.beta=[1"], "model.beta=[1"),
        (["model.beta=1", "model.beta=2"], "once for each key"),
        (["model.beta=1", "model.latent_dim=2", "trainer.seed=1"], "one or two settings"),
        (["model.beta=1", "--betas", "2"], "either KEY=VALUE"),
        (["model.beta=a,b"], 'model.beta: "a" is not allowed'),
        (["--latent-dims", "two"], 'model.latent_dim: "two" is not allowed'),
    ],
)
def test_a_grid_that_cannot_be_read_is_misuse(words: list[str], sentence: str):
    refused = CliRunner().invoke(main, ["sweep", *words])

    assert refused.exit_code == 2
    assert " ".join(sentence.split()) in " ".join(refused.output.split())
