"""The configuration section `drift`."""

from typing import Annotated

from pydantic import Field

from components.settings import Action, Section

Limit = Annotated[float, Field(gt=0, le=1)] | None


class DriftConfig(Section):
    """When images that are new to the champion count as drifted. A difference counts if it is larger than its limit and
    significant; null switches a measure off."""

    enabled: bool = True
    """Compare the test split of new images with the test split of the images that the champion was trained on."""

    action: Action = Action.WARN
    """`warn`, or `stop` before anything is trained, if the images have drifted."""

    max_labels: Limit = 0.05
    """Largest change of the share of a label (L-infinity, as TFDV's drift comparator has it)."""

    max_pixels: Limit = 0.1
    """Largest difference of the distributions of the images' brightness, and of their contrast (Kolmogorov-Smirnov, 0 to 1)."""

    max_constant: Limit = 0.02
    """Largest change of the share of images of a single colour."""

    max_score: Limit = 0.1
    """Largest difference of the distributions of the champion's negative ELBO (Kolmogorov-Smirnov, 0 to 1)."""

    max_codes: Limit = 0.005
    """Largest difference of the champion's codes (squared maximum mean discrepancy, Gaussian kernel)."""

    significance: float = Field(default=0.001, ge=0.0001, le=0.1)
    """The probability of a false alarm in a run, over all measures together (Bonferroni)."""

    images: int = Field(default=2_000, ge=20)
    """Maximum number of images on each side; those with the lowest hashes."""
