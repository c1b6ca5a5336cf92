"""The last epochs of a training, with the prior that the exported model has."""

import dataclasses

from components.artifacts.history import History
from components.models.autoencoder import Autoencoder
from components.models.prior import fit_prior
from components.trainer.checkpoints import TrainingCheckpoint
from components.trainer.config import AugmentationConfig, TrainerConfig
from components.trainer.distribution import Replicas
from components.trainer.latent_survey import draw_codes
from components.trainer.training_loop import TrainingData, TrainingLoop


def train_with_prior(
    model: Autoencoder,
    data: TrainingData,
    config: TrainerConfig,
    replicas: Replicas,
    before: History,
    checkpoint: TrainingCheckpoint,
    curves: str,
) -> History:
    """Fits the prior to the codes of a trained model, and trains the model for `config.prior_epochs` epochs with it.

    A prior that is fitted afterwards describes the codes in fewer nats than N(0, I), for which they were trained. So the best
    posterior is another one: it can tell the decoder more for the same KL divergence. A killed training fits the same prior
    again, because the fit depends on the weights and the seed only; so does each of the processes that train together.

    Args:
      model: A VAE with a fitted prior, and the best weights of the epochs before. It is trained in place.
      data: The images.
      config: The recipe of the whole training.
      replicas: The devices that train together.
      before: The epochs with N(0, I).
      checkpoint: Of these epochs; those of the new epochs are in a directory below it, and are deleted with it. Its best
        weights are those of the model again if no new epoch has a lower eval loss.
      curves: Directory for TensorBoard logs.

    Returns:
      The history of the whole training. Losses of the new epochs are those with the fitted prior.

    Raises:
      TrainingDivergedError: A loss became NaN or infinite.
    """
    prior = fit_prior(model.config, lambda: draw_codes(model, data.train, config.seed).values, config.seed)
    recipe = config.model_copy(
        update={
            "epochs": config.prior_epochs,
            "prior_epochs": 0,
            "learning_rate": config.prior_learning_rate,
            "kl_warmup_epochs": 0,
            "early_stopping_patience": None,
        }
    )
    # Augmentation must not move the codes to which the prior was fitted.
    data = dataclasses.replace(data, views=dataclasses.replace(data.views, augmentation=AugmentationConfig()))
    loop = TrainingLoop(model, data, recipe, model.config.beta, replicas, prior, len(before.epochs))
    directory = f"{checkpoint.directory}/prior"
    history = loop.run(TrainingCheckpoint(directory, model, loop.optimizer, replicas.is_chief), curves)
    whole = History(epochs=before.epochs + history.epochs)
    if whole.best in before.epochs:
        checkpoint.use_best_weights()
    return whole
