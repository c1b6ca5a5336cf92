"""The command `infer`."""

import tempfile
from pathlib import Path
from typing import Any

import click

from tfx_vae.options import config_option, set_option


@click.command()
@click.argument("patterns", metavar="EXAMPLES...", nargs=-1, required=True)
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), metavar="DIRECTORY", help="Is made, with Parquet files."
)
@click.option("--version", type=int, metavar="N", help="The pushed version to use. Default: the newest.")
@config_option
@set_option
def infer(patterns: tuple[str, ...], output: Path, version: int | None, config_path: Path, overrides: tuple[str, ...]) -> None:
    """Score a whole dataset, here or on a cluster.

    EXAMPLES are TFRecord files of tf.Examples, or patterns of them in quotes, as ExampleGen writes them:
    'runs/pipelines/NAME/ImageExampleGen/examples/*/Split-test/*'. The output has one row an image: `id`, the SHA-256 of the
    image's bytes; `score`, the negative ELBO in nats; `latent_mean`. It is there when all of it is, in no particular order.
    """
    from components.artifacts.serving_directory import find_pushed
    from pipelines.beam.check import check_engine
    from pipelines.config import load_config
    from pipelines.local.process import captured_output, prepare_environment

    config = load_config(config_path, overrides)
    model: Any = find_pushed(config.serving_dir, version)[0]
    check_engine(config.runtime.beam)
    prepare_environment()
    with tempfile.NamedTemporaryFile() as printed, captured_output(Path(printed.name)):
        from pipelines.beam.inference import score_dataset

        count = score_dataset(patterns, model.path, output.absolute(), config.runtime.beam.pipeline_args())
    click.echo(f"{count:,} images scored by version {model.version} of {config.name}: {output}")
