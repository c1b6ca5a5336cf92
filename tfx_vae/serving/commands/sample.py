"""`tfx-vae sample`: new images, of a label or of any, as a sheet or as JSON."""

import secrets
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from components.artifacts.features import IMAGE, LABEL
from components.artifacts.signature_names import (
    COUNT,
    GENERATE,
    GENERATE_AT_TEMPERATURE,
    GENERATE_LABELLED,
    SEED,
    TEMPERATURE,
)
from components.errors import ConfigurationError
from tfx_vae.serving.commands.options import SheetChoice, json_option, model_options, sheet_options

if TYPE_CHECKING:
    from components.artifacts.image_files import Pixels
    from components.artifacts.loaded_model import LoadedModel
    from tfx_vae.serving.commands.model import ModelLocation

_AT_ONCE: Final = 1000
_SEEDS: Final = 2**31
_COUNT: Final = 64
_COUNT_IN_A_ROW: Final = 10
_MOST_COLUMNS: Final = 20
_HOTTEST: Final = 2.0
_LISTED: Final = 20


class _Label(NamedTuple):
    number: int
    name: str


def _check_temperature(_context: click.Context, _parameter: click.Parameter, temperature: float) -> float:
    if not 0 <= temperature <= _HOTTEST:  # neither is NaN
        raise click.BadParameter(f"{temperature:g} is not between 0 and {_HOTTEST:g}: 1 draws from the prior itself.")
    return temperature


@click.command()
@click.option(
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Number of images, of each label if there are several. Default: {_COUNT}, or {_COUNT_IN_A_ROW} of each label.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="LABEL",
    help="Draw images of this label, given by its name or its number. May be repeated: a row for each.",
)
@click.option(
    "--temperature",
    type=float,
    default=1.0,
    show_default=True,
    metavar="T",
    callback=_check_temperature,
    help=f"From 0 to {_HOTTEST:g}. Below 1: more typical images that differ less. 0: only the most typical ones.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, _SEEDS - 1),
    metavar="N",
    help="The same seed gives the same images. Default: a random seed, which is printed.",
)
@sheet_options("samples.png")
@json_option
@model_options
def sample(
    count: int | None,
    labels: tuple[str, ...],
    temperature: float,
    seed: int | None,
    sheet: SheetChoice,
    as_json: bool,
    find_models: Any,
) -> None:
    """Draw new images from the model's prior, or of labels.

    Writes a sheet, or with --json prints each image as a PNG file in Base64.
    """
    import numpy as np

    from tfx_vae.serving.commands.model import load_quietly
    from tfx_vae.serving.commands.output import check_sheet, png_json, print_document, write_sheet
    from tfx_vae.serving.commands.sheet import Sheet, check_size, square

    if not as_json:
        check_sheet(sheet)
    location, model = load_quietly(find_models(), [GENERATE if temperature == 1 else GENERATE_AT_TEMPERATURE])
    count = count or (_COUNT_IN_A_ROW if len(labels) > 1 else _COUNT)
    found = _find_labels(labels, model, location)
    drawn: Sequence[_Label | None] = found or [None]
    seed = secrets.randbelow(_SEEDS) if seed is None else seed
    if as_json:
        images = (
            {"label": label and label.name, "image": png_json(image)}
            for label in drawn
            for batch in _draw(model, count, seed, label, temperature)
            for image in batch
        )
        print_document({"model": location.as_json(), "seed": seed, "temperature": temperature}, "images", images)
        return
    check_size(count * len(drawn), *model.image_shape[:2])
    rows = [np.concatenate(list(_draw(model, count, seed, label, temperature))) for label in drawn]
    has_rows = len(found) > 1
    names = [label.name for label in found] if has_rows else []
    asked = _describe(found, temperature)
    sheet_of = Sheet(rows, min(count, _MOST_COLUMNS) if has_rows else square(count), names, title=", ".join(asked))
    samples = f"{'1 sample' if count == 1 else f'{count} samples'}{' of each label' if has_rows else ''}"
    write_sheet(sheet, sheet_of, ", ".join([f"{samples} of {location}", *asked, f"seed {seed}"]))


def _find_labels(wanted: Sequence[str], model: "LoadedModel", location: "ModelLocation") -> list[_Label]:
    """Labels that are given by their names or by their numbers."""
    if wanted and GENERATE_LABELLED not in model.signatures:
        raise ConfigurationError(
            f"{location} cannot draw a label: its training images have none, or more than 100, or an older version exported it."
            " Leave out --label, or train a model of labelled images."
        )
    known = [_Label(number, name) for number, name in (model.labels if wanted else {}).items()]
    # A name comes first: a folder may be called 3, and be the first.
    by_text = {str(label.number): label for label in known} | {label.name: label for label in known}
    if unknown := [text for text in wanted if text not in by_text]:
        raise ConfigurationError(_unknown(unknown[0], [label.name for label in known], location))
    return [by_text[text] for text in wanted]


def _unknown(text: str, names: list[str], location: "ModelLocation") -> str:
    by_lower_case = {name.lower(): name for name in names}
    near = [by_lower_case[name] for name in get_close_matches(text.lower(), by_lower_case)]
    known = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"{location} knows no label '{text}'.{guess} Its labels are {known}."


def _draw(model: "LoadedModel", count: int, seed: int, label: _Label | None, temperature: float) -> "Iterator[Pixels]":
    """Batches of images; the first of a prior is the one that a run's report draws from the same seed."""
    from tfx_vae.serving.commands.sheet import to_bytes

    signature, inputs = GENERATE, dict[str, Any]()
    if label is not None:
        signature, inputs = GENERATE_LABELLED, {LABEL: label.number, TEMPERATURE: temperature}
    elif temperature != 1:
        signature, inputs = GENERATE_AT_TEMPERATURE, {TEMPERATURE: temperature}
    for number, start in enumerate(range(0, count, _AT_ONCE)):
        drawn = model.call(signature, **{COUNT: min(_AT_ONCE, count - start), SEED: [seed, number], **inputs})
        yield to_bytes(drawn[IMAGE])


def _describe(labels: Sequence[_Label], temperature: float) -> list[str]:
    """What was asked for, if that is not the prior itself."""
    names = ", ".join(label.name for label in labels)
    parts = [f"label{'s' if len(labels) > 1 else ''} {names}"] if labels else []
    return parts if temperature == 1 else [*parts, f"temperature {temperature:g}"]
