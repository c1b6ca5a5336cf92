"""Training as a whole: reproducible, resumable, stopped early, stopped when it diverges, and written down."""

import logging
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from support.digits import MODELS, Fitted, Trained, Transformed, fit, train, training_arguments
from tensorboard.plugins.projector import ProjectorConfig

from components.artifacts.latent_map import read_map
from components.errors import ConfigurationError, DataError, TrainingDivergedError
from components.progress import LOGGER_NAME, RECORD_ATTRIBUTE
from components.trainer import run
from components.trainer.input_data import ImagesOnDisk, ImageSource, open_images
from components.trainer.run import TrainingArguments, _checkpoint_directory, run_fn

Fit = Callable[..., Fitted]


def assert_same_weights(one: Fitted, other: Fitted) -> None:
    for first, second in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("settings", [None, {"network": "conv", "filters": (4, 8)}], ids=["dense", "conv"])
def test_the_same_seed_gives_the_same_curves_and_weights(
    transformed: Transformed, fitted: Fit, tmp_path: Path, settings: dict[str, Any] | None
):
    one, other = fitted(settings), fit(transformed, tmp_path, settings)

    assert one.curves() == other.curves()
    assert_same_weights(one, other)


def test_binary_augmented_images_and_several_codes_are_drawn_the_same_for_the_same_seed(
    transformed: Transformed, tmp_path: Path
):
    model = {"objective": "iwae", "samples": 5}
    recipe = {"augmentation": {"share": 0.5}}
    one, other = (fit(transformed, tmp_path / name, model, recipe, binarization="dynamic") for name in ("one", "other"))

    assert one.curves() == other.curves()
    for epoch in one.curves():
        # Five codes bound log p(x) more tightly than one.
        assert epoch["eval"]["loss"] < epoch["eval"]["negative_elbo"]


def test_another_seed_gives_another_model(fitted: Fit):
    one, other = fitted(), fitted(trainer={"seed": 2})

    assert one.curves()[0]["train"]["loss"] != other.curves()[0]["train"]["loss"]


def test_training_lowers_the_eval_loss_far_below_a_model_that_knows_only_the_mean_pixel(
    transformed: Transformed, tmp_path: Path
):
    history = fit(transformed, tmp_path, trainer={"epochs": 8, "batch_size": 25}).history

    mean_pixel = transformed.images("train").mean()
    eval_pixels = transformed.images("eval")
    log_likelihood = eval_pixels * np.log(mean_pixel) + (1 - eval_pixels) * np.log(1 - mean_pixel)
    assert history["epochs"][-1]["eval"]["loss"] < -log_likelihood.sum(axis=(1, 2, 3)).mean() - 30


def test_a_compiled_training_learns_the_same(fitted: Fit):
    plain = fitted(trainer={"epochs": 1})
    compiled = fitted(trainer={"epochs": 1, "jit_compile": True})

    # XLA draws other noise from the same seed.
    assert compiled.curves()[0]["eval"]["loss"] == pytest.approx(plain.curves()[0]["eval"]["loss"], rel=0.02)


def test_bfloat16_learns_what_float32_learns(transformed: Transformed, tmp_path: Path):
    fast = fit(transformed, tmp_path / "bfloat16", {"precision": "bfloat16"}, {"epochs": 4})
    exact = fit(transformed, tmp_path / "float32", {"precision": "float32"}, {"epochs": 4})

    assert fast.curves() != exact.curves()
    assert fast.curves()[-1]["eval"]["loss"] == pytest.approx(exact.curves()[-1]["eval"]["loss"], rel=0.01)


def test_the_weight_of_the_kl_divergence_rises_during_the_warm_up(transformed: Transformed, tmp_path: Path):
    history = fit(transformed, tmp_path, {"beta": 2.0}, {"epochs": 4, "kl_warmup_epochs": 2}).history

    # The weight of each epoch's last of 6 steps.
    assert [epoch["kl_weight"] for epoch in history["epochs"]] == pytest.approx([2 * 5 / 12, 2 * 11 / 12, 2, 2])


def test_an_autoencoder_has_no_kl_divergence_and_trains_on_the_reconstruction_only(transformed: Transformed, tmp_path: Path):
    [epoch] = fit(transformed, tmp_path, {"kind": "ae", "beta": 5.0}, {"epochs": 1}).curves()

    for split in ("train", "eval"):
        assert epoch[split]["kl_divergence"] == 0
        assert epoch[split]["loss"] == epoch[split]["reconstruction_loss"] == epoch[split]["negative_elbo"]


