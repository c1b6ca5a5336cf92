"""All that a report is made of, each thing computed once and only if a section needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from components.report.config import ReportConfig
from components.report.data_summary import DataSummary
from components.report.evaluation import Evaluation
from components.report.images import Images
from components.report.model import Codes, ReportedModel
from components.report.provenance import Provenance
from components.report.training import Training

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
      model: The exported model.
      train: The first images of the training split.
      test: The first images of the test split, in the order of its files.
    """

    config: ReportConfig
    pipeline: str
    provenance: Provenance
    data: DataSummary
    training: Training | None
    evaluation: Evaluation
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
