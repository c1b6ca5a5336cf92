"""`tfx-vae score`."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from components.artifacts.features import IW_NLL, KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS, SQUARED_ERROR, SSIM
from components.artifacts.signature_names import EVALUATE, EVALUATE_IW_NLL, EXAMPLES, SAMPLES
from components.errors import ConfigurationError
from tfx_vae.serving.commands.options import (
    ImageChoice,
    Preparation,
    failures_as_sentences,
    image_options,
    json_option,
    model_options,
)
from tfx_vae.serving.commands.score_table import DISTANCE, REFERENCE_SHARE

if TYPE_CHECKING:
    from components.artifacts.loaded_model import LoadedModel
    from tfx_vae.serving.image_batches import ImageBatches
    from tfx_vae.serving.images import Target
    from tfx_vae.serving.reference import Reference

_LOSSES: Final = (NEGATIVE_ELBO, RECONSTRUCTION_LOSS, KL_DIVERGENCE, SQUARED_ERROR, SSIM)
# The bound takes long: more often a sign of life.
_BATCH_OF_BOUNDS: Final = 16


@click.command()
@image_options
@click.option(
    "--reference",
    "references",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="IMAGE",
    help="Images, or a directory of them, that are known to be of the right kind and come from the same source: says how far "
    "each image is from them.",
)
@click.option(
    "--importance-samples",
    type=click.IntRange(min=1),
    metavar="K",
    help="Also a tighter bound on -log p(x), from K codes of each image: slower, and less a matter of chance.",
)
@click.option("--sort", is_flag=True, help="The most unlike image first, rather than the order given.")
@json_option
@model_options
@failures_as_sentences
def score(
    images: ImageChoice,
    preparation: Preparation,
    references: tuple[Path, ...],
    importance_samples: int | None,
    sort: bool,
    as_json: bool,
    find_model: Any,
) -> None:
    """Say how unlike the training data each image is: the negative ELBO in nats per image; the higher, the less alike.

    IMAGE is a file of any size and colour, or a directory with images below it. Simple images, such as an empty one, get low
    scores whatever the model was trained on: --reference finds them too, see docs/serving.md.
    """
    from tfx_vae.metadata.rendering.screen import show_to_person
    from tfx_vae.serving.commands.model_images import open_images, target_of
    from tfx_vae.serving.commands.output import print_document
    from tfx_vae.serving.commands.score_table import print_scores
    from tfx_vae.serving.opened_model import load_quietly

    batches = open_images(images)
    usual = open_images(images._replace(paths=references)) if references else None
    location = find_model()
    model = load_quietly(location, [EVALUATE, *([EVALUATE_IW_NLL] if importance_samples else [])])
    target = target_of(model, preparation)
    reference = None if usual is None else _fit(model, usual, target)
    scores = _score(model, batches, target, importance_samples, reference)
    if sort:
        by = DISTANCE if reference else IW_NLL if importance_samples else NEGATIVE_ELBO
        scores = iter(sorted(scores, key=lambda image: -math.inf if math.isnan(image[by]) else -image[by]))
    if as_json:
        count = None if usual is None else len(usual)
        head = {"model": location.as_json(), "importance_samples": importance_samples, "reference_images": count}
        print_document(head, "images", scores, batches.skipped_json)
        return
    rows = list(scores)
    show_to_person(lambda console: print_scores(rows, console))


def _fit(model: "LoadedModel", usual: "ImageBatches", target: "Target") -> "Reference":
    import numpy as np

    from tfx_vae.serving.commands.model_images import BATCH, examples_of
    from tfx_vae.serving.reference import STATISTICS, Reference

    missing = [name for name in STATISTICS if name not in model.signatures[EVALUATE].outputs]
    if missing:
        raise ConfigurationError(f"--reference needs {', '.join(missing)}, which the model in {model.directory} does not give.")
    parts = [
        model.call(EVALUATE, **{EXAMPLES: examples_of(file.image.pixels for file in batch)})
        for batch in usual.read(target, BATCH, "Reference images: ")
    ]
    return Reference({name: np.concatenate([part[name] for part in parts] or [np.zeros(0)]) for name in STATISTICS})


def _score(
    model: "LoadedModel",
    batches: "ImageBatches",
    target: "Target",
    importance_samples: int | None,
    reference: "Reference | None",
) -> Iterator[dict[str, Any]]:
    """For each image what JSON says about it; what is not asked for is None."""
    from tfx_vae.serving.commands.model_images import BATCH, examples_of

    for batch in batches.read(target, _BATCH_OF_BOUNDS if importance_samples else BATCH):
        examples = {EXAMPLES: examples_of(file.image.pixels for file in batch)}
        outputs = model.call(EVALUATE, **examples)
        # A model that an older version exported has not all of the outputs.
        columns: dict[str, Any] = dict.fromkeys((*_LOSSES, IW_NLL, DISTANCE, REFERENCE_SHARE), [None] * len(batch))
        columns |= {name: outputs[name] for name in _LOSSES if name in outputs}
        if importance_samples:
            columns |= model.call(EVALUATE_IW_NLL, **examples, **{SAMPLES: importance_samples})
        if reference:
            columns[DISTANCE] = reference.distance(outputs)
            columns[REFERENCE_SHARE] = reference.share_beyond(columns[DISTANCE])
        for index, file in enumerate(batch):
            yield {**file.as_json(), **{name: values[index] for name, values in columns.items()}}