def test_the_exported_weights_are_the_trained_ones(exported: Trained, fitted: Fit):
    learnt = fitted(trainer={"epochs": 3})
    saved = tf.train.load_checkpoint(str(exported.serving_model / "variables" / "variables"))
    names = (f"variables_read/{number}/.ATTRIBUTES/VARIABLE_VALUE" for number in range(len(learnt.weights)))

    assert exported.curves() == learnt.curves()
    assert_same_weights(Fitted(exported.history, [saved.get_tensor(name) for name in names]), learnt)


def test_a_warm_start_takes_over_the_weights_of_the_champion(
    transformed: Transformed, exported: Trained, fitted: Fit, tmp_path: Path
):
    recipe = {"epochs": 1, "warm_start": "champion"}
    warm = fit(transformed, tmp_path, trainer=recipe, base_model=exported.serving_model)

    first = exported.curves()[0]["eval"]["loss"]
    assert fitted(trainer={"epochs": 1}).curves()[0]["train"]["loss"] > first
    assert warm.curves()[0]["train"]["loss"] < first


def test_a_convolutional_model_is_warm_started_too(
    standardized: Transformed, trained: Callable[[str], Trained], tmp_path: Path
):
    champion, model = trained("ae"), {**MODELS["ae"], "precision": "float32"}
    cold, warm = (
        fit(standardized, tmp_path / start, model, {"epochs": 1, "warm_start": start}, base_model=champion.serving_model)
        for start in ("none", "champion")
    )

    assert model["network"] == "conv"
    first = champion.curves()[0]["eval"]["loss"]
    assert cold.curves()[0]["train"]["loss"] > first
    assert warm.curves()[0]["train"]["loss"] < first


