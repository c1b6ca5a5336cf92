"""`tfx-vae interpolate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from components.artifacts.features import IMAGE
from components.artifacts.signature_names import DECODE, ENCODE, INTERPOLATE, LATENT, LATENT_MEAN
from tfx_vae.serving.commands.options import (
    ImageChoice,
    Preparation,
    SheetChoice,
    failures_as_sentences,
    json_option,
    model_options,
    preparation_options,
    sheet_options,
)

if TYPE_CHECKING:
    from components.artifacts.loaded_model import LoadedModel
    from tfx_vae.serving.image_batches import ImageFile
    from tfx_vae.serving.images import Pixels


@click.command()
@click.argument("start", metavar="A", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("end", metavar="B", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--steps", type=click.IntRange(2, 1000), default=10, show_default=True, metavar="N", help="Images on the path.")
@click.option("--spherical", is_flag=True, help="Go along an arc through the codes, rather than straight.")
@preparation_options
@sheet_options("interpolation.png")
@json_option
@model_options
@failures_as_sentences
def interpolate(
    start: Path,
    end: Path,
    steps: int,
    spherical: bool,
    preparation: Preparation,
    sheet: SheetChoice,
    as_json: bool,
    find_model: Any,
) -> None:
    """Change image A into image B through the latent space.

    The sheet begins with A and ends with B as the model sees them; what stands between is decoded, the ends included. With
    --json the images go to standard output, each as a PNG file in Base64.
    """
    from tfx_vae.serving.commands.model_images import open_images, target_of
    from tfx_vae.serving.commands.output import check_sheet, png_json, print_document, write_sheet
    from tfx_vae.serving.opened_model import load_quietly

    if not as_json:
        check_sheet(sheet)
    batches = open_images(ImageChoice((start, end), skip_unreadable=False))
    location = find_model()
    model = load_quietly(location, [ENCODE, DECODE] if spherical else [INTERPOLATE])
    [[first, last]] = batches.read(target_of(model, preparation), 2)
    path = _spherical(model, first, last, steps) if spherical else _straight(model, first, last, steps)
    if as_json:
        ends = {
            name: {**file.as_json(), "image": png_json(file.image.pixels)} for name, file in (("start", first), ("end", last))
        }
        head = {"model": location.as_json(), "path": "spherical" if spherical else "linear", **ends}
        items = ({"position": number / (steps - 1), "image": png_json(image)} for number, image in enumerate(path))
        print_document(head, "images", items)
        return
    way = "an arc" if spherical else "a straight line"
    write_sheet(sheet, _sheet_of(first, last, path), f"{steps} images on {way} through the latent space of {location}")


def _straight(model: "LoadedModel", first: "ImageFile", last: "ImageFile", steps: int) -> "Pixels":
    from tfx_vae.serving.commands.model_images import pixels_of
    from tfx_vae.serving.sheet import to_bytes

    return to_bytes(model.call(INTERPOLATE, start=pixels_of([first]), end=pixels_of([last]), steps=steps)[IMAGE][0])


def _spherical(model: "LoadedModel", first: "ImageFile", last: "ImageFile", steps: int) -> "Pixels":
    from components.models.latent_paths import spherical_path
    from tfx_vae.serving.commands.model_images import pixels_of
    from tfx_vae.serving.sheet import to_bytes

    means = model.call(ENCODE, **{IMAGE: pixels_of([first, last])})[LATENT_MEAN]
    path = spherical_path(means[:1], means[1:], steps)[0]
    return to_bytes(model.call(DECODE, **{LATENT: path})[IMAGE])


def _sheet_of(first: "ImageFile", last: "ImageFile", path: "Pixels") -> Any:
    import numpy as np

    from tfx_vae.serving.sheet import Sheet

    images = np.concatenate([first.image.pixels[np.newaxis], path, last.image.pixels[np.newaxis]])
    positions = (f"{number / (len(path) - 1):.2f}" for number in range(len(path)))
    return Sheet([images], min(len(images), 12), labels=[first.path.stem, *positions, last.path.stem])
