"""`tfx-vae sample`."""

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from components.artifacts.features import IMAGE
from components.artifacts.signature_names import GENERATE
from tfx_vae.serving.commands.options import SheetChoice, failures_as_sentences, json_option, model_options, sheet_options

if TYPE_CHECKING:
    from components.artifacts.loaded_model import LoadedModel
    from tfx_vae.serving.images import Pixels

_BATCH: Final = 1000
_SEEDS: Final = 2**31


@click.command()
@click.option("--count", type=click.IntRange(min=1), default=64, show_default=True, metavar="N", help="How many images.")
@click.option(
    "--seed", type=click.IntRange(0, _SEEDS - 1), metavar="N", help="The same seed draws the same images; a new one otherwise."
)
@sheet_options("samples.png")
@json_option
@model_options
@failures_as_sentences
def sample(count: int, seed: int | None, sheet: SheetChoice, as_json: bool, find_model: Any) -> None:
    """Draw images from the model's prior: what it takes for images like those it was trained on.

    They go to a sheet, or with --json to standard output, each as a PNG file in Base64.
    """
    import numpy as np

    from tfx_vae.serving.commands.output import check_sheet, png_json, print_document, write_sheet
    from tfx_vae.serving.opened_model import load_quietly
    from tfx_vae.serving.sheet import Sheet, check_size, square

    if not as_json:
        check_sheet(sheet)
    location = find_model()
    model = load_quietly(location, [GENERATE])
    seed = secrets.randbelow(_SEEDS) if seed is None else seed
    if as_json:
        head = {"model": location.as_json(), "seed": seed}
        images = (image for batch in _draw(model, count, seed) for image in batch)
        print_document(head, "images", ({"image": png_json(image)} for image in images))
        return
    check_size(count, *model.image_shape[:2])
    drawn = np.concatenate(list(_draw(model, count, seed)))
    write_sheet(
        sheet, Sheet([drawn], square(count)), f"{count} {'sample' if count == 1 else 'samples'} of {location}, seed {seed}"
    )


def _draw(model: "LoadedModel", count: int, seed: int) -> "Iterator[Pixels]":
    """Batches of images; the first is what the report of a run draws from the same seed."""
    from tfx_vae.serving.sheet import to_bytes

    for number, start in enumerate(range(0, count, _BATCH)):
        drawn = model.call(GENERATE, count=min(_BATCH, count - start), seed=[seed, number])
        yield to_bytes(drawn[IMAGE])
