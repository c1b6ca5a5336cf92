"""One trial: trains a model as the Trainer does, exports nothing, and measures the objective on the eval split."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.artifacts.feature_classifier import FeatureClassifier
from components.models.autoencoder import Autoencoder
from components.models.image_quality import frechet_distance
from components.models.objectives import per_example_losses
from components.models.prior import Prior, fit_prior
from components.trainer.distribution import Replicas
from components.trainer.latent_survey import draw_codes
from components.trainer.run import TrainingArguments, final_model, fit
from components.trainer.training_loop import TrainingData

_BATCH = 500

Measure = Callable[[Autoencoder, Prior, TrainingData, int], float]
"""The objective of a trained model with its prior, on the eval split of the data; the seed fixes all noise."""


def train_and_measure(arguments: TrainingArguments, replicas: Replicas, measure: Measure) -> float:
    """Trains with the settings of the arguments, or continues that training.

    Raises:
      TrainingDivergedError: A loss became NaN or infinite.
      ConfigurationError: The training does not fit into memory or disk.
    """
    trained = fit(arguments, replicas)
    seed = arguments.custom_config.trainer.seed
    model = final_model(trained, seed)
    prior = fit_prior(model.config, lambda: draw_codes(model, trained.data.train, seed).values, seed, model.training_prior())
    value = measure(model, prior, trained.data, seed)
    trained.checkpoint.delete()
    return value


def negative_elbo(model: Autoencoder, prior: Prior, data: TrainingData, seed: int) -> float:
    """The mean negative ELBO in nats per image, whatever the weight of the KL divergence in training."""
    total = 0.0
    for number, images in enumerate(data.eval.in_order(_BATCH)):
        own = tf.constant([seed, number])
        noise = tf.random.stateless_normal([len(images), model.latent_dim], own)
        losses = per_example_losses(model, *data.views.for_evaluation(images, own), noise, prior=prior)
        total += float(tf.reduce_sum(losses.negative_elbo))
    return total / data.eval.count


@dataclass(frozen=True)
class SampleDistance:
    """The Fréchet distance between images and as many samples.

    Attributes:
      classifier: Whose features are compared.
      most: Number of images, at most.
    """

    classifier: FeatureClassifier
    most: int

    def __call__(self, model: Autoencoder, prior: Prior, data: TrainingData, seed: int) -> float:
        """Measures it; see `Measure`."""
        images, samples = [], []
        for number, batch in enumerate(data.eval.in_order(_BATCH)):
            if number * _BATCH >= self.most:
                break
            batch = batch[: self.most - number * _BATCH]
            own = tf.constant([seed, number])
            noise = tf.random.stateless_normal([len(batch), model.latent_dim], own)
            # A seed of its own, so that the component does not depend on the place in it.
            choice = tf.random.stateless_uniform([len(batch)], tf.random.experimental.stateless_fold_in(own, 1))
            drawn = model.expected_image(model.decode(prior.sample(noise, choice)))
            images.append(self.classifier.features(data.views.scale.denormalize(batch)))
            samples.append(self.classifier.features(drawn))
        return frechet_distance(np.concatenate(images), np.concatenate(samples))
