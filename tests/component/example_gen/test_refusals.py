"""What cannot be read is refused in one sentence that says how to fix it, before anything runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow_datasets as tfds

from components.errors import ConfigurationError, DataError, PipelineError
from components.example_gen.component import TfdsExampleGen
from components.example_gen.driver import complete_properties


def refusal(error: type[PipelineError] = ConfigurationError, **arguments: Any) -> str:
    """What the driver says."""
    component = TfdsExampleGen(**({"splits": {"train": "train"}} | arguments))
    with pytest.raises(error) as caught:
        complete_properties({name: value for name, value in component.exec_properties.items() if value is not None})
    return str(caught.value)


def store_picture(store: Callable[..., Path], pictures: Callable[..., Any]) -> Path:
    """A prepared dataset of one image."""
    return store({"image": tfds.features.Image(shape=(4, 4, 1))}, train=[{"image": pictures(1, 4, 4, 1)[0]}])


def test_an_unknown_dataset_with_the_names_that_are_close(tmp_path: Path) -> None:
    assert refusal(dataset="mnits", data_dir=tmp_path).startswith(
        "tensorflow-datasets knows no dataset 'mnits': did you mean mnist or "
    )


def test_an_unknown_dataset_that_is_close_to_nothing(tmp_path: Path) -> None:
    assert refusal(dataset="qqqqqqqqqq", data_dir=tmp_path) == (
        "tensorflow-datasets knows no dataset 'qqqqqqqqqq'; `tfds.list_builders()` lists what there is"
    )


def test_a_dataset_of_the_community_which_would_be_looked_up_on_the_network(tmp_path: Path) -> None:
    assert refusal(dataset="huggingface:mnist", data_dir=tmp_path).startswith("tensorflow-datasets knows no dataset")


def test_something_that_is_no_name_at_all(tmp_path: Path) -> None:
    assert refusal(dataset="my digits", data_dir=tmp_path).startswith(
        "'my digits' is not the name of a dataset: write e.g. mnist"
    )


def test_an_unknown_configuration_with_those_that_are_close(tmp_path: Path) -> None:
    assert refusal(dataset="emnist/digitz", data_dir=tmp_path) == (
        "the dataset emnist has no configuration 'digitz': did you mean digits?"
    )


def test_a_configuration_of_a_dataset_that_has_none(tmp_path: Path) -> None:
    assert refusal(dataset="mnist/3.0.1", data_dir=tmp_path) == (
        "the dataset mnist has no configurations, so not '3.0.1' either: write only mnist"
    )


@pytest.mark.parametrize("version", ["9.9.9", "newest"])
def test_an_unknown_version_with_those_there_are(tmp_path: Path, version: str) -> None:
    assert refusal(dataset="mnist", version=version, data_dir=tmp_path) == (
        f"the dataset mnist has no version '{version}': this tensorflow-datasets knows 3.0.1"
    )


def test_two_versions_at_once(tmp_path: Path) -> None:
    assert "names another version than '3.0.0'" in refusal(dataset="mnist:3.0.1", version="3.0.0", data_dir=tmp_path)


def test_a_directory_that_holds_no_dataset(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "missing"):
        assert refusal(directory=directory).startswith(f"{directory} holds no prepared dataset, because it has no")


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize(
    "damage",
    [lambda text: text[:100], lambda _: "", lambda _: "null", lambda _: "[" * 10_000],
    ids=["cut short", "empty", "no object", "nested"],
)
def test_a_prepared_dataset_whose_description_is_damaged(
    store: Callable[..., Path], pictures: Callable[..., Any], name: str, damage: Callable[[str], str]
) -> None:
    directory = store_picture(store, pictures)
    (directory / name).write_text(damage((directory / name).read_text()))
    assert refusal(DataError, directory=directory) == (
        f"{directory / name} is cut short or corrupt: prepare that dataset again"
    )


def test_a_prepared_dataset_whose_description_is_of_something_else(
    store: Callable[..., Path], pictures: Callable[..., Any]
) -> None:
    directory = store_picture(store, pictures)
    (directory / "dataset_info.json").write_text('{"name": 3}')
    assert refusal(DataError, directory=directory).startswith(f"tensorflow-datasets cannot open the dataset in {directory} (")


def test_a_manual_dir_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(dataset="mnist", data_dir=tmp_path, manual_dir=tmp_path / "mnits").startswith(
        f"manual_dir {tmp_path / 'mnits'} is not a directory"
    )


@pytest.mark.parametrize("expression", ["tarin", "train[:11]", "train[a:b]", "train["])
def test_a_split_expression_that_means_nothing_here(
    store: Callable[..., Path], pictures: Callable[..., Any], expression: str
) -> None:
    features = {"image": tfds.features.Image(shape=(4, 4, 1))}
    directory = store(features, train=[{"image": pixels} for pixels in pictures(10, 4, 4, 1)])
    assert refusal(directory=directory, splits={"eval": expression}) == (
        f"the split eval is to be {expression!r}, which tiny/1.0.0 cannot give: it has train (10 examples); write the name of"
        " one of them, or a part of it such as train[:80%]"
    )


def test_a_dataset_without_an_image(store: Callable[..., Path]) -> None:
    directory = store({"text": tfds.features.Text()}, train=[{"text": "hello"}])
    assert refusal(directory=directory).startswith("the dataset has no image feature, only text")


def test_a_dataset_with_several_images(store: Callable[..., Path], pictures: Callable[..., Any]) -> None:
    picture = tfds.features.Image(shape=(4, 4, 1))
    (pixels,) = pictures(1, 4, 4, 1)
    directory = store({"left": picture, "right": picture}, train=[{"left": pixels, "right": pixels}])
    assert refusal(directory=directory) == ("the dataset has several image features: set image_feature to one of left, right")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"splits": {"train": "train"}}, "either `dataset`, a name, or `directory`"),
        ({"dataset": "mnist", "directory": "/d", "splits": {"train": "train"}}, "either `dataset`, a name, or `directory`"),
        ({"directory": "/d", "version": "1.0.0", "splits": {"train": "train"}}, "`version` belongs to a named `dataset`"),
        ({"dataset": "mnist", "splits": {}}, "at least one split"),
        ({"dataset": "mnist", "splits": {"train": "train"}, "shards": 0}, "`shards` must be at least 1, but is 0"),
    ],
)
def test_arguments_that_contradict_each_other_when_the_component_is_made(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        TfdsExampleGen(**arguments)


def test_paths_may_be_strings_or_paths() -> None:
    for path in ("/data", Path("/data")):
        component = TfdsExampleGen(dataset="mnist", data_dir=path, splits={"train": "train"})
        assert component.exec_properties["data_dir"] == "/data"
        assert json.loads(component.exec_properties["splits"]) == {"train": "train"}
