"""`tfx-vae compare`. Imports slow modules only when it is called."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from components.errors import PipelineError
from pipelines.local.process import captured_output, log_to_stderr, prepare_environment
from tfx_vae.options import config_option, load_config, set_option

if TYPE_CHECKING:
    from pipelines.config import PipelineConfig


@click.command()
@click.argument("first", metavar="RUN")
@click.argument("second", metavar="RUN")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory of the page; the default is <runtime.root>/comparisons/RUN-RUN.",
)
@config_option
@set_option
def compare(first: str, second: str, output: Path | None, config_path: Path, overrides: tuple[str, ...]) -> None:
    """Write a page with two runs side by side.

    RUN is its number, an id, the beginning of an id, `latest`, or the name of a pipeline, which means its latest run with an
    evaluated model: tfx-vae compare mnist-ae mnist-vae. It reads the artifacts of the two runs and trains nothing.
    """
    from rich.console import Console

    config = load_config(config_path, overrides)
    try:
        page = _compare(first, second, output or config.runtime.root / "comparisons" / f"{first}-{second}", config)
    except OSError as error:
        raise PipelineError(f"The page cannot be written: {error}.") from error
    Console().print(f"The page: {page}", highlight=False, soft_wrap=True)


def _compare(first: str, second: str, directory: Path, config: "PipelineConfig") -> Path:
    from rich.console import Console

    from tfx_vae.compare.runs import find_compared
    from tfx_vae.metadata.reader import open_database

    with open_database(config.metadata_location) as database:
        compared = find_compared(database, first), find_compared(database, second)
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "compare.log"
    log.unlink(missing_ok=True)
    prepare_environment()
    with captured_output(log) as terminal, Console(file=terminal).status("comparing"):
        # Importing TensorFlow and TFX takes many seconds: first check that both runs exist.
        from tfx_vae.compare.pages import compare as write_page

        log_to_stderr()
        return write_page(config.metadata_location, compared, config.report, directory)
