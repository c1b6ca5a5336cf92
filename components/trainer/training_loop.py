"""The training loop: epochs of compiled steps."""

import functools
import logging
import math
import time
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from components.artifacts.features import LOSSES
from components.artifacts.history import Epoch, EpochLosses, History
from components.errors import ConfigurationError, TrainingDivergedError
from components.models.autoencoder import Autoencoder
from components.models.distributions import Posterior
from components.models.latent_space import LatentMoments
from components.models.objectives import Losses, kl_weight, sample_posterior, sampled_losses, training_objective
from components.models.prior import Prior
from components.progress import Progress, report
from components.trainer.checkpoints import LearningCurves, TrainingCheckpoint
from components.trainer.config import TrainerConfig
from components.trainer.distribution import Replicas
from components.trainer.input_data import ImageSource
from components.trainer.optimizer import build_optimizer
from components.trainer.pictures import EpochPictures
from components.trainer.views import ImageViews, View

_REPORTS_PER_EPOCH = 10
# Codes that are decoded together.
_EVAL_BATCH = 1000
# Of the images in one call.
_CHUNK_BYTES = 16 * 2**20
# Training and evaluation must not have the same noise.
_EVAL_STREAM = -1


@dataclass(frozen=True)
class TrainingData:
    """Normalised images, and what the model sees of them.

    Attributes:
      train: The training split.
      eval: The split that decides which epoch is the best, and when to stop.
      views: What the model sees of an image.
    """

    train: ImageSource
    eval: ImageSource
    views: ImageViews


