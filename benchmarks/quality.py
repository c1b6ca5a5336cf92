"""Measures the quality of models against their training time: the table in benchmarks/README.md.

    python benchmarks/quality.py                                     # every recipe in benchmarks/recipes.yaml: hours
    python benchmarks/quality.py "default, VAE" "default, AE"        # some of them
    python benchmarks/quality.py --config pipelines/configs/mnist_vae.yaml --set trainer.epochs=3

Trains with the pipeline's own training loop on MNIST's files, without TFX. The splits train and eval are those of the
configuration; the 10,000 test digits are used only at the end. `trainer.prior_epochs` are left out. CPU seconds include the
training, the evaluation of each epoch and its checkpoint. The default is one thread, because CPU seconds of waiting threads
would count as work.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import yaml
from default_run import REPOSITORY, machine
from digits import EVALUATION_SEED, binarized, read_split
from variants import variant

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.models.autoencoder import Autoencoder
    from components.trainer.training_loop import TrainingLoop
    from pipelines.config import PipelineConfig

RECIPES: Final = REPOSITORY / "benchmarks" / "recipes.yaml"
COLUMNS: Final = (
    "epochs",
    "CPU s",
    "images/CPU s",
    "train",
    "eval",
    "test",
    "reconstruction",
    "KL",
    "active",
    "binarized",
    "iw_nll",
)


def main() -> None:
    """Trains each recipe in a new process, and prints its row when it ends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipes", nargs="*", help="names in benchmarks/recipes.yaml; the default is all")
    parser.add_argument("--config", type=Path, help="a configuration instead of recipes")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="SECTION.KEY=VALUE")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--importance-samples", type=int, default=500, help="number of codes for each image of iw_nll")
    parser.add_argument("--importance-images", type=int, default=1000, help="number of test digits for iw_nll; 0 leaves it out")
    parser.add_argument("--output", type=Path, help="file that gets a line of JSON for each row")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        print(json.dumps(measure(json.loads(arguments.train), arguments)))
        return
    print(f"{date.today()}, {arguments.threads} thread(s), {machine()}, Python {platform.python_version()}")
    print(
        f"train, eval, test: negative ELBO (grey); binarized: of binarized test digits; iw_nll: binarized, of the first "
        f"{arguments.importance_images} test digits with {arguments.importance_samples} samples; all in nats per image\n"
    )
    print(f"| recipe | {' | '.join(COLUMNS)} |\n| --- |{' ---: |' * len(COLUMNS)}", flush=True)
    for name, recipe in chosen_recipes(arguments).items():
        row = measure_apart({"name": name, **recipe})
        print(f"| {name} | {' | '.join(row.get(column, '') for column in COLUMNS)} |", flush=True)
        if arguments.output:
            with arguments.output.open("a") as file:
                file.write(json.dumps({"recipe": name, **recipe, **row}) + "\n")


