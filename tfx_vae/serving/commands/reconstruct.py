"""`tfx-vae reconstruct`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from components.artifacts.features import IMAGE
from components.artifacts.signature_names import RECONSTRUCT, RECONSTRUCTION
from tfx_vae.serving.commands.options import (
    ImageChoice,
    Preparation,
    SheetChoice,
    failures_as_sentences,
    image_options,
    json_option,
    model_options,
    sheet_options,
)

if TYPE_CHECKING:
    from components.artifacts.loaded_model import LoadedModel
    from tfx_vae.serving.image_batches import ImageBatches, ImageFile
    from tfx_vae.serving.images import Pixels, Target

_BESIDE: Final = 10
_MOST_LABELLED: Final = 100


@click.command()
@image_options
@sheet_options("reconstructions.png")
@json_option
@model_options
@failures_as_sentences
def reconstruct(images: ImageChoice, preparation: Preparation, sheet: SheetChoice, as_json: bool, find_model: Any) -> None:
    """Show images as the model sees them, above what it makes of them.

    IMAGE is a file of any size and colour, or a directory with images below it. They go to a sheet, or with --json to
    standard output, each as a PNG file in Base64.
    """
    from tfx_vae.serving.commands.model_images import open_images, target_of
    from tfx_vae.serving.commands.output import check_sheet, png_json, print_document, write_sheet
    from tfx_vae.serving.opened_model import load_quietly
    from tfx_vae.serving.sheet import check_size

    if not as_json:
        check_sheet(sheet)
    batches = open_images(images)
    location = find_model()
    model = load_quietly(location, [RECONSTRUCT])
    target = target_of(model, preparation)
    if as_json:
        items = (
            {**file.as_json(), "image": png_json(file.image.pixels), "reconstruction": png_json(reconstruction)}
            for file, reconstruction in _reconstruct(model, batches, target)
        )
        print_document({"model": location.as_json()}, "images", items, batches.skipped_json)
        return
    check_size(2 * len(batches), target.height, target.width)
    done = list(_reconstruct(model, batches, target))
    images_and = "1 image above its reconstruction" if len(done) == 1 else f"{len(done)} images above their reconstructions"
    write_sheet(sheet, _sheet_of(done), f"{images_and} by {location}")


def _reconstruct(model: "LoadedModel", batches: "ImageBatches", target: "Target") -> "Iterator[tuple[ImageFile, Pixels]]":
    from tfx_vae.serving.commands.model_images import BATCH, pixels_of
    from tfx_vae.serving.sheet import to_bytes

    for batch in batches.read(target, BATCH):
        reconstructions = model.call(RECONSTRUCT, **{IMAGE: pixels_of(batch)})[RECONSTRUCTION]
        yield from zip(batch, to_bytes(reconstructions), strict=True)


def _sheet_of(done: "list[tuple[ImageFile, Pixels]]") -> Any:
    import numpy as np

    from tfx_vae.serving.sheet import Sheet, square

    originals = np.stack([file.image.pixels for file, _ in done])
    reconstructions = np.stack([reconstruction for _, reconstruction in done])
    if len(done) > _MOST_LABELLED:
        return Sheet([originals, reconstructions], square(2 * len(done)))
    labels = [file.path.stem for file, _ in done]
    return Sheet([originals, reconstructions], min(len(done), _BESIDE), ("original", "reconstruction"), labels)
