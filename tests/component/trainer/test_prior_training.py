"""The epochs that train a model with its fitted prior."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from support.digits import Fitted, Transformed, fit, train

from components.models.autoencoder import build_model
from components.models.config import ModelConfig
from components.models.prior import StandardNormal
from components.trainer.checkpoints import TrainingCheckpoint
from components.trainer.pictures import EpochPictures

MODEL = {"prior": "mixture", "prior_components": 5}
EPOCHS = {"epochs": 3, "early_stopping_patience": None}
WITH_PRIOR = {**EPOCHS, "prior_epochs": 3, "prior_learning_rate": 2e-3}


def test_the_model_with_its_prior_gets_better_than_by_as_many_epochs_for_the_standard_normal(
    transformed: Transformed, tmp_path: Path
):
    def negative_elbo(model: Path) -> float:
        answer = tf.saved_model.load(str(model)).signatures["evaluate"](examples=tf.constant(transformed.raw["eval"]))
        return float(np.mean(answer["negative_elbo"]))

    longer = train(transformed, tmp_path / "longer", MODEL, {**EPOCHS, "epochs": 6, "learning_rate": 2e-3})
    tuned = train(transformed, tmp_path / "tuned", MODEL, {**WITH_PRIOR, "learning_rate": 2e-3})

    assert [epoch["epoch"] for epoch in tuned.curves()] == [1, 2, 3, 4, 5, 6]
    assert negative_elbo(tuned.serving_model) < negative_elbo(longer.serving_model)
    assert not list(tuned.checkpoints.glob("*"))


def test_the_samples_in_tensorboard_are_drawn_from_the_prior_of_the_training():
    class SameCode(StandardNormal):
        def sample(self, noise: tf.Tensor, choice: tf.Tensor) -> tf.Tensor:
            return tf.ones_like(noise)

    model = build_model(ModelConfig(hidden_units=(8,), latent_dim=4), (2, 2, 1), 0.5, seed=0)
    images = tf.zeros((8, 2, 2, 1))

    [samples] = EpochPictures(model, images, images, 0, SameCode()).draw()["samples"]

    [expected] = model.expected_image(model.decode(tf.ones((1, 4)))).numpy()
    np.testing.assert_allclose(samples, np.tile(expected, (4, 8, 1)), rtol=1e-6)


@pytest.mark.parametrize("saved", [1, 4], ids=["before", "with"])
def test_a_training_that_was_killed_before_or_with_the_prior_ends_the_same(
    transformed: Transformed, fitted: Callable[..., Fitted], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, saved: int
):
    whole = fitted(MODEL, WITH_PRIOR)
    save, count = TrainingCheckpoint.save, iter(range(saved))

    def save_some(self, history):
        if next(count, None) is None:
            raise KeyboardInterrupt
        save(self, history)

    monkeypatch.setattr(TrainingCheckpoint, "save", save_some)
    with pytest.raises(KeyboardInterrupt):
        fit(transformed, tmp_path, MODEL, WITH_PRIOR)
    monkeypatch.undo()

    resumed = fit(transformed, tmp_path, MODEL, WITH_PRIOR)

    assert resumed.curves() == whole.curves()
    for one, other in zip(resumed.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_epochs_with_the_prior_that_raise_the_loss_are_not_used(
    transformed: Transformed, fitted: Callable[..., Fitted], tmp_path: Path
):
    spoilt = fit(transformed, tmp_path, MODEL, {**EPOCHS, "prior_epochs": 1, "prior_learning_rate": 0.3})

    assert spoilt.history["best_epoch"] == 3
    for one, other in zip(spoilt.weights, fitted(MODEL, EPOCHS).weights, strict=True):
        np.testing.assert_array_equal(one, other)
