"""Runs every variant, one after the other, and writes the results."""

import logging
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from components.progress import part_of
from pipelines.config import PipelineConfig
from pipelines.local.display import RunDisplay
from pipelines.local.process import log_to_stderr
from pipelines.mlmd.lock import database_lock
from tfx_vae.sweep.variants import Variant


def run_variants(variants: Sequence[Variant], config: PipelineConfig, run_id: str, log: Path, console: Console) -> None:
    """Runs the variants of `tfx-vae sweep`, and prints their table and where the page is.

    Args:
      variants: At least one.
      config: The configuration that the variants change.
      run_id: The id of the sweep; the names of the variants' runs start with it.
      log: The log of the sweep.
      console: Where to print.

    Raises:
      Exception: The exception of the first component that fails. The same command continues the sweep.
    """
    display = RunDisplay(console)
    results = []
    with display.running(), database_lock(config.metadata_location, f"sweep {run_id} of {config.name}", display.waiting):
        with display.activity("starting TFX"):
            from tfx_vae.sweep.results import print_results, read_result, write_results
            from tfx_vae.sweep.runner import run_variant
        # absl replaces the handlers of the root logger when TFX is imported.
        log_to_stderr()
        logging.getLogger("apache_beam").setLevel(logging.WARNING)
        for number, variant in enumerate(variants, 1):
            name, place = f"{run_id}-{variant.name}", f"variant {number} of {len(variants)}"
            console.print(Text(f"\n{place.capitalize()}: {variant.title}", style="bold"), soft_wrap=True)
            with part_of(place):
                nodes = run_variant(config.name, variant.config, name, log, display)
            results.append(read_result(variant, name, nodes))
    print_results(results, console)
    page = write_results(config.name, results, config.runtime.root / "sweeps" / config.name / run_id)
    console.print(f"\nThe page: {page}", highlight=False, markup=False, soft_wrap=True)
