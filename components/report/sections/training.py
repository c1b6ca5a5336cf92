"""How the training went."""

from components.artifacts.features import KL_DIVERGENCE, RECONSTRUCTION_LOSS
from components.artifacts.history import History
from components.report.figures.training_curves import learning_rate_curve, loss_curve
from components.report.findings import Findings
from components.report.page import Block, Figure, Note, Section

_TITLE = "Training"


def training_section(findings: Findings) -> Section:
    """Loss, reconstruction, KL divergence and learning rate by epoch."""
    training = findings.training
    if training is None or training.best is None:
        return Section("training", _TITLE, "Left out: the model came without a history.json of its training.", [])
    epochs = len(training.epochs)
    asked = findings.provenance.trainer.get("epochs")
    stopped = f" of at most {asked}" if asked and asked != epochs else ""
    return Section(
        "training",
        _TITLE,
        f"{epochs} epoch{'' if epochs == 1 else 's'}{stopped} in {training.seconds:,.0f} seconds. The exported weights "
        f"come from the epoch with the lowest eval loss, epoch {training.best.epoch}. "
        "The first epochs of a long training are cut off.",
        list(_blocks(training, has_posterior=findings.model.has_posterior)),
    )


def _blocks(training: History, has_posterior: bool) -> list[Block]:
    blocks: list[Block] = [
        _curve(
            training,
            "loss",
            "loss",
            "What training minimises. Where eval rises while train still falls, the model has begun to learn "
            "its training images "
            "by heart. A value of train is the mean over its epoch, while the weights changed, so eval may lie below it.",
        ),
        _curve(
            training,
            RECONSTRUCTION_LOSS,
            "reconstruction loss",
            "How much is lost between an image and its reconstruction; the lower, the more alike they are.",
        ),
    ]
    if has_posterior:
        blocks.append(
            _curve(
                training,
                KL_DIVERGENCE,
                "KL divergence",
                "How much the codes say about their image. It should settle well above 0; near 0 the decoder "
                "ignores the codes.",
            )
        )
    rates = [epoch.learning_rate for epoch in training.epochs]
    blocks.append(
        Figure(
            "learning-rate",
            learning_rate_curve(rates),
            "The learning rate at the end of each epoch.",
            f"A curve of the learning rate by epoch, from {rates[0]:.2g} to {rates[-1]:.2g}.",
        )
    )
    if not has_posterior:
        blocks.append(Note("There is no KL divergence: an autoencoder has no posterior."))
    return blocks


def _curve(training: History, loss: str, title: str, caption: str) -> Figure:
    curves = {"train": training.curve("train", loss), "eval": training.curve("eval", loss)}
    last = ", ".join(f"{split} ends at {values[-1]:.2f}" for split, values in curves.items())
    return Figure(
        f"training-{loss.replace('_', '-')}",
        loss_curve(curves, None if training.best is None else training.best.epoch, title),
        caption,
        f"Curves of the {title} by epoch in nats per image: {last}.",
    )
