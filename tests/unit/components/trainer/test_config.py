"""What the pipeline tells the Trainer is what the Trainer reads, and what others read later."""

import json

import pytest

from components.artifacts.features import Binarization
from components.artifacts.training_settings import TrainingSettings
from components.models.config import ModelConfig, ModelKind
from components.trainer.config import AugmentationConfig, CustomConfig, TrainerConfig, check_prior_epochs

TOLD = CustomConfig(
    model=ModelConfig(kind=ModelKind.AE, hidden_units=(7, 5)),
    trainer=TrainerConfig(epochs=3, augmentation=AugmentationConfig(share=0.25)),
    binarization=Binarization.DYNAMIC,
    checkpoint_dir="/checkpoints",
    source_digest="abc",
)


def test_the_trainer_reads_what_was_written():
    assert CustomConfig(**json.loads(json.dumps(TOLD.model_dump(mode="json")))) == TOLD


def test_others_read_what_was_written():
    written = TOLD.model_dump(mode="json")
    settings = TrainingSettings.read(json.dumps(written))
    assert settings == TrainingSettings(model=written["model"], trainer=written["trainer"], checkpoint_dir="/checkpoints")
    assert (settings.model["hidden_units"], settings.trainer["augmentation"]["share"]) == ([7, 5], 0.25)


def test_others_read_what_earlier_versions_wrote_which_had_other_settings():
    model = {"kind": "vae", "no_longer_known": 1}
    recorded = {"model": json.dumps(model), "trainer": json.dumps({"epochs": 3}), "source_digest": "", "also_unknown": 2}
    assert TrainingSettings.read(json.dumps(recorded)) == TrainingSettings(model=model, trainer={"epochs": 3})


@pytest.mark.parametrize(
    "text", ["", "null", "{}", '{"normalization": "unit", "image_shape": null}', '{"model": "{"}', "[", "7"]
)
def test_what_no_trainer_of_this_project_was_told_has_no_settings(text: str):
    assert TrainingSettings.read(text) is None


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ({"kind": "ae"}, "ae with the prior gaussian"),
        ({"prior": "standard_normal"}, "vae with the prior standard_normal"),
        ({"prior": "vamp"}, "vae with the prior vamp"),
    ],
)
def test_epochs_with_the_fitted_prior_need_a_vae_and_a_prior_that_is_fitted(model: dict[str, str], found: str):
    check_prior_epochs(TrainerConfig(), ModelConfig.model_validate(model))
    with pytest.raises(ValueError, match=f"prior_epochs is 2, .* of kind {found}: set it to 0, or"):
        check_prior_epochs(TrainerConfig(prior_epochs=2), ModelConfig.model_validate(model))
