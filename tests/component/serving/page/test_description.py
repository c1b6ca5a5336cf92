"""What the page is told of the model."""

import shutil
from pathlib import Path

import orjson

from components.artifacts.latent_map import LATENT_MAP_FILE, read_map
from components.artifacts.loaded_model import LoadedModel
from tfx_vae.serving.server.answers import describe


def test_a_vae_is_described_with_its_map(model: LoadedModel, grey_vae: Path):
    described = orjson.loads(orjson.dumps(describe(model, "digits", 3)))

    latent_map = described.pop("latent_map")
    labels = described.pop("labels")
    assert (len(labels), labels["7"]) == (10, "seven")
    assert described == {
        "name": "digits",
        "version": 3,
        "image_shape": [28, 28, 1],
        "fit": "pad",
        "background": [0, 0, 0],
        "latent_dim": 12,
        "has_posterior": True,
        "has_temperature": True,
        "latent_map_missing": None,
    }
    written = read_map(grey_vae)
    assert written is not None
    assert latent_map == orjson.loads(written.model_dump_json())
    assert len(latent_map["dimensions"]) == 12


def test_a_model_without_a_map_is_served_and_the_reason_is_given(colour_ae: Path):
    described = describe(LoadedModel(colour_ae), "digits", 1)

    assert described["latent_map"] is None
    assert described["latent_map_missing"] == "This model was exported without a latent map: train and push again to see one."
    assert described["has_posterior"] is False


def test_a_map_that_cannot_be_read_is_left_out_and_the_reason_is_given(grey_vae: Path, tmp_path: Path):
    copy = tmp_path / "model"
    shutil.copytree(grey_vae, copy)
    (copy / LATENT_MAP_FILE).write_text("{")

    described = describe(LoadedModel(copy), "digits", 1)

    assert described["latent_map"] is None
    assert str(described["latent_map_missing"]).startswith(f"The latent map {copy / LATENT_MAP_FILE} cannot be read (")
