"""The exported model, called by a process that imports only TensorFlow: every signature of docs/architecture.md."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from support.digits import SIZES, Trained, Transformed, read_digits, training_arguments
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from components.artifacts.features import LOSSES
from components.artifacts.latent_map import read_map
from components.models.prior import StandardNormal
from components.trainer.config import Distribution
from components.trainer.distribution import open_replicas
from components.trainer.latent_survey import read_labels, survey
from components.trainer.run import TrainingArguments, final_model, fit

COUNT = 16
LATENT = 4


@dataclass(frozen=True)
class Answers:
    """What the signatures answered, by `signature/output`, to `images`."""

    kind: str
    images: np.ndarray
    arrays: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]


@pytest.fixture(scope="module")
def answers_by_kind(
    standardized: Transformed, trained: Callable[[str], Trained], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Answers]:
    """Of models whose encoder sees standardized pixels: the signatures take and give pixels in [0, 1] all the same."""
    directory = tmp_path_factory.mktemp("answers")
    images = (read_digits(COUNT) / np.float32(255)).astype(np.float32)
    # The 300 training digits come first in the file that read_digits reads.
    examples = standardized.raw["train"][:COUNT]
    np.savez(directory / "inputs.npz", images=images, examples=np.array(examples, object))
    files = {kind: directory / f"{kind}.npz" for kind in ("vae", "ae")}
    models = [str(path) for kind, outputs in files.items() for path in (trained(kind).serving_model, outputs)]
    script = Path(__file__).with_name("fresh_process.py")
    subprocess.run([sys.executable, str(script), str(directory / "inputs.npz"), *models], check=True, cwd=directory)
    return {kind: Answers(kind, images, dict(np.load(outputs))) for kind, outputs in files.items()}


@pytest.fixture(scope="module", params=["vae", "ae"])
def answers(request: pytest.FixtureRequest, answers_by_kind: dict[str, Answers]) -> Answers:
    return answers_by_kind[request.param]


@pytest.fixture(scope="module")
def loaded(exported: Trained) -> Any:
    return tf.saved_model.load(str(exported.serving_model))


def test_every_signature_is_there_and_nothing_but_tensorflow_was_needed(answers: Answers):
    expected = {
        "serving_default", "reconstruct", "encode", "decode", "generate", "generate_at_temperature", "generate_labelled",
        "interpolate",         "evaluate", "evaluate_binarized", "evaluate_samples",
    }  # fmt: skip
    if answers.kind == "vae":
        expected |= {"evaluate_iw_nll", "evaluate_iw_nll_binarized"}
    assert set(answers["signatures"]) == expected
    assert list(answers["foreign_modules"]) == []


def test_shapes_and_types_are_those_of_the_contract(answers: Answers):
    expected = {
        "serving_default/reconstruction": (COUNT, 28, 28, 1),
        "serving_default/latent_mean": (COUNT, LATENT),
        "serving_default/score": (COUNT,),
        "reconstruct/reconstruction": (COUNT, 28, 28, 1),
        "encode/latent_mean": (COUNT, LATENT),
        "decode/image": (COUNT, 28, 28, 1),
        "generate/image": (3, 28, 28, 1),
        "generate_at_temperature/image": (3, 28, 28, 1),
        "generate_labelled/image": (3, 28, 28, 1),
        "interpolate/image": (COUNT, 5, 28, 28, 1),
        "evaluate/reconstruction_loss": (COUNT,),
        "evaluate/squared_error": (COUNT,),
        "evaluate/kl_divergence": (COUNT,),
        "evaluate/negative_elbo": (COUNT,),
        "evaluate/ssim": (COUNT,),
        "evaluate/latent_mean": (COUNT, LATENT),
        "evaluate/latent_sample": (COUNT, LATENT),
        "evaluate/kl_per_dimension": (COUNT, LATENT),
        "evaluate_samples/pixels": (COUNT, 28, 28, 1),
        "evaluate_samples/sample": (COUNT, 28, 28, 1),
        **{f"evaluate_binarized/{loss}": (COUNT,) for loss in LOSSES},
    }
    if answers.kind == "vae":
        expected["encode/latent_log_variance"] = (COUNT, LATENT)
        expected["evaluate/latent_log_variance"] = (COUNT, LATENT)
        expected["evaluate_iw_nll/iw_nll"] = expected["evaluate_iw_nll_binarized/iw_nll"] = (COUNT,)
    given = {
        name: array
        for name, array in answers.arrays.items()
        if "/" in name and not name.partition("/")[0].endswith(("_again", "_other", "_backwards"))
    }
    assert {name: array.shape for name, array in given.items()} == expected
    assert {array.dtype for array in given.values()} == {np.dtype(np.float32)}


def test_images_come_out_in_the_unit_interval(answers: Answers):
    for name in ("serving_default/reconstruction", "reconstruct/reconstruction", "generate/image", "interpolate/image"):
        assert answers[name].min() >= 0
        assert answers[name].max() <= 1


def test_a_png_and_its_pixels_are_the_same_image(answers: Answers):
    np.testing.assert_allclose(answers["serving_default/latent_mean"], answers["encode/latent_mean"], atol=1e-4)
    np.testing.assert_allclose(answers["serving_default/reconstruction"], answers["reconstruct/reconstruction"], atol=1e-4)


def test_decoding_the_code_of_an_image_reconstructs_it(answers: Answers):
    np.testing.assert_allclose(answers["decode/image"], answers["reconstruct/reconstruction"], atol=1e-6)


def test_an_interpolation_goes_from_one_reconstruction_to_the_other(answers: Answers):
    path = answers["interpolate/image"]
    reconstructions = answers["reconstruct/reconstruction"]

    np.testing.assert_allclose(path[:, 0], reconstructions, atol=1e-5)
    np.testing.assert_allclose(path[:, -1], reconstructions[::-1], atol=1e-5)


def test_the_same_seed_generates_the_same_images_and_another_seed_others(answers: Answers):
    np.testing.assert_array_equal(answers["generate/image"], answers["generate_again/image"])
    assert np.abs(answers["generate/image"] - answers["generate_other/image"]).max() > 0.01


def test_at_temperature_1_the_prior_is_drawn_from_as_ever(answers: Answers):
    np.testing.assert_array_equal(answers["generate_at_temperature/image"], answers["generate/image"])


def test_the_losses_add_up_and_the_score_is_the_negative_elbo(answers: Answers):
    elbo = answers["evaluate/negative_elbo"]

    np.testing.assert_allclose(answers["evaluate/reconstruction_loss"] + answers["evaluate/kl_divergence"], elbo, rtol=1e-6)
    np.testing.assert_allclose(answers["serving_default/score"], elbo, rtol=1e-6)
    if answers.kind == "ae":
        np.testing.assert_array_equal(answers["evaluate/kl_divergence"], 0)
    else:
        assert answers["evaluate/kl_divergence"].mean() > 0


@pytest.mark.parametrize("answers", ["ae"], indirect=True)
def test_an_autoencoders_losses_are_those_of_its_reconstructions(answers: Answers):
    pixels, reconstruction = answers.images.astype(np.float64), answers["reconstruct/reconstruction"].astype(np.float64)

    cross_entropy = -(pixels * np.log(reconstruction) + (1 - pixels) * np.log1p(-reconstruction)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(answers["evaluate/reconstruction_loss"], cross_entropy, rtol=1e-3)
    squared_error = ((pixels - reconstruction) ** 2).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(answers["evaluate/squared_error"], squared_error, rtol=1e-3)


@pytest.mark.parametrize("answers", ["vae"], indirect=True)
def test_a_vaes_kl_divergence_by_dimension_is_that_of_its_posterior(answers: Answers):
    mean, log_variance = answers["encode/latent_mean"], answers["encode/latent_log_variance"]

    divergence = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance)
    np.testing.assert_allclose(answers["evaluate/kl_per_dimension"], divergence, rtol=1e-3, atol=1e-5)
    # The prior is a mixture that was fitted to 300 codes: it describes those of others in fewer nats than N(0, I).
    assert (divergence.sum(axis=1) - answers["evaluate/kl_divergence"]).mean() > 0.1


def test_two_evaluations_agree_bit_for_bit_however_the_examples_are_ordered(answers: Answers):
    outputs = [name.split("/") for name in answers.arrays if name.startswith("evaluate") and "_backwards/" not in name]
    assert len(outputs) > 15
    for signature, output in outputs:
        again = "evaluate" if signature == "evaluate_again" else signature
        np.testing.assert_array_equal(answers[f"{signature}/{output}"], answers[f"{again}/{output}"])
        np.testing.assert_array_equal(answers[f"{again}/{output}"], answers[f"{again}_backwards/{output}"][::-1])


def test_the_codes_of_an_evaluation_are_those_of_the_encoder(answers: Answers):
    np.testing.assert_allclose(answers["evaluate/latent_mean"], answers["encode/latent_mean"], atol=1e-4)
    if answers.kind == "ae":
        np.testing.assert_array_equal(answers["evaluate/latent_sample"], answers["evaluate/latent_mean"])
    else:
        stddev = np.exp(0.5 * answers["evaluate/latent_log_variance"])
        noise = (answers["evaluate/latent_sample"] - answers["evaluate/latent_mean"]) / stddev
        # 64 draws from the standard normal.
        assert abs(noise.mean()) < 0.5
        assert 0.7 < noise.std() < 1.3
        assert len(np.unique(noise.round(6))) == noise.size


def test_reconstructions_are_compared_at_the_posterior_mean(answers: Answers):
    images, reconstruction = (tf.constant(values) for values in (answers.images, answers["reconstruct/reconstruction"]))
    np.testing.assert_allclose(answers["evaluate/ssim"], tf.image.ssim(images, reconstruction, 1.0), atol=1e-4)


def test_every_image_comes_with_a_sample_of_the_prior(answers: Answers):
    np.testing.assert_allclose(answers["evaluate_samples/pixels"], answers.images, atol=1e-6)
    samples = answers["evaluate_samples/sample"]
    assert samples.min() >= 0
    assert samples.max() <= 1
    assert len(np.unique(samples.reshape(COUNT, -1), axis=0)) == COUNT


@pytest.mark.parametrize("answers", ["vae"], indirect=True)
@pytest.mark.parametrize("binarized", ["", "_binarized"])
def test_a_bound_from_many_codes_is_below_the_negative_elbo_of_an_untight_posterior(answers: Answers, binarized: str):
    difference = answers[f"evaluate{binarized}/negative_elbo"] - answers[f"evaluate_iw_nll{binarized}/iw_nll"]
    assert difference.mean() > 3 * difference.std() / np.sqrt(COUNT)


def test_binarised_losses_are_those_of_other_images_at_a_similar_level(answers: Answers):
    grey, binary = answers["evaluate/negative_elbo"], answers["evaluate_binarized/negative_elbo"]
    assert not np.any(grey == binary)
    assert abs(grey.mean() - binary.mean()) < 0.2 * grey.mean()


@pytest.mark.parametrize("batch", [1, 7, 23])
def test_an_examples_losses_do_not_depend_on_the_batch_it_is_in(transformed: Transformed, loaded: Any, batch: int):
    evaluate, examples = loaded.signatures["evaluate"], transformed.raw["test"]
    together = evaluate(examples=tf.constant(examples))["negative_elbo"].numpy()

    apart = [
        evaluate(examples=tf.constant(examples[start : start + batch]))["negative_elbo"].numpy()
        for start in range(0, SIZES["test"], batch)
    ]

    np.testing.assert_array_equal(np.concatenate(apart), together)


def test_the_same_training_writes_the_same_map_again(transformed: Transformed, exported: Trained, tmp_path: Path):
    arguments = TrainingArguments.of(training_arguments(transformed, tmp_path, trainer={"epochs": 3}))
    again, seed = fit(arguments, open_replicas(Distribution.NONE)), arguments.custom_config.trainer.seed
    labels = read_labels(arguments.eval_files, again.transform_graph)

    drawn = survey(final_model(again, seed), again.data.eval, again.data.views.scale, labels, seed, StandardNormal())

    assert drawn == read_map(exported.serving_model)


def test_a_model_takes_jpeg_bytes_too(loaded: Any):
    example = tf.train.Example()
    example.features.feature["image"].bytes_list.value.append(tf.io.encode_jpeg(read_digits(1)[0]).numpy())

    answer = loaded.signatures["serving_default"](examples=tf.constant([example.SerializeToString()]))

    assert np.isfinite(answer["score"].numpy()).all()


def test_a_model_trained_in_bfloat16_is_served_in_float32(trained: Callable[[str], Trained]):
    saved = saved_model_pb2.SavedModel.FromString((trained("ae").serving_model / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    products = [node for node in nodes if node.op == "MatMul"]
    assert products
    assert {node.attr["T"].type for node in products} == {types_pb2.DT_FLOAT}
    assert not [node.name for node in nodes for value in node.attr.values() if value.type == types_pb2.DT_BFLOAT16]
