"""`tfx-vae sweep`. Imports slow modules only when it is called."""

import sys
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from tfx_vae.options import config_option, load_config, set_option

_LATENT_DIMS: Final = "2,8,16,32,64"
_BETAS: Final = "0.5,1,4"
_MOST: Final = 2


def _read_grid(_context: click.Context, _parameter: click.Parameter, words: tuple[str, ...]) -> dict[str, list[Any]]:
    """Reads `model.beta=0.5,1` words: the values by key, each value in YAML."""
    from pipelines.strict_yaml import YamlError, parse_yaml

    grid: dict[str, list[Any]] = {}
    for word in words:
        key, separator, text = word.partition("=")
        try:
            values = parse_yaml(f"[{text}]")
        except YamlError as error:
            raise click.BadParameter(f"{word} {error}") from error
        if not separator or not text.strip() or key in grid:
            raise click.BadParameter(
                f"{word} must have the form KEY=VALUE,VALUE,..., such as model.beta=0.5,1,2, once for each key."
            )
        grid[key] = values
    if len(grid) > _MOST:
        raise click.BadParameter("a sweep is over one or two settings; tfx-vae tune searches more.")
    return grid


@click.command()
@click.argument("grid", nargs=-1, metavar="[KEY=VALUE,VALUE,...]...", callback=_read_grid)
@click.option("--latent-dims", help=f"The same as model.latent_dim=...; without any setting {_LATENT_DIMS}.")
@click.option("--betas", help=f"The same as model.beta=...; without any setting {_BETAS}.")
@config_option
@set_option
def sweep(
    grid: dict[str, list[Any]],
    latent_dims: str | None,
    betas: str | None,
    config_path: Path,
    overrides: tuple[str, ...],
) -> None:
    """Train variants that differ in one or two settings.

    A variant is trained for every value of the one setting with every value of the other: tfx-vae sweep model.beta=0.5,1,2
    model.latent_dim=2,8. The settings may be any of model and trainer. The components before the Trainer use the cache of the
    pipeline's runs and of earlier variants. A sweep that is repeated, or was interrupted, trains only the missing variants. The
    models are evaluated, but not pushed and never used as a baseline.
    """
    from pipelines.config import NotifyConfig
    from pipelines.local import session
    from tfx_vae.sweep.sweep import run_variants
    from tfx_vae.sweep.variants import variants_of

    if grid and (latent_dims or betas):
        raise click.UsageError("Give either KEY=VALUE,VALUE,... or --latent-dims and --betas.")
    if not grid:
        words = (f"model.latent_dim={latent_dims or _LATENT_DIMS}", f"model.beta={betas or _BETAS}")
        grid = _read_grid(click.get_current_context(), sweep.params[0], words)
    # A variant is not a run of the pipeline, so nobody is told.
    config = load_config(config_path, overrides).model_copy(update={"notify": NotifyConfig()})
    variants = variants_of(config, grid)
    sys.exit(session.run(config, partial(run_variants, variants)))
