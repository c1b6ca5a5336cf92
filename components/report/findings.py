"""All that a report is made of, each thing computed once and only if a section needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tfx.types.artifact import Artifact
from tfx.utils import path_utils

from components.artifacts.evaluation import Evaluation, read_evaluation
from components.artifacts.features import TEST, TRAIN
from components.artifacts.history import History, read_history
from components.artifacts.images import Images, read_images
from components.artifacts.infra_blessing import REFUSAL
from components.report import properties
from components.report.config import ReportConfig
from components.report.data_summary import DataSummary, read_data_summary
from components.report.model import Codes, ReportedModel
from components.report.provenance import Provenance

_TRAINING_IMAGES = 1000
_ENCODED_AT_ONCE = 1024


@dataclass(frozen=True)
class Findings:
    """What the other components found, and the model itself.

    Attributes:
      config: What to show.
      pipeline: Its name.
      provenance: What made the rest.
      data: Of all splits.
      training: None if the model came without its history.
      evaluation: What the Evaluator found.
      refusal: Why the model failed the check before pushing; empty if it passed, or was not checked.
      model: The exported model.
      train: The first images of the training split.
      test: The first images of the test split, in the order of its files.
    """

    config: ReportConfig
    pipeline: str
    provenance: Provenance
    data: DataSummary
    training: History | None
    evaluation: Evaluation
    refusal: str
    model: ReportedModel
    train: Images
    test: Images

    @cached_property
    def codes(self) -> Codes:
        """Of the test images."""
        return encode_all(self.model, self.test)

    @cached_property
    def losses(self) -> Mapping[str, NDArray[np.float32]]:
        """Of each test image, by name."""
        return self.model.losses(self.test.examples)


def gather(artifacts: Mapping[str, Artifact], config: ReportConfig, pipeline: str, provenance: Provenance) -> Findings:
    """Reads the artifacts of a run.

    Args:
      artifacts: By the names of `properties`: `examples`, `statistics`, `data_verdict`, `model` and `evaluation`; if there is
        one, `infra_blessing`.
      config: How much to read of them.
      pipeline: The name of the pipeline.
      provenance: What made them.

    Raises:
      DataError: A split holds no image.
      FileNotFoundError: The evaluation holds no metrics.
    """
    examples, trained = artifacts[properties.EXAMPLES], artifacts[properties.MODEL]
    model = ReportedModel(Path(path_utils.serving_model_path(trained.uri)))
    checked = artifacts.get(properties.INFRA_BLESSING)
    return Findings(
        config=config,
        pipeline=pipeline,
        provenance=provenance,
        data=read_data_summary(examples, artifacts[properties.STATISTICS], artifacts[properties.DATA_VERDICT]),
        training=read_history(Path(trained.uri)),
        evaluation=read_evaluation(Path(artifacts[properties.EVALUATION].uri)),
        refusal=checked.get_string_custom_property(REFUSAL) if checked else "",
        model=model,
        train=read_images(examples, TRAIN, _TRAINING_IMAGES, model.image_shape),
        test=read_images(examples, TEST, config.test_images, model.image_shape),
    )


def encode_all(model: ReportedModel, images: Images) -> Codes:
    """Codes of all images, whose pixels are never in memory at once."""
    parts = [
        model.encode(images.pixels(np.arange(start, min(start + _ENCODED_AT_ONCE, len(images)))))
        for start in range(0, len(images), _ENCODED_AT_ONCE)
    ]
    if not model.has_posterior:
        return Codes(np.concatenate([part.mean for part in parts]), None)
    return Codes(
        np.concatenate([part.mean for part in parts]),
        np.concatenate([part.log_variance for part in parts if part.log_variance is not None]),
    )