def chosen_recipes(arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """By name, the path of a configuration and the settings that differ from it."""
    if arguments.config:
        name = " ".join([arguments.config.stem, *arguments.settings])
        return {name: {"config": str(arguments.config.resolve()), "set": arguments.settings}}
    known = yaml.safe_load(RECIPES.read_text())
    unknown = set(arguments.recipes) - set(known)
    if unknown:
        sys.exit(f"There is no recipe {', '.join(sorted(unknown))} in {RECIPES}; known are {', '.join(known)}.")
    names = arguments.recipes or list(known)
    return {
        name: {
            "config": str(REPOSITORY / "pipelines" / "configs" / known[name]["config"]),
            "set": [*known[name].get("set", []), *arguments.settings],
            **{key: value for key, value in known[name].items() if key == "variant"},
        }
        for name in names
    }


def measure_apart(recipe: dict[str, Any]) -> dict[str, str]:
    """Trains in a new process, so that the CPU seconds of the process are those of the training."""
    done = subprocess.run([sys.executable, *sys.argv, "--train", json.dumps(recipe)], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.returncode)
    row: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return row


def measure(recipe: dict[str, Any], arguments: argparse.Namespace) -> dict[str, str]:
    """Trains and evaluates a recipe in this process, and returns the columns of its row."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", OMP_NUM_THREADS=str(arguments.threads))
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    from pipelines.config import load_config

    config = load_config(Path(recipe["config"]), recipe["set"], REPOSITORY)
    digits = {split: read_split(expression) for split, expression in config.data.splits.items()}
    started = time.process_time()
    departure = variant(recipe.get("variant"))
    with departure.replaces():
        model, history = train(config, digits, departure.finish)
    seconds = time.process_time() - started
    test = digits["test"]
    epochs = len(history.epochs)
    losses = mean_losses(model, test)
    row = {
        "epochs": f"{epochs}",
        "CPU s": f"{seconds:.0f}",
        "images/CPU s": f"{epochs * len(digits['train']) / seconds:,.0f}",
        "train": f"{mean_losses(model, digits['train'][:10_000]).negative_elbo:.2f}",
        "eval": f"{mean_losses(model, digits['eval']).negative_elbo:.2f}",
        "test": f"{losses.negative_elbo:.2f}",
        "reconstruction": f"{losses.reconstruction_loss:.2f}",
        "KL": f"{losses.kl_divergence:.2f}",
        "active": f"{history.best.active_units} of {model.latent_dim}",
    }
    if config.model.kind == "vae":
        binary = binarized(test)
        row["binarized"] = f"{mean_losses(model, binary).negative_elbo:.2f}"
        if arguments.importance_images:
            row["iw_nll"] = f"{iw_nll(model, binary[: arguments.importance_images], arguments.importance_samples).mean():.2f}"
    return row


def train(
    config: "PipelineConfig",
    digits: dict[str, np.ndarray],
    finish: "Callable[[Autoencoder, TrainingLoop, np.ndarray], None]",
) -> "tuple[Autoencoder, Any]":
    """Trains like `run_fn`; returns the model as it would be exported, in float32, and the history."""
    import tensorflow as tf

    from components.models.autoencoder import build_model
    from components.models.config import Precision
    from components.trainer.checkpoints import TrainingCheckpoint
    from components.trainer.input_data import ImagesInMemory, PixelScale
    from components.trainer.latent_survey import pseudo_inputs
    from components.trainer.optimizer import resolve_precision
    from components.trainer.training_loop import TrainingData, TrainingLoop
    from components.trainer.views import ImageViews

    seed = config.trainer.seed
    data = TrainingData(
        train=ImagesInMemory(tf.constant(digits["train"]), seed),
        eval=ImagesInMemory(tf.constant(digits["eval"]), seed),
        views=ImageViews(PixelScale(1.0, 0.0), config.trainer.augmentation, config.data.binarization),
    )

    def build(precision: Precision) -> "Autoencoder":
        return build_model(config.model.model_copy(update={"precision": precision}), (28, 28, 1), data.train.pixel_mean, seed)

    model = build(resolve_precision(config.model.precision))
    if model.pseudo_inputs is not None:
        model.pseudo_inputs.assign(pseudo_inputs(data.train, config.model.prior_components))
    loop = TrainingLoop(model, data, config.trainer, beta=config.model.beta if config.model.kind == "vae" else 0.0)
    with tempfile.TemporaryDirectory() as directory:
        history = loop.run(TrainingCheckpoint(f"{directory}/checkpoints", model, loop.optimizer), f"{directory}/curves")
    finish(model, loop, digits["train"])
    exported = build(Precision.FLOAT32)
    exported.set_weights(model.get_weights())
    return exported, history


def mean_losses(model: "Autoencoder", images: np.ndarray) -> Any:
    """The mean of each loss over the images, with one posterior sample from a fixed seed."""
    import tensorflow as tf

    from components.models.objectives import Losses, per_example_losses

    evaluate = tf.function(
        lambda batch, index: per_example_losses(
            model,
            batch,
            batch,
            tf.random.stateless_normal([len(batch), model.latent_dim], [EVALUATION_SEED, index]),
            prior=model.training_prior(),
        ),
        reduce_retracing=True,
    )
    starts = range(0, len(images), 1000)
    batches = [evaluate(tf.constant(images[start : start + 1000]), tf.constant(start)) for start in starts]
    return Losses(*(float(np.mean(np.concatenate(loss), dtype=np.float64)) for loss in zip(*batches, strict=True)))


def iw_nll(model: "Autoencoder", images: np.ndarray, samples: int) -> np.ndarray:
    """An upper bound on -log p(x) of each image: minus the importance-weighted bound (Burda et al., 2016, equation 8).

    Args:
      model: a VAE.
      images: float32 [N, 28, 28, 1], binary.
      samples: K, codes for each image; a multiple of 100, or fewer.

    Returns:
      float32 [N], nats.
    """
    import tensorflow as tf

    from components.models.objectives import log_importance_weights

    codes, at_a_time = min(samples, 100), 20

    @tf.function(reduce_retracing=True)
    def log_sum(batch: tf.Tensor, first: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
        seed = tf.random.experimental.stateless_fold_in([EVALUATION_SEED, first], part)
        noise = tf.random.stateless_normal([codes, tf.shape(batch)[0], model.latent_dim], seed)
        return tf.reduce_logsumexp(log_importance_weights(model, batch, batch, noise, prior=model.training_prior()), axis=0)

    bounds = []
    for start in range(0, len(images), at_a_time):
        batch = tf.constant(images[start : start + at_a_time])
        parts = [log_sum(batch, tf.constant(start), tf.constant(part)) for part in range(samples // codes)]
        bounds.append(tf.reduce_logsumexp(tf.stack(parts), axis=0) - np.log(codes * len(parts)))
    return -np.concatenate(bounds)


if __name__ == "__main__":
    main()
