"""`tfx-vae sweep`. Imports slow modules only when it is called."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from pipelines.config import NotifyConfig, load_config
from tfx_vae.options import config_option, set_option

_Number = TypeVar("_Number", int, float)


def _numbers(kind: Callable[[str], _Number]) -> Callable[[click.Context, click.Parameter, str], list[_Number]]:
    """Reads numbers separated by commas."""

    def read(_context: click.Context, _parameter: click.Parameter, text: str) -> list[_Number]:
        try:
            return [kind(part) for part in text.split(",")]
        except ValueError as error:
            raise click.BadParameter(f"{text!r} must be numbers separated by commas, such as 2,8,32.") from error

    return read


@click.command()
@click.option("--latent-dims", default="2,8,16,32,64", show_default=True, callback=_numbers(int), help="Latent sizes.")
@click.option("--betas", default="0.5,1,4", show_default=True, callback=_numbers(float), help="Weights of the KL divergence.")
@config_option
@set_option
def sweep(latent_dims: list[int], betas: list[float], config_path: Path, overrides: tuple[str, ...]) -> None:
    """Train variants, and draw rate against distortion.

    A variant is trained for every latent size with every beta. The components before the Trainer use the cache of the
    pipeline's runs and of earlier variants. A sweep that is repeated, or was interrupted, trains only the missing variants. The
    models are evaluated, but not pushed and never used as a baseline.
    """
    from pipelines.local import session
    from tfx_vae.sweep.sweep import run_variants
    from tfx_vae.sweep.variants import variants_of

    # A variant is not a run of the pipeline, so nobody is told.
    config = load_config(config_path, overrides).model_copy(update={"notify": NotifyConfig()})
    variants = variants_of(config, latent_dims, betas)
    sys.exit(session.run(config, partial(run_variants, variants)))
