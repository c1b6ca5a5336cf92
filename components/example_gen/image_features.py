"""Which features of a dataset are the image and the label."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow_datasets as tfds

from components.artifacts.features import IMAGE, LABEL
from components.errors import ConfigurationError


@dataclass(frozen=True)
class ImageFeatures:
    """The features of a dataset that go into a pipeline.

    Attributes:
      image: Path of the image feature, e.g. ``"image"`` or ``"views/front"``.
      label: Path of the label feature, or None.
      shape: (height, width, channels) of the image; None where images differ.
      plain: Whether records may hold exactly what this component gives, so that they can be copied.
    """

    image: str
    label: str | None
    shape: tuple[int | None, int | None, int | None]
    plain: bool


def select_features(features: tfds.features.FeaturesDict, image: str | None, label: str | None) -> ImageFeatures:
    """Finds the image and the label.

    Args:
      features: All features of the dataset.
      image: Path of the image feature, or None for the only one.
      label: Path of an integer feature, or None for `label` if that is an integer, and no label otherwise.

    Raises:
      ConfigurationError: If there is no such feature, several may be meant, or it is of another kind.
    """
    known = dict(_flatten(features))
    image_path = _image_path(known, image)
    label_path = _label_path(known, label)
    names = {IMAGE} if label_path is None else {IMAGE, LABEL}
    return ImageFeatures(
        image=image_path,
        label=label_path,
        shape=known[image_path].shape,
        plain=image_path == IMAGE and label_path in (None, LABEL) and set(known) == names,
    )


def _flatten(feature: tfds.features.FeatureConnector, path: str = "") -> Iterator[tuple[str, tfds.features.FeatureConnector]]:
    # Subclasses of FeaturesDict are features of their own, e.g. translations.
    if type(feature) is tfds.features.FeaturesDict:
        for name, inner in feature.items():
            yield from _flatten(inner, f"{path}/{name}" if path else name)
    else:
        yield path, feature


def _image_path(known: dict[str, tfds.features.FeatureConnector], wanted: str | None) -> str:
    images = [path for path, feature in known.items() if isinstance(feature, tfds.features.Image)]
    if wanted is None:
        # A mask of the picture is an image as well, but nobody means it without saying so.
        pictures = [path for path in images if not isinstance(known[path], tfds.features.LabeledImage)]
        if len(pictures) > 1:
            raise ConfigurationError(f"the dataset has several image features: set image_feature to one of {_listed(pictures)}")
        if not pictures:
            raise ConfigurationError(
                f"the dataset has no image feature, only {_listed(known)}: choose a dataset of images"
                + (f", or set image_feature to one of its masks, {_listed(images)}" if images else "")
            )
        wanted = pictures[0]
    elif wanted not in images:
        raise ConfigurationError(f"image_feature {wanted!r} is not an image of the dataset, whose images are {_listed(images)}")
    _refuse_unusual_image(wanted, known[wanted])
    return wanted


def _refuse_unusual_image(path: str, feature: tfds.features.Image) -> None:
    if np.dtype(feature.np_dtype) != np.uint8:
        raise ConfigurationError(
            f"the image feature {path!r} holds {np.dtype(feature.np_dtype).name} pixels, but only 8-bit images (uint8) can be"
            " read: choose another image_feature or dataset"
        )
    if len(feature.shape) != 3 or feature.shape[-1] not in (None, 1, 3, 4):
        raise ConfigurationError(
            f"the image feature {path!r} has the shape {feature.shape}, but only [height, width, channels] with 1, 3 or 4"
            " channels can be read: choose another image_feature or dataset"
        )


def _label_path(known: dict[str, tfds.features.FeatureConnector], wanted: str | None) -> str | None:
    integers = [path for path, feature in known.items() if _is_integer(feature)]
    if wanted is None:
        return LABEL if LABEL in integers else None
    if wanted not in integers:
        raise ConfigurationError(
            f"label_feature {wanted!r} is not an integer feature of the dataset, whose integer features are {_listed(integers)}"
        )
    return wanted


def _is_integer(feature: tfds.features.FeatureConnector) -> bool:
    # Tensor covers Scalar and ClassLabel; anything else (a sequence, a text) has a meaning beyond its type.
    return (
        isinstance(feature, tfds.features.Tensor)
        and feature.shape == ()
        and (np.issubdtype(feature.np_dtype, np.integer) or feature.np_dtype == np.bool_)
    )


def _listed(names: dict[str, tfds.features.FeatureConnector] | list[str]) -> str:
    return ", ".join(sorted(names)) or "none"