class TrainingLoop:
    """Trains a model, epoch by epoch.

    All random numbers depend only on the seed and on the step: a training that was killed and continued ends with the same
    weights as one that was not.
    """

    def __init__(
        self,
        model: Autoencoder,
        data: TrainingData,
        config: TrainerConfig,
        beta: float,
        replicas: Replicas | None = None,
        prior: Prior | None = None,
        epochs_before: int = 0,
    ) -> None:
        """Builds the optimiser and the compiled steps; runs nothing.

        Args:
          model: A built model, made in the scope of `replicas`. It is trained in place.
          data: The images.
          config: The recipe.
          beta: Weight of the KL divergence after the warm-up.
          replicas: The devices that train together; by default one.
          prior: What the codes are trained for; by default the model's own prior.
          epochs_before: Epochs of a training that this one continues with another recipe.

        Raises:
          ConfigurationError: The devices cannot share a batch evenly.
        """
        self._model = model
        self._config = config
        self._beta = beta
        self._data = data
        self._replicas = replicas or Replicas(tf.distribute.get_strategy())
        self._prior = prior
        self._epochs_before = epochs_before
        self._batch_size = _batch_size(config.batch_size, data.train.count, self._replicas.count)
        self._steps_per_epoch = data.train.count // self._batch_size
        images = _CHUNK_BYTES // (4 * math.prod(model.image_shape))
        self._chunk = max(1, min(math.ceil(self._steps_per_epoch / _REPORTS_PER_EPOCH), images // self._batch_size))
        self._eval_batch = max(1, min(_EVAL_BATCH // model.config.samples, images))
        with self._replicas.scope():
            self._optimizer = build_optimizer(config, self._steps_per_epoch)
            self._optimizer.build(model.trainable_variables)
        self._run_step = tf.function(self._step, jit_compile=True) if config.jit_compile else self._step
        self._run_steps = tf.function(self._steps, reduce_retracing=True)
        self._run_evaluation = tf.function(functools.partial(self._replicas.run, self._evaluate_batch), reduce_retracing=True)

    @property
    def optimizer(self) -> keras.optimizers.Optimizer:
        """The built optimiser, for checkpoints."""
        return self._optimizer

    def run(self, checkpoint: TrainingCheckpoint, curves_directory: str) -> History:
        """Trains until the last epoch, or until the eval loss no longer improves. The model then has the best weights.

        Args:
          checkpoint: Saved after each epoch; if it has a training, that training continues.
          curves_directory: Directory for TensorBoard logs.

        Returns:
          The whole history, with the epochs before an interruption.

        Raises:
          TrainingDivergedError: A loss became NaN or infinite.
        """
        history = checkpoint.restore()
        curves = LearningCurves(curves_directory, history)
        watch = CollapseWatch(self._model.latent_dim, self._beta, self._config.kl_warmup_epochs, self._data.eval.count)
        pictures = self._pictures()
        while not self._is_finished(history):
            epoch = self.run_epoch(len(history.epochs))
            history = history.plus(epoch)
            checkpoint.save(history)
            curves.add(epoch)
            curves.add_pictures(epoch.epoch, pictures.draw())
            watch.check(epoch)
        curves.close()
        checkpoint.use_best_weights()
        return history

    def _pictures(self) -> EpochPictures:
        images = next(self._data.eval.in_order(self._eval_batch))
        return EpochPictures(self._model, images, self._data.views.scale.denormalize(images), self._config.seed, self._prior)

    def _is_finished(self, history: History) -> bool:
        patience = self._config.early_stopping_patience
        stopped_early = patience is not None and history.epochs_since_best >= patience
        return stopped_early or len(history.epochs) >= self._config.epochs

    def run_epoch(self, finished_epochs: int) -> Epoch:
        """Trains one pass over the training split, and evaluates.

        Args:
          finished_epochs: Number of passes before; decides the order and the noise.

        Raises:
          TrainingDivergedError: A loss became NaN or infinite.
        """
        started = time.monotonic()
        number = self._epochs_before + finished_epochs + 1
        kl_weights = self._kl_weights(finished_epochs)
        sums = np.zeros(len(LOSSES) + 1)
        done = 0
        for images in self._data.train.epoch(finished_epochs, self._batch_size, self._chunk):
            chunk_sums = self._run_steps(images, kl_weights[done : done + len(images)]).numpy().astype(np.float64)
            done += len(images)
            sums += chunk_sums
            self._check_finite(chunk_sums[0], "training", number)
            self._report(finished_epochs + done / self._steps_per_epoch, chunk_sums[0] / len(images))
        evaluated, moments = self._evaluate()
        self._check_finite(evaluated.loss, "eval", number)
        return Epoch(
            epoch=number,
            step=number * self._steps_per_epoch,
            seconds=time.monotonic() - started,
            learning_rate=float(self._optimizer.learning_rate),
            kl_weight=float(kl_weights[-1]),
            train=_as_losses(sums / done),
            eval=evaluated,
            active_units=moments.active_units(),
            kl_per_dimension=tuple(moments.kl_per_dimension().tolist()),
        )

    def _kl_weights(self, finished_epochs: int) -> np.ndarray:
        """The weight of the KL divergence in each step of an epoch."""
        epochs = finished_epochs + np.arange(self._steps_per_epoch) / self._steps_per_epoch
        return np.array([kl_weight(epoch, self._config.kl_warmup_epochs, self._beta) for epoch in epochs], np.float32)

    def _steps(self, images: tf.Tensor, kl_weights: tf.Tensor) -> tf.Tensor:
        """Trains one step for each batch of `images`; gives the sum over steps of the objective and of each mean loss."""
        sums = tf.zeros(len(LOSSES) + 1)
        for step in tf.range(tf.shape(images)[0]):
            sums += self._replicas.run(self._run_step, images[step], kl_weights[step])
        return sums

    def _step(self, images: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
        """What one device does in a step: gradients from its share of the batch, summed over all devices by the optimiser."""
        step = tf.cast(self._optimizer.iterations.value, tf.int32)
        progress = tf.cast(step, tf.float32) / (self._config.epochs * self._steps_per_epoch)
        view = self._data.views.for_training(images, self._seed(step), progress)
        with tf.GradientTape() as tape:
            losses, objectives, _ = self._judge(view, self._seed(step), weight, training=True)
            objective = tf.reduce_sum(objectives) / self._batch_size
        variables = self._model.trainable_variables
        self._optimizer.apply(tape.gradient(objective, [variable.value for variable in variables]), variables)
        return self._replicas.sum(tf.stack([objective, *(tf.reduce_sum(loss) / self._batch_size for loss in losses)]))

    def _judge(
        self, view: View, seed: tf.Tensor, weight: tf.Tensor | float, training: bool
    ) -> tuple[Losses, tf.Tensor, Posterior]:
        """For each image of this device's share: its losses, the objective of the training, and its posterior."""
        shape = [self._model.config.samples, tf.shape(view.inputs)[0], self._model.latent_dim]
        noise = self._replicas.share(tf.random.stateless_normal(shape, seed), axis=1)
        inputs, pixels = (self._replicas.share(images) for images in view)
        samples = sample_posterior(self._model, inputs, pixels, noise, training)
        prior = self._prior or self._model.training_prior()
        losses = sampled_losses(self._model, pixels, samples, prior)
        return losses, training_objective(self._model.config.objective, losses, samples, weight, prior), samples.posterior

    def _evaluate(self) -> tuple[EpochLosses, LatentMoments]:
        """Means over the eval split, with the same noise after every epoch, and moments of its codes."""
        sums = np.zeros(len(LOSSES) + 1)
        moments: list[LatentMoments] = []
        for start, images in enumerate(self._data.eval.in_order(self._eval_batch)):
            batch_sums, mean, divergence = self._run_evaluation(images, np.int32(start))
            sums += batch_sums.numpy()
            moments.append(LatentMoments.of(mean, divergence))
        return _as_losses(sums / self._data.eval.count), functools.reduce(LatentMoments.plus, moments)

    def _evaluate_batch(self, images: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        seed = self._seed(index, stream=_EVAL_STREAM)
        losses, objectives, posterior = self._judge(self._data.views.for_evaluation(images, seed), seed, self._beta, False)
        sums = tf.stack([tf.reduce_sum(loss) for loss in (objectives, *losses)])
        divergence = self._model.kl_divergence(posterior)
        return self._replicas.sum(sums), self._replicas.join(posterior.mean), self._replicas.join(divergence)

    def _seed(self, index: tf.Tensor, stream: int = 0) -> tf.Tensor:
        """int32 [2], different for each step of training and each batch of evaluation."""
        return tf.stack([tf.constant(self._config.seed, tf.int32) ^ stream, index])

    def _report(self, epochs: float, loss: float) -> None:
        before, total = self._epochs_before, self._config.epochs + self._config.prior_epochs
        report(Progress("training", before + epochs, before + total, "epochs", {"loss": loss}))

    def _check_finite(self, loss: float, split: str, epoch: int) -> None:
        if not math.isfinite(loss):
            raise TrainingDivergedError(
                f"The {split} loss became {loss:g} in epoch {epoch}, so nothing was exported: lower trainer.learning_rate "
                f"(now {self._config.learning_rate:g}), or look for broken images in the data."
            )


def _batch_size(configured: int, count: int, replicas: int) -> int:
    """Images per step: at most all images, and equally many on each device."""
    if configured % replicas:
        raise ConfigurationError(
            f"trainer.batch_size is {configured}, which {replicas} devices cannot share evenly: set a multiple of {replicas}."
        )
    if count < replicas:
        raise ConfigurationError(
            f"There are {count} training images for {replicas} devices: train on one (trainer.distribution, trainer.workers)."
        )
    # All batches have this size: for a smaller one at the end XLA would compile again, and its images would have more weight.
    return min(configured, count // replicas * replicas)


def _as_losses(values: np.ndarray) -> EpochLosses:
    return EpochLosses(**dict(zip(("loss", *LOSSES), values.tolist(), strict=True)))


_LOGGER = logging.getLogger("tfx_vae.trainer")
_FEWEST_ACTIVE = 0.1
# A model may recover after the first epoch.
_GRACE_EPOCHS = 1


class CollapseWatch:
    """Warns once per training when the posterior collapses: when the code hardly depends on the image."""

    def __init__(self, latent_dim: int, beta: float, warmup_epochs: int, eval_images: int) -> None:
        """Decides from which epoch on to warn.

        Args:
          latent_dim: Number of latent dimensions.
          beta: Weight of the KL divergence; if it is 0, nothing collapses.
          warmup_epochs: Number of epochs until that weight is reached.
          eval_images: Number of images in the eval split. The code of a single image cannot vary, so there is no warning.
        """
        self._latent_dim = latent_dim
        self._needed = math.ceil(_FEWEST_ACTIVE * latent_dim)
        self._first_epoch = max(warmup_epochs, _GRACE_EPOCHS) + 1
        self._is_watching = beta > 0 and eval_images > 1

    def check(self, epoch: Epoch) -> None:
        """Warns if fewer than a tenth of the latent dimensions are active."""
        if self._is_watching and epoch.epoch >= self._first_epoch and epoch.active_units < self._needed:
            self._is_watching = False
            _LOGGER.warning(
                "The posterior collapses: after epoch %d, %d of %d latent dimensions are active, with a KL divergence of %.2f "
                "nats. Lower model.beta or raise trainer.kl_warmup_epochs, so that the model uses its code.",
                epoch.epoch,
                epoch.active_units,
                self._latent_dim,
                epoch.eval.kl_divergence,
            )
