"""`tfx-vae encode`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from components.artifacts.features import IMAGE
from components.artifacts.signature_names import ENCODE, LATENT_LOG_VARIANCE, LATENT_MEAN
from tfx_vae.serving.commands.options import ImageChoice, Preparation, failures_as_sentences, image_options, model_options

if TYPE_CHECKING:
    from components.artifacts.loaded_model import LoadedModel
    from tfx_vae.serving.image_batches import ImageBatches
    from tfx_vae.serving.images import Target


@click.command()
@image_options
@model_options
@failures_as_sentences
def encode(images: ImageChoice, preparation: Preparation, find_model: Any) -> None:
    """Print the posterior of each image, its mean and its log variance, as JSON (docs/serving.md).

    IMAGE is a file of any size and colour, or a directory with images below it. An autoencoder's code is the mean, and its log
    variance is null.
    """
    from tfx_vae.serving.commands.model_images import open_images, target_of
    from tfx_vae.serving.commands.output import print_document
    from tfx_vae.serving.opened_model import load_quietly

    batches = open_images(images)
    location = find_model()
    model = load_quietly(location, [ENCODE])
    target = target_of(model, preparation)
    print_document({"model": location.as_json()}, "images", _encode(model, batches, target), batches.skipped_json)


def _encode(model: "LoadedModel", batches: "ImageBatches", target: "Target") -> Iterator[dict[str, Any]]:
    from tfx_vae.serving.commands.model_images import BATCH, pixels_of

    for batch in batches.read(target, BATCH):
        codes = model.call(ENCODE, **{IMAGE: pixels_of(batch)})
        for index, file in enumerate(batch):
            log_variance = codes[LATENT_LOG_VARIANCE][index] if LATENT_LOG_VARIANCE in codes else None
            yield {**file.as_json(), LATENT_MEAN: codes[LATENT_MEAN][index], LATENT_LOG_VARIANCE: log_variance}
