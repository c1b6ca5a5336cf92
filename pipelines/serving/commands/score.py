"""`tfx-vae score`."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from components.features import IW_NLL, KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS
from components.trainer.signature_names import EVALUATE, EVALUATE_IW_NLL, EXAMPLES, SAMPLES
from pipelines.serving.commands.options import ImageChoice, failures_as_sentences, image_options, json_option, model_options

if TYPE_CHECKING:
    from components.loaded_model import LoadedModel
    from pipelines.serving.image_batches import ImageBatches
    from pipelines.serving.images import Target

_LOSSES: Final = (NEGATIVE_ELBO, RECONSTRUCTION_LOSS, KL_DIVERGENCE)
# The bound takes long: more often a sign of life.
_BATCH_OF_BOUNDS: Final = 16


@click.command()
@image_options
@click.option(
    "--importance-samples",
    type=click.IntRange(min=1),
    metavar="K",
    help="Also a tighter bound on -log p(x), from K codes of each image: slower, and less a matter of chance.",
)
@click.option("--sort", is_flag=True, help="The least likely image first, rather than the order given.")
@json_option
@model_options
@failures_as_sentences
def score(images: ImageChoice, importance_samples: int | None, sort: bool, as_json: bool, find_model: Any) -> None:
    """Say how unlike the training data each image is: the negative ELBO in nats per image; the higher, the less alike.

    IMAGE is a file of any size and colour, or a directory with images below it. Simple images, such as an empty one, get low
    scores whatever the model was trained on: docs/serving.md says what to do about it.
    """
    from pipelines.metadata.rendering.screen import show_to_person
    from pipelines.serving.commands.model_images import open_images, target_of
    from pipelines.serving.commands.output import print_document
    from pipelines.serving.commands.score_table import print_scores
    from pipelines.serving.opened_model import load_quietly

    batches = open_images(images)
    location = find_model()
    model = load_quietly(location, [EVALUATE, *([EVALUATE_IW_NLL] if importance_samples else [])])
    target = target_of(model, images.background, images.invert)
    scores = _score(model, batches, target, importance_samples)
    if sort:
        by = IW_NLL if importance_samples else NEGATIVE_ELBO
        scores = iter(sorted(scores, key=lambda image: -math.inf if math.isnan(image[by]) else -image[by]))
    if as_json:
        head = {"model": location.as_json(), "importance_samples": importance_samples}
        print_document(head, "images", scores, batches.skipped_json)
        return
    rows = list(scores)
    show_to_person(lambda console: print_scores(rows, console))


def _score(
    model: "LoadedModel", batches: "ImageBatches", target: "Target", importance_samples: int | None
) -> Iterator[dict[str, Any]]:
    """For each image what JSON says about it; the bound is None if it is not asked for."""
    from pipelines.serving.commands.model_images import BATCH, examples_of

    for batch in batches.read(target, _BATCH_OF_BOUNDS if importance_samples else BATCH):
        examples = {EXAMPLES: examples_of(file.image.pixels for file in batch)}
        losses = model.call(EVALUATE, **examples)
        if importance_samples:
            losses |= model.call(EVALUATE_IW_NLL, **examples, **{SAMPLES: importance_samples})
        for index, file in enumerate(batch):
            bound = losses[IW_NLL][index] if importance_samples else None
            yield {**file.as_json(), **{name: losses[name][index] for name in _LOSSES}, IW_NLL: bound}
