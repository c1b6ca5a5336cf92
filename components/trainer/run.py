"""What the stock Trainer calls: trains a model and exports it."""

from pathlib import PurePosixPath
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from components.example_gen.config import Binarization
from components.features import EVAL, TRAIN
from components.models.autoencoder import Autoencoder
from components.models.config import ModelConfig, ModelKind, Precision
from components.models.factory import build_model
from components.models.prior import GaussianFit, fit_gaussian
from components.trainer.checkpoints import TrainingCheckpoint, training_digest
from components.trainer.config import TrainerConfig
from components.trainer.image_source import ImageSource
from components.trainer.input_data import image_shape, open_images, pixel_scale
from components.trainer.precision import resolve_precision
from components.trainer.signatures import ExportedModel
from components.trainer.training_loop import TrainingData, TrainingLoop
from components.trainer.views import ImageViews

HISTORY_FILE = "history.json"
_ENCODE_BATCH = 1000


def run_fn(fn_args: FnArgs) -> None:
    """Trains on `train`, steers by `eval`, exports one SavedModel with every signature.

    Args:
      fn_args: Of its fields: `train_files`, `eval_files`, `transform_output`, `serving_model_dir`, `model_run_dir`, and
        `custom_config` with the sections `model` and `trainer` as JSON, `binarization`, `checkpoint_dir` and `source_digest`.

    Raises:
      TrainingDivergedError: A loss became NaN or infinite; nothing is exported.
      DataError: A split is empty or corrupt.
    """
    model_config = ModelConfig.model_validate_json(fn_args.custom_config["model"], strict=True)
    config = TrainerConfig.model_validate_json(fn_args.custom_config["trainer"], strict=True)
    transform_graph = tft.TFTransformOutput(fn_args.transform_output)
    limit = int(config.memory_limit_gb * 2**30)
    scale = pixel_scale(transform_graph)
    data = TrainingData(
        train=open_images(fn_args.train_files, transform_graph, TRAIN, limit, config.seed),
        eval=open_images(fn_args.eval_files, transform_graph, EVAL, limit, config.seed),
        views=ImageViews(scale, config.augmentation, Binarization(fn_args.custom_config["binarization"])),
    )
    pixel_mean = data.train.pixel_mean() * scale.scale + scale.offset
    precision = resolve_precision(model_config.precision)
    model = _build_model(model_config, precision, transform_graph, pixel_mean, config.seed)
    loop = TrainingLoop(model, data, config, beta=model_config.beta if model_config.kind is ModelKind.VAE else 0.0)
    checkpoint = TrainingCheckpoint(_checkpoint_directory(fn_args), model, loop.optimizer)
    history = loop.run(checkpoint, fn_args.model_run_dir)

    # Serving machines differ in what they are fast in; the model must not.
    served = _build_model(model_config, Precision.FLOAT32, transform_graph, pixel_mean, config.seed)
    served.set_weights(model.get_weights())
    prior = _fit_prior(served, data.train) if model_config.kind is ModelKind.AE else None
    exported = ExportedModel(served, transform_graph, scale, prior, config.seed)
    tf.saved_model.save(exported, fn_args.serving_model_dir, signatures=exported.signatures())
    history.write(str(PurePosixPath(fn_args.serving_model_dir).parent / HISTORY_FILE))
    checkpoint.delete()


def _build_model(
    config: ModelConfig, precision: Precision, transform_graph: tft.TFTransformOutput, pixel_mean: float, seed: int
) -> Autoencoder:
    return build_model(config.model_copy(update={"precision": precision}), image_shape(transform_graph), pixel_mean, seed)


def _fit_prior(model: Autoencoder, images: ImageSource) -> GaussianFit:
    return fit_gaussian(np.concatenate([model.encode(batch).mean.numpy() for batch in images.in_order(_ENCODE_BATCH)]))


def _checkpoint_directory(fn_args: FnArgs) -> str:
    inputs: dict[str, Any] = {
        "custom_config": fn_args.custom_config,
        "examples": sorted([*fn_args.train_files, *fn_args.eval_files]),
        "transform_graph": fn_args.transform_output,
    }
    return str(PurePosixPath(fn_args.custom_config["checkpoint_dir"]) / training_digest(inputs))
