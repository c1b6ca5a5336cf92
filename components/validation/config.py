"""The configuration section `validation`."""

from typing import Annotated

from pydantic import Field

from components.settings import Action, Section

Share = Annotated[float, Field(ge=0, le=1)]


class ValidationConfig(Section):
    """Which images stop a run before anything is trained on them."""

    max_shared: Share = 0.01
    """Largest share of the images of a split that may also be in another split. A larger share stops the run; a smaller one is
    a warning."""

    max_constant: Share = 0.01
    """Largest share of the images of a split that may have a single colour. A larger share stops the run; a smaller one is a
    warning."""

    zero_one_pixels: Action = Action.STOP
    """`stop` or `warn` if no pixel of a split is above 1 of 255: black and white that was stored as 0 and 1 trains as black."""

    missing_label: Action = Action.WARN
    """`stop` or `warn` if a split has no image of a label that another split has."""
