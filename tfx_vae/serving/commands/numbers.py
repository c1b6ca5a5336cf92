"""`tfx-vae encode` and `score`: codes and losses of images, as JSON or a table."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from components.artifacts.features import IMAGE, IW_NLL, KL_DIVERGENCE, NEGATIVE_ELBO, RECONSTRUCTION_LOSS, SQUARED_ERROR, SSIM
from components.artifacts.signature_names import (
    ENCODE,
    EVALUATE,
    EVALUATE_IW_NLL,
    EXAMPLES,
    LATENT_LOG_VARIANCE,
    LATENT_MEAN,
    SAMPLES,
)
from components.errors import ConfigurationError
from tfx_vae.serving.commands.options import (
    ImageChoice,
    Preparation,
    image_options,
    json_option,
    model_options,
)

if TYPE_CHECKING:
    from components.artifacts.loaded_model import LoadedModel
    from tfx_vae.serving.image_batches import ImageBatches
    from tfx_vae.serving.images import Target
    from tfx_vae.serving.reference import Reference

DISTANCE: Final = "distance"
REFERENCE_SHARE: Final = "reference_share"
_LOSSES: Final = (NEGATIVE_ELBO, RECONSTRUCTION_LOSS, KL_DIVERGENCE, SQUARED_ERROR, SSIM)
# The importance-weighted bound is slow: small batches keep the progress bar moving.
_BATCH_OF_BOUNDS: Final = 16


@click.command()
@image_options
@model_options
def encode(images: ImageChoice, preparation: Preparation, find_models: Any) -> None:
    """Print the posterior of each image as JSON.

    IMAGE is an image file of any size and colour, or a directory of images. The code of an autoencoder is the mean; its log
    variance is null.
    """
    from tfx_vae.serving.commands.model import load_quietly, open_images, target_of
    from tfx_vae.serving.commands.output import print_document

    batches = open_images(images)
    location, model = load_quietly(find_models(), [ENCODE])
    target = target_of(model, preparation)
    print_document({"model": location.as_json()}, "images", _encode(model, batches, target), batches.skipped_json)


def _encode(model: "LoadedModel", batches: "ImageBatches", target: "Target") -> Iterator[dict[str, Any]]:
    from tfx_vae.serving.commands.model import BATCH, pixels_of

    for batch in batches.read(target, BATCH):
        codes = model.call(ENCODE, **{IMAGE: pixels_of(batch)})
        for index, file in enumerate(batch):
            log_variance = codes[LATENT_LOG_VARIANCE][index] if LATENT_LOG_VARIANCE in codes else None
            yield {**file.as_json(), LATENT_MEAN: codes[LATENT_MEAN][index], LATENT_LOG_VARIANCE: log_variance}


@click.command()
@image_options
@click.option(
    "--reference",
    "references",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="IMAGE",
    help="Images known to be normal and from the same source, or a directory of them: adds the distance of each image from "
    "them. May be repeated.",
)
@click.option(
    "--importance-samples",
    type=click.IntRange(min=1),
    metavar="K",
    help="Also print a tighter bound on -log p(x) from K codes of each image: slower, and with less random variation.",
)
@click.option("--sort", is_flag=True, help="Sort by score, the most unusual image first.")
@json_option
@model_options
def score(
    images: ImageChoice,
    preparation: Preparation,
    references: tuple[Path, ...],
    importance_samples: int | None,
    sort: bool,
    as_json: bool,
    find_models: Any,
) -> None:
    """Score how unlike the training data each image is.

    The score is the negative ELBO in nats per image; higher is more unusual.
    IMAGE is an image file of any size and colour, or a directory of images. Simple images, such as an empty one, get low
    scores with every model: --reference finds them too (docs/serving.md).
    """
    from tfx_vae.metadata.printing import show_to_person
    from tfx_vae.serving.commands.model import load_quietly, open_images, target_of
    from tfx_vae.serving.commands.output import print_document
    from tfx_vae.serving.commands.scores import print_scores

    batches = open_images(images)
    normal = open_images(images._replace(paths=references)) if references else None
    location, model = load_quietly(find_models(), [EVALUATE, *([EVALUATE_IW_NLL] if importance_samples else [])])
    target = target_of(model, preparation)
    reference = None if normal is None else _fit(model, normal, target)
    scores = _score(model, batches, target, importance_samples, reference)
    if sort:
        by = DISTANCE if reference else IW_NLL if importance_samples else NEGATIVE_ELBO
        scores = iter(sorted(scores, key=lambda image: -math.inf if math.isnan(image[by]) else -image[by]))
    if as_json:
        count = None if normal is None else len(normal)
        head = {"model": location.as_json(), "importance_samples": importance_samples, "reference_images": count}
        print_document(head, "images", scores, batches.skipped_json)
        return
    rows = list(scores)
    show_to_person(lambda console: print_scores(rows, console))


def _fit(model: "LoadedModel", normal: "ImageBatches", target: "Target") -> "Reference":
    import numpy as np

    from tfx_vae.serving.commands.model import BATCH, examples_of
    from tfx_vae.serving.reference import STATISTICS, Reference

    missing = [name for name in STATISTICS if name not in model.signatures[EVALUATE].outputs]
    if missing:
        raise ConfigurationError(f"--reference needs {', '.join(missing)}, which the model in {model.directory} does not give.")
    parts = [
        model.call(EVALUATE, **{EXAMPLES: examples_of(file.image.pixels for file in batch)})
        for batch in normal.read(target, BATCH, "Reference images: ")
    ]
    return Reference({name: np.concatenate([part[name] for part in parts] or [np.zeros(0)]) for name in STATISTICS})


def _score(
    model: "LoadedModel",
    batches: "ImageBatches",
    target: "Target",
    importance_samples: int | None,
    reference: "Reference | None",
) -> Iterator[dict[str, Any]]:
    """The JSON of each image; values that were not asked for are None."""
    from tfx_vae.serving.commands.model import BATCH, examples_of

    for batch in batches.read(target, _BATCH_OF_BOUNDS if importance_samples else BATCH):
        examples = {EXAMPLES: examples_of(file.image.pixels for file in batch)}
        outputs = model.call(EVALUATE, **examples)
        # Models exported by older versions lack some outputs.
        columns: dict[str, Any] = dict.fromkeys((*_LOSSES, IW_NLL, DISTANCE, REFERENCE_SHARE), [None] * len(batch))
        columns |= {name: outputs[name] for name in _LOSSES if name in outputs}
        if importance_samples:
            columns |= model.call(EVALUATE_IW_NLL, **examples, **{SAMPLES: importance_samples})
        if reference:
            columns[DISTANCE] = reference.distance(outputs)
            columns[REFERENCE_SHARE] = reference.share_beyond(columns[DISTANCE])
        for index, file in enumerate(batch):
            yield {**file.as_json(), **{name: values[index] for name, values in columns.items()}}
