"""`run_fn`, which the stock Trainer calls: trains a model and exports it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Self

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from components.artifacts.features import EVAL, TRAIN
from components.artifacts.history import HISTORY_FILE, History
from components.artifacts.images import image_shape
from components.artifacts.labels import read_label_names, write_exported_labels
from components.artifacts.model_input import EXPORTED_MODEL_INPUT_FILE, transformed_input, write_model_input
from components.artifacts.tuning import settings_of
from components.artifacts.warmup import write_warmup_requests
from components.models.autoencoder import Autoencoder, build_model
from components.models.config import Precision
from components.models.labelled_mixtures import LabelledMixtures, fit_labelled_mixtures
from components.models.prior import fit_prior
from components.progress import Progress, report
from components.settings import Section
from components.trainer.checkpoints import TrainingCheckpoint
from components.trainer.config import CustomConfig, Distribution, WarmStart
from components.trainer.distribution import Replicas, count_processes_here, count_workers, open_replicas
from components.trainer.input_data import open_images, pixel_scale
from components.trainer.latent_survey import DrawnCodes, draw_codes, pseudo_inputs, read_labels, survey, write_map
from components.trainer.optimizer import resolve_precision
from components.trainer.pictures import write_projection
from components.trainer.prior_training import train_with_prior
from components.trainer.processes import train_in_processes, train_on_this_machine
from components.trainer.rendezvous import Rendezvous
from components.trainer.requirements import check_requirements
from components.trainer.signatures import WARMUP_IMAGES, ExportedModel, warmup_requests
from components.trainer.training_loop import TrainingData, TrainingLoop
from components.trainer.views import ImageViews
from components.trainer.warm_start import start_from

if TYPE_CHECKING:
    # Only for types: the workers of a distributed training need no TFX.
    from tfx.components.trainer.fn_args_utils import FnArgs

_EXPORT_STEPS = ("prior", "signatures", "warm-up requests", "latent map")
_MOST_LABELS = 100
"""Each has a mixture of its own, whose size grows with the square of the latent dimensions."""


class TrainingArguments(Section):
    """The stock Trainer's arguments that a training needs, in a form that can be sent to other machines."""

    train_files: tuple[str, ...]
    eval_files: tuple[str, ...]
    transform_output: str
    serving_model_dir: str
    model_run_dir: str
    base_model: str | None = None
    custom_config: CustomConfig

    @classmethod
    def of(cls, fn_args: "FnArgs") -> Self:
        """Takes the fields from TFX's arguments; the settings that the Tuner found replace those of `custom_config`."""
        given = {name: getattr(fn_args, name) for name in cls.model_fields}
        if fn_args.hyperparameters:
            tuned = settings_of(fn_args.hyperparameters["values"])
            given["custom_config"] = CustomConfig.model_validate(fn_args.custom_config).with_settings(tuned)
        return cls(**given)


def run_fn(fn_args: "FnArgs") -> None:
    """Trains on `train`, stops and chooses the epoch by `eval`, and exports one SavedModel with every signature.

    Args:
      fn_args: Only the fields of `TrainingArguments` and `hyperparameters` are used.

    Raises:
      TrainingDivergedError: A loss became NaN or infinite. Nothing is exported.
      DataError: A split is empty or corrupt.
      ConfigurationError: The configured devices cannot train together, or the training does not fit into memory or disk.
      PipelineError: A process of a training in several was killed.
    """
    arguments = TrainingArguments.of(fn_args)
    config = arguments.custom_config.trainer
    if rendezvous := Rendezvous.announced():
        with rendezvous.met_as_chief() as environment:
            train_in_processes(arguments.model_dump_json(), [environment])
    elif config.workers > 1:
        train_on_this_machine(arguments.model_dump_json(), config.workers)
    elif config.distribution is Distribution.MULTI_WORKER and count_workers() > 1:
        train_in_processes(arguments.model_dump_json(), [{}])
    else:
        train(arguments, open_replicas(config.distribution))


@dataclass(frozen=True)
class Fit:
    """A trained model, and what it was trained on.

    Attributes:
      model: With the weights of the best epoch, in the precision of the training.
      history: Every epoch.
      data: The images.
      transform_graph: The graph that produced the images.
      pixel_mean: Mean of all pixels of the training images in [0, 1].
      checkpoint: Of the training; to be deleted when the model is exported.
    """

    model: Autoencoder
    history: History
    data: TrainingData
    transform_graph: tft.TFTransformOutput
    pixel_mean: float
    checkpoint: TrainingCheckpoint


def train(arguments: TrainingArguments, replicas: Replicas) -> None:
    """Does the work of `run_fn` in each process that takes part; only the chief writes."""
    trained = fit(arguments, replicas)
    if replicas.is_chief:
        _export(trained, arguments)
        with tf.io.gfile.GFile(f"{arguments.serving_model_dir.rpartition('/')[0]}/{HISTORY_FILE}", "w") as file:
            file.write(trained.history.to_json())
        trained.checkpoint.delete()
    replicas.wait_for_all()


