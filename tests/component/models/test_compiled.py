"""Models as the Trainer has them: compiled, trained for some steps, exported."""

import math

import numpy as np
import pytest
import tensorflow as tf

from components.models.objectives import per_example_losses

EVERY_MODEL = [(kind, network) for kind in ("ae", "vae") for network in ("dense", "conv")]


@pytest.mark.parametrize(("kind", "network"), [("ae", "dense"), ("vae", "conv")])
def test_a_module_that_holds_a_model_survives_saved_model(make_model, make_images, make_noise, kind, network, tmp_path):
    class Exported(tf.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        @tf.function(input_signature=[tf.TensorSpec((None, 7, 5, 3)), tf.TensorSpec((None, 3))])
        def reconstruct(self, image, noise):
            code = self.model.sample_code(self.model.encode(image), noise)
            return {"reconstruction": self.model.expected_image(self.model.decode(code))}

    exported = Exported(make_model(kind=kind, network=network))
    tf.saved_model.save(exported, str(tmp_path), signatures={"reconstruct": exported.reconstruct})
    signature = tf.saved_model.load(str(tmp_path)).signatures["reconstruct"]
    for count in (1, 4):
        images, noise = make_images(count), make_noise(count)
        before, after = exported.reconstruct(images, noise), signature(image=images, noise=noise)
        np.testing.assert_allclose(after["reconstruction"], before["reconstruction"], rtol=1e-6)


@pytest.mark.parametrize(("network", "jit_compile"), [("dense", False), ("dense", True), ("conv", True)])
def test_a_compiled_function_gives_the_same_losses(make_model, make_images, make_noise, network, jit_compile):
    model = make_model(network=network)
    arguments = (make_images(3), make_images(3), make_noise(3))

    @tf.function(jit_compile=jit_compile)
    def compiled(inputs, pixels, noise):
        return per_example_losses(model, inputs, pixels, noise, training=True)

    expected = per_example_losses(model, *arguments, training=True)
    tf.nest.map_structure(
        lambda found, wanted: np.testing.assert_allclose(found, wanted, rtol=1e-4), compiled(*arguments), expected
    )


@pytest.mark.parametrize(("kind", "network"), EVERY_MODEL)
def test_a_few_steps_of_training_teach_what_the_mean_image_does_not_tell(make_model, make_noise, kind, network):
    model = make_model(kind=kind, network=network, pixel_mean=0.5)
    black_and_white = tf.tile(tf.reshape([0.0, 1.0], (2, 1, 1, 1)), (8, 7, 5, 3))

    @tf.function
    def step(noise):
        with tf.GradientTape() as tape:
            losses = per_example_losses(model, black_and_white, black_and_white, noise, training=True)
            objective = tf.reduce_mean(losses.negative_elbo)
        found = tape.gradient(objective, [variable.value for variable in model.trainable_variables])
        for variable, gradient in zip(model.trainable_variables, found, strict=True):
            variable.assign_sub(0.02 * gradient)
        return objective

    objectives = [float(step(make_noise(16, seed))) for seed in range(30)]
    assert np.mean(objectives[-5:]) < 0.9 * 7 * 5 * 3 * math.log(2)
