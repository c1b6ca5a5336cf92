import numpy as np
import pytest
from tensorflow_datasets import features as tfds_features

from components.errors import ConfigurationError
from components.example_gen.records import ImageFeatures, select_features

GREY = tfds_features.Image(shape=(28, 28, 1))
COLOUR = tfds_features.Image(shape=(None, None, 3))
DIGIT = tfds_features.ClassLabel(num_classes=10)


def test_takes_the_only_image_and_the_feature_called_label() -> None:
    features = tfds_features.FeaturesDict({"image": GREY, "label": DIGIT})
    assert select_features(features, None, None) == ImageFeatures("image", "label", (28, 28, 1), plain=True)


def test_a_dataset_without_a_label_has_none() -> None:
    features = tfds_features.FeaturesDict({"image": COLOUR})
    assert select_features(features, None, None) == ImageFeatures("image", None, (None, None, 3), plain=True)


def test_a_label_that_is_no_integer_is_none_unless_it_is_asked_for() -> None:
    features = tfds_features.FeaturesDict({"image": GREY, "label": tfds_features.Text()})
    assert select_features(features, None, None).label is None
    with pytest.raises(ConfigurationError, match=r"label_feature .label. is not an integer feature .* are none"):
        select_features(features, None, "label")


def test_takes_features_of_other_names_and_inside_others_when_told() -> None:
    features = tfds_features.FeaturesDict(
        {"views": {"front": GREY, "back": GREY}, "digit": DIGIT, "age": tfds_features.Scalar(np.int32)}
    )
    assert select_features(features, "views/back", "age") == ImageFeatures("views/back", "age", (28, 28, 1), plain=False)


@pytest.mark.parametrize(
    "inner",
    [{"picture": GREY}, {"image": GREY, "label": DIGIT, "id": tfds_features.Text()}, {"image": GREY, "digit": DIGIT}],
    ids=["another name", "more features", "an unused label"],
)
def test_records_that_hold_anything_else_are_not_plain(inner: dict[str, tfds_features.FeatureConnector]) -> None:
    assert not select_features(tfds_features.FeaturesDict(inner), None, None).plain


def test_refuses_to_guess_between_several_images() -> None:
    features = tfds_features.FeaturesDict({"left": GREY, "right": GREY})
    with pytest.raises(ConfigurationError, match="several image features: set image_feature to one of left, right"):
        select_features(features, None, None)


def test_a_mask_is_not_the_picture() -> None:
    mask = tfds_features.LabeledImage(labels=2, shape=(None, None, 1))
    assert select_features(tfds_features.FeaturesDict({"image": COLOUR, "mask": mask}), None, None).image == "image"
    with pytest.raises(ConfigurationError, match="set image_feature to one of its masks, mask"):
        select_features(tfds_features.FeaturesDict({"mask": mask}), None, None)


def test_refuses_a_dataset_without_images() -> None:
    with pytest.raises(ConfigurationError, match="has no image feature, only text: choose a dataset of images"):
        select_features(tfds_features.FeaturesDict({"text": tfds_features.Text()}), None, None)


def test_refuses_an_image_feature_that_does_not_exist_or_is_no_image() -> None:
    features = tfds_features.FeaturesDict({"image": GREY, "label": DIGIT})
    for wrong in ("picture", "label"):
        with pytest.raises(ConfigurationError, match=f"'{wrong}' is not an image of the dataset, whose images are image"):
            select_features(features, wrong, None)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (tfds_features.Image(shape=(8, 8, 1), dtype=np.uint16), "holds uint16 pixels, but only 8-bit images"),
        (tfds_features.Image(shape=(8, 8, 1), dtype=np.float32), "holds float32 pixels, but only 8-bit images"),
        (tfds_features.Image(shape=(8, 8, 2)), r"has the shape \(8, 8, 2\)"),
    ],
    ids=["16 bits", "floats", "two channels"],
)
def test_refuses_images_that_an_8_bit_png_cannot_hold(image: tfds_features.Image, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        select_features(tfds_features.FeaturesDict({"image": image}), None, None)