def test_a_learned_prior_is_trained_exported_and_taken_over_by_a_warm_start(
    transformed: Transformed, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    settings, recipe = {"prior": "vamp", "prior_components": 6}, {"epochs": 1, "warm_start": "champion"}
    with caplog.at_level(logging.INFO, logger=LOGGER_NAME):
        champion = train(transformed, tmp_path / "champion", settings, {"epochs": 4})
    assert [record.message for record in caplog.records if record.name == LOGGER_NAME][-4:] == [
        "exporting the prior: 1 of 4 steps",
        "exporting the signatures: 2 of 4 steps",
        "exporting the warm-up requests: 3 of 4 steps",
        "exporting the latent map: 4 of 4 steps",
    ]
    signatures = tf.saved_model.load(str(champion.serving_model)).signatures
    evaluated = signatures["evaluate"](examples=tf.constant(transformed.raw["eval"]))
    best = min((epoch["eval"] for epoch in champion.curves()), key=lambda losses: losses["loss"])
    # The same images with other noise. The divergence from N(0, I) is another number.
    assert np.mean(evaluated["kl_divergence"]) == pytest.approx(best["kl_divergence"], abs=0.4)
    assert abs(np.mean(evaluated["kl_per_dimension"].numpy().sum(axis=1)) - best["kl_divergence"]) > 0.6
    assert signatures["generate"](count=tf.constant(3), seed=tf.constant([0, 1]))["image"].shape == (3, 28, 28, 1)
    warm = fit(transformed, tmp_path / "warm", settings, recipe, base_model=champion.serving_model)
    assert warm.curves()[0]["train"]["loss"] < champion.curves()[1]["train"]["loss"]


def test_a_warm_start_that_cannot_be_starts_afresh_and_says_why(
    exported: Trained, transformed: Transformed, fitted: Fit, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "tfx_vae.trainer")
    recipe = {"epochs": 1, "warm_start": "champion"}
    cold = fitted(trainer={"epochs": 1})
    assert_same_weights(fit(transformed, tmp_path / "none", trainer=recipe), cold)
    assert caplog.messages[-1] == "Warm start: there is no champion yet, so the training starts afresh."
    narrow = fit(transformed, tmp_path / "narrow", {"hidden_units": (16,)}, recipe, base_model=exported.serving_model)
    assert any(
        message == "Warm start: the training starts afresh, because the champion's weights number 0 have the shape (784, 32), "
        "and this model's (784, 16)."
        for message in caplog.messages
    )
    assert_same_weights(narrow, fitted({"hidden_units": (16,)}, {"epochs": 1}))


def test_the_history_is_written_beside_the_model_and_as_tensorboard_logs(exported: Trained):
    for split in ("train", "eval"):
        logged: dict[str, list[float]] = {}
        for file in sorted((exported.model_run / split).glob("events.*")):
            for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
                for value in tf.compat.v1.Event.FromString(record).summary.value:
                    if (array := tf.make_ndarray(value.tensor)).ndim == 0:
                        logged.setdefault(value.tag, []).append(float(array))
        for name in ("loss", "reconstruction_loss", "squared_error", "kl_divergence", "negative_elbo"):
            assert logged[name] == pytest.approx([epoch[split][name] for epoch in exported.history["epochs"]])
        if split == "train":
            assert logged["learning_rate"] == pytest.approx([e["learning_rate"] for e in exported.history["epochs"]])
        else:
            assert logged["active_units"] == [epoch["active_units"] for epoch in exported.history["epochs"]]


def test_tensorboard_has_pictures_of_each_epoch_and_the_codes_of_the_projector(exported: Trained):
    shapes: dict[str, list[tuple[int, ...]]] = {}
    for file in (exported.model_run / "eval").glob("events.*"):
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            for value in tf.compat.v1.Event.FromString(record).summary.value:
                if value.metadata.plugin_data.plugin_name == "images":
                    width, height, *images = tf.make_ndarray(value.tensor)
                    shapes.setdefault(value.tag, []).append(tuple(tf.io.decode_png(images[0]).shape))
                    assert (int(width), int(height)) == shapes[value.tag][-1][1::-1]
    epochs = len(exported.history["epochs"])
    assert shapes == {"reconstructions": [(2 * 28, 8 * 28, 1)] * epochs, "samples": [(4 * 28, 8 * 28, 1)] * epochs}

    directory = exported.model_run / "eval"
    [embedding] = text_format.Parse((directory / "projector_config.pbtxt").read_text(), ProjectorConfig()).embeddings
    codes = np.loadtxt(directory / embedding.tensor_path, delimiter="\t")
    labels = (directory / embedding.metadata_path).read_text().split()
    latent_map = read_map(exported.serving_model)
    assert latent_map is not None
    assert codes == pytest.approx(np.array(latent_map.codes))
    assert [int(label) for label in labels] == list(latent_map.labels or ())
    side = int(np.ceil(len(codes) ** 0.5)) * 28
    assert tf.io.decode_png((directory / embedding.sprite.image_path).read_bytes()).shape == (side, side, 1)
    assert list(embedding.sprite.single_image_dim) == [28, 28]


def test_checkpoints_are_deleted_after_the_export(exported: Trained):
    assert not list(exported.checkpoints.glob("*"))


def test_early_stopping_ends_the_training_with_the_weights_of_the_best_epoch(transformed: Transformed, tmp_path: Path):
    recipe = {"schedule": "constant", "warmup_fraction": 0.0, "learning_rate": 0.02, "batch_size": 10}
    stopped = fit(transformed, tmp_path / "stopped", trainer={**recipe, "epochs": 60, "early_stopping_patience": 2})
    best = stopped.history["best_epoch"]
    losses = [epoch["eval"]["loss"] for epoch in stopped.history["epochs"]]

    assert len(losses) == best + 2 < 60
    assert best == 1 + int(np.argmin(losses))

    # Without a schedule, a training of just as many epochs ends with the weights of the best one.
    exact = fit(transformed, tmp_path / "exact", trainer={**recipe, "epochs": best})
    assert_same_weights(stopped, exact)


def test_a_killed_training_continues_from_its_checkpoint_and_ends_the_same(
    transformed: Transformed, python: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    recipe = {"epochs": 40, "early_stopping_patience": None}
    whole = fit(transformed, tmp_path / "whole", trainer=recipe)
    killed = tmp_path / "killed"
    code = (
        "from pathlib import Path; from support.digits import *; "
        f"fit(Transformed({{}}, Path({str(transformed.graph)!r}), Path({str(transformed.examples)!r})), "
        f"Path({str(killed)!r}), trainer={recipe!r})"
    )
    process = subprocess.Popen([python, "-c", code])
    # The file that names the last checkpoint is written after the checkpoint's own: before it there is nothing to go on from.
    while not list(killed.glob("checkpoints/*/checkpoint")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL

    caplog.clear()
    with caplog.at_level(logging.INFO, logger=LOGGER_NAME):
        resumed = fit(transformed, killed, trainer=recipe)

    reported = [getattr(record, RECORD_ATTRIBUTE).completed for record in caplog.records if record.name == LOGGER_NAME]
    assert reported[0] > 1
    assert resumed.curves() == whole.curves()
    assert_same_weights(resumed, whole)


def test_a_training_with_other_settings_does_not_continue_a_killed_one(transformed: Transformed, tmp_path: Path):
    def directories(trainer: dict[str, Any]) -> set[str]:
        return {_checkpoint_directory(TrainingArguments.of(training_arguments(transformed, tmp_path, trainer=trainer)))}

    assert directories({"seed": 1}) == directories({"seed": 1})
    assert directories({"seed": 1}).isdisjoint(directories({"seed": 2}))


def test_an_infinite_loss_stops_the_training_with_a_sentence_and_exports_nothing(transformed: Transformed, tmp_path: Path):
    arguments = training_arguments(transformed, tmp_path, {"likelihood": "gaussian", "gaussian_stddev": 1e-25})

    with pytest.raises(TrainingDivergedError, match=r"The training loss became (inf|nan) in epoch 1, .*trainer\.learning_rate"):
        run_fn(arguments)

    assert not Path(arguments.serving_model_dir).exists()
    assert not (tmp_path / "model" / "history.json").exists()
    assert not list((tmp_path / "checkpoints").rglob("*.index"))


def test_a_split_beyond_the_memory_limit_is_read_from_disk_and_learnt_alike(
    transformed: Transformed, fitted: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    opened: list[ImageSource] = []

    def remember(*arguments: Any) -> ImageSource:
        opened.append(open_images(*arguments))
        return opened[-1]

    monkeypatch.setattr(run, "open_images", remember)

    on_disk = fit(transformed, tmp_path, trainer={"epochs": 3, "memory_limit_gb": 1e-5})

    assert [type(source) for source in opened] == [ImagesOnDisk] * 2
    # So few digits are one block of the file, and have the same order as in memory.
    assert on_disk.curves() == fitted(trainer={"epochs": 3}).curves()


def test_a_warning_says_that_a_model_ignores_its_code(
    transformed: Transformed, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING, logger="tfx_vae"):
        history = fit(transformed, tmp_path, {"beta": 1e5}, {"epochs": 12, "batch_size": 10}).history

    assert history["epochs"][-1]["active_units"] == 0
    assert max(history["epochs"][-1]["kl_per_dimension"]) < 0.1
    assert any("The posterior collapses" in record.getMessage() for record in caplog.records)


def test_a_truncated_file_of_examples_is_named(transformed: Transformed, tmp_path: Path):
    [source] = (transformed.examples / "Split-train").glob("*")
    broken = tmp_path / "Split-train"
    broken.mkdir()
    (broken / source.name).write_bytes(source.read_bytes()[:-1000])
    arguments = training_arguments(transformed, tmp_path)
    arguments.train_files = [str(broken / "*")]

    with pytest.raises(DataError, match=r"split 'train' are corrupt in .*Split-train"):
        run_fn(arguments)


def test_a_model_that_cannot_fit_into_memory_is_refused_before_it_is_built(transformed: Transformed, tmp_path: Path):
    arguments = training_arguments(transformed, tmp_path, {"hidden_units": (2**22, 2**22)})

    with pytest.raises(ConfigurationError, match=r"GB are free: lower model\.hidden_units"):
        run_fn(arguments)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_split_is_refused(transformed: Transformed, tmp_path: Path):
    empty = tmp_path / "Split-eval"
    empty.mkdir()
    with tf.io.TFRecordWriter(str(empty / "data.gz"), "GZIP"):
        pass
    arguments = training_arguments(transformed, tmp_path)
    arguments.eval_files = [str(empty / "*")]

    with pytest.raises(DataError, match="Split 'eval' has no example: give it images"):
        run_fn(arguments)


def test_history_json_says_which_epoch_was_exported(exported: Trained):
    assert exported.history["best_epoch"] in {epoch["epoch"] for epoch in exported.history["epochs"]}
