"""`tfx-vae reconstruct` and `interpolate`: images as a sheet, or as JSON."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from components.artifacts.features import IMAGE
from components.artifacts.signature_names import (
    DECODE,
    ENCODE,
    INTERPOLATE,
    LATENT,
    LATENT_MEAN,
    RECONSTRUCT,
    RECONSTRUCTION,
)
from tfx_vae.serving.commands.options import (
    ImageChoice,
    Preparation,
    SheetChoice,
    image_options,
    json_option,
    model_options,
    preparation_options,
    sheet_options,
)

if TYPE_CHECKING:
    from components.artifacts.image_files import Pixels
    from components.artifacts.loaded_model import LoadedModel
    from tfx_vae.serving.commands.sheet import Sheet
    from tfx_vae.serving.image_batches import ImageBatches, ImageFile
    from tfx_vae.serving.images import Target

_MOST_COLUMNS: Final = 10
_MOST_LABELLED: Final = 100
_MOST_STEPS_IN_A_ROW: Final = 12


@click.command()
@image_options
@sheet_options("reconstructions.png")
@json_option
@model_options
def reconstruct(images: ImageChoice, preparation: Preparation, sheet: SheetChoice, as_json: bool, find_models: Any) -> None:
    """Show images, as the model gets them, above reconstructions.

    IMAGE is an image file of any size and colour, or a directory of images. Writes a sheet, or with --json prints each image
    as a PNG file in Base64.
    """
    from tfx_vae.serving.commands.model import load_quietly, open_images, target_of
    from tfx_vae.serving.commands.output import check_sheet, png_json, print_document, write_sheet
    from tfx_vae.serving.commands.sheet import check_size

    if not as_json:
        check_sheet(sheet)
    batches = open_images(images)
    location, model = load_quietly(find_models(), [RECONSTRUCT])
    target = target_of(model, preparation)
    if as_json:
        items = (
            {**file.as_json(), "image": png_json(file.image.pixels), "reconstruction": png_json(reconstruction)}
            for file, reconstruction in _reconstruct(model, batches, target)
        )
        print_document({"model": location.as_json()}, "images", items, batches.skipped_json)
        return
    check_size(2 * len(batches), target.height, target.width)
    pairs = list(_reconstruct(model, batches, target))
    what = "1 image above its reconstruction" if len(pairs) == 1 else f"{len(pairs)} images above their reconstructions"
    write_sheet(sheet, _sheet_of_pairs(pairs), f"{what} by {location}")


def _reconstruct(model: "LoadedModel", batches: "ImageBatches", target: "Target") -> "Iterator[tuple[ImageFile, Pixels]]":
    from tfx_vae.serving.commands.model import BATCH, pixels_of
    from tfx_vae.serving.commands.sheet import to_bytes

    for batch in batches.read(target, BATCH):
        reconstructions = model.call(RECONSTRUCT, **{IMAGE: pixels_of(batch)})[RECONSTRUCTION]
        yield from zip(batch, to_bytes(reconstructions), strict=True)


def _sheet_of_pairs(pairs: "list[tuple[ImageFile, Pixels]]") -> "Sheet":
    import numpy as np

    from tfx_vae.serving.commands.sheet import Sheet, square

    originals = np.stack([file.image.pixels for file, _ in pairs])
    reconstructions = np.stack([reconstruction for _, reconstruction in pairs])
    if len(pairs) > _MOST_LABELLED:
        return Sheet([originals, reconstructions], square(2 * len(pairs)))
    labels = [file.label for file, _ in pairs]
    return Sheet([originals, reconstructions], min(len(pairs), _MOST_COLUMNS), ("original", "reconstruction"), labels)


@click.command()
@click.argument("start", metavar="A", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("end", metavar="B", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--steps", type=click.IntRange(2, 1000), default=10, show_default=True, metavar="N", help="Images on the path.")
@click.option("--spherical", is_flag=True, help="Interpolate the codes along an arc instead of a straight line.")
@preparation_options
@sheet_options("interpolation.png")
@json_option
@model_options
def interpolate(
    start: Path,
    end: Path,
    steps: int,
    spherical: bool,
    preparation: Preparation,
    sheet: SheetChoice,
    as_json: bool,
    find_models: Any,
) -> None:
    """Interpolate between the images A and B in the latent space.

    The sheet shows A as the model gets it, the decoded codes from A to B, and B. With --json, prints each image as a PNG file
    in Base64.
    """
    from tfx_vae.serving.commands.model import load_quietly, target_of
    from tfx_vae.serving.commands.output import check_sheet, png_json, print_document, write_sheet
    from tfx_vae.serving.image_batches import ImageBatches
    from tfx_vae.serving.images import find_images

    if not as_json:
        check_sheet(sheet)
    batches = ImageBatches(find_images([start, end]), skip_unreadable=False)
    location, model = load_quietly(find_models(), [ENCODE, DECODE] if spherical else [INTERPOLATE])
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
    line = "an arc" if spherical else "a straight line"
    write_sheet(sheet, _sheet_of_path(first, last, path), f"{steps} images on {line} through the latent space of {location}")


def _straight(model: "LoadedModel", first: "ImageFile", last: "ImageFile", steps: int) -> "Pixels":
    from tfx_vae.serving.commands.model import pixels_of
    from tfx_vae.serving.commands.sheet import to_bytes

    return to_bytes(model.call(INTERPOLATE, start=pixels_of([first]), end=pixels_of([last]), steps=steps)[IMAGE][0])


def _spherical(model: "LoadedModel", first: "ImageFile", last: "ImageFile", steps: int) -> "Pixels":
    from components.models.latent_space import spherical_path
    from tfx_vae.serving.commands.model import pixels_of
    from tfx_vae.serving.commands.sheet import to_bytes

    means = model.call(ENCODE, **{IMAGE: pixels_of([first, last])})[LATENT_MEAN]
    path = spherical_path(means[:1], means[1:], steps)[0]
    return to_bytes(model.call(DECODE, **{LATENT: path})[IMAGE])


def _sheet_of_path(first: "ImageFile", last: "ImageFile", path: "Pixels") -> "Sheet":
    import numpy as np

    from tfx_vae.serving.commands.sheet import Sheet

    images = np.concatenate([first.image.pixels[np.newaxis], path, last.image.pixels[np.newaxis]])
    positions = (f"{number / (len(path) - 1):.2f}" for number in range(len(path)))
    return Sheet([images], min(len(images), _MOST_STEPS_IN_A_ROW), labels=[first.label, *positions, last.label])