def fit(arguments: TrainingArguments, replicas: Replicas) -> Fit:
    """Trains, and exports nothing."""
    model_config, config = arguments.custom_config.model, arguments.custom_config.trainer
    transform_graph = tft.TFTransformOutput(arguments.transform_output)
    limit, shape = int(config.memory_limit_gb * 2**30), image_shape(transform_graph)
    scale = pixel_scale(transform_graph)
    data = TrainingData(
        train=open_images(arguments.train_files, shape, TRAIN, limit, config.seed),
        eval=open_images(arguments.eval_files, shape, EVAL, limit, config.seed),
        views=ImageViews(scale, config.augmentation, arguments.custom_config.binarization),
    )
    pixel_mean = data.train.pixel_mean * scale.scale + scale.offset
    checkpoints = _checkpoint_directory(arguments)
    written = checkpoints if replicas.is_chief else None
    check_requirements(model_config, config, shape, data.train.count, written, count_processes_here())
    model_config = model_config.model_copy(update={"precision": resolve_precision(model_config.precision)})
    with replicas.scope():
        model = build_model(model_config, shape, pixel_mean, config.seed)
    if model.pseudo_inputs is not None:
        model.pseudo_inputs.assign(pseudo_inputs(data.train, model_config.prior_components))
    if config.warm_start is WarmStart.CHAMPION:
        start_from(model, arguments.base_model)
    loop = TrainingLoop(model, data, config, model_config.beta if model.has_posterior else 0.0, replicas)
    checkpoint = TrainingCheckpoint(checkpoints, model, loop.optimizer, replicas.is_chief)
    curves = replicas.own_directory(arguments.model_run_dir)
    history = loop.run(checkpoint, curves)
    if config.prior_epochs:
        history = train_with_prior(model, data, config, replicas, history, checkpoint, curves)
    return Fit(model, history, data, transform_graph, pixel_mean, checkpoint)


def _export(trained: Fit, arguments: TrainingArguments) -> None:
    """Writes the SavedModel, with what it takes, its warm-up requests and its latent map."""
    data, transform_graph, seed = trained.data, trained.transform_graph, arguments.custom_config.trainer.seed
    model = final_model(trained, seed)
    _report_export("prior")
    codes = cache(lambda: draw_codes(model, data.train, seed))
    prior = fit_prior(model.config, lambda: codes().values, seed, model.training_prior())
    by_label = _fit_by_label(codes, read_labels(arguments.train_files, transform_graph), seed)
    scale, directory = data.views.scale, arguments.serving_model_dir
    _report_export("signatures")
    signatures = ExportedModel(model, transform_graph, scale, prior, seed, by_label).save(directory)
    _report_export("warm-up requests")
    pixels = scale.denormalize(next(data.eval.in_order(WARMUP_IMAGES)))
    write_model_input(transformed_input(arguments.transform_output), f"{directory}/{EXPORTED_MODEL_INPUT_FILE}")
    write_warmup_requests(directory, warmup_requests(signatures, pixels, by_label.labels[0] if by_label else 0))
    names = dict(enumerate(read_label_names(arguments.transform_output) or ()))
    if by_label:
        write_exported_labels(directory, {label: names.get(label, str(label)) for label in by_label.labels})
    _report_export("latent map")
    labels = read_labels(arguments.eval_files, transform_graph)
    write_map(survey(model, data.eval, scale, labels, seed, prior), directory)
    named = None if labels is None else np.array([names.get(label, str(label)) for label in labels.tolist()])
    write_projection(model, data.eval, scale, named, f"{arguments.model_run_dir}/{EVAL}")


def _report_export(step: str) -> None:
    report(Progress(f"exporting the {step}:", _EXPORT_STEPS.index(step) + 1, len(_EXPORT_STEPS), "steps"))


def _fit_by_label(codes: Callable[[], DrawnCodes], labels: NDArray[np.int64] | None, seed: int) -> LabelledMixtures | None:
    """A distribution of the codes of each label; None without labels, or with more than are classes."""
    if labels is None or len(np.unique(labels)) > _MOST_LABELS:
        return None
    return fit_labelled_mixtures(codes().values, labels[codes().images], seed)


def final_model(trained: Fit, seed: int) -> Autoencoder:
    """The model as it is exported: it computes the same on every machine, also where bfloat16 is slow."""
    config = trained.model.config.model_copy(update={"precision": Precision.FLOAT32})
    model = build_model(config, trained.model.image_shape, trained.pixel_mean, seed)
    model.set_weights(trained.model.get_weights())
    return model


def _checkpoint_directory(arguments: TrainingArguments) -> str:
    """The name of the directory is a digest of everything that the result of the training depends on."""
    inputs = {
        "custom_config": arguments.custom_config.model_dump(mode="json"),
        "examples": sorted([*arguments.train_files, *arguments.eval_files]),
        "transform_graph": arguments.transform_output,
        "base_model": arguments.base_model,
    }
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
    return f"{arguments.custom_config.checkpoint_dir}/{digest}"
