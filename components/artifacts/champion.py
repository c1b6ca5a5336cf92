"""The champion: the model that is served and that no later model has beaten. Found from what ML Metadata holds alone.

The Evaluator records on each blessing which model it compared with, and whether the candidate was better. The Pusher records
which model it pushed. A person's decision is recorded on the version that it pushed. The ids of these artifacts order them by
time.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from components.artifacts.serving_directory import PUSHED

# Custom properties of a ModelBlessing, as the stock Evaluator writes them. Its constants would import every component of TFX,
# which takes ten seconds.
BLESSED: Final = "blessed"
"""1 or 0."""
CURRENT_MODEL_ID: Final = "current_model_id"
BASELINE_MODEL_ID: Final = "baseline_model_id"

# Custom properties of a ModelBlessing that this project adds.
JUDGED_BY: Final = "judged_by"
"""The name of the metric that says which of two models is better. Blessings of older versions do not have it."""
BEATS_BASELINE: Final = "beats_baseline"
"""1 if the candidate is better than the baseline by that metric, else 0; only if there was a baseline."""
DIFFERENCE: Final = "difference"
"""The mean over the test images of the candidate's value minus the baseline's; only if there was a baseline."""
STANDARD_ERROR: Final = "standard_error"
"""Of that mean."""

# Custom properties of a PushedModel that this project adds.
MODEL_ID: Final = "model_id"
"""The model that was pushed."""
DECISION: Final = "decision"
"""`rollback` or `promote`, if a person made this version the served one."""
WHY: Final = "why"
"""The person's reason."""
TAKEN_BACK_MODEL_ID: Final = "taken_back_model_id"
"""The model that a rollback took back: it is never a baseline again."""
TAKEN_BACK_VERSION: Final = "taken_back_version"
TAKEN_BACK: Final = "taken_back"
"""Why a rollback took back this version."""

ROLLBACK: Final = "rollback"
PROMOTE: Final = "promote"

Properties = Mapping[int, Mapping[str, Any]]
"""Custom properties of artifacts, by their ids."""


class Succession(NamedTuple):
    """The champions of a pipeline.

    Attributes:
      models: Every champion, the first one first.
      blessed: Models that were blessed, the latest last; for when no champion can be used.
      taken_back: Models that a rollback took back.
    """

    models: Sequence[int]
    blessed: Sequence[int]
    taken_back: frozenset[int]

    def champion(self, is_usable: Callable[[int], bool], candidate: int | None = None) -> int | None:
        """The champion that a candidate must be compared with.

        A candidate that is the champion itself is compared with the champion before it, so that a run which is repeated has the
        same baseline as the first time, and is served from the cache.

        Args:
          is_usable: Whether a model is still there.
          candidate: A model that is never chosen.
        """
        before = list(self.models)
        if candidate in before and before[-1] == candidate:
            before = before[: before.index(candidate)]
            if not before:
                return None

        def qualifies(model: int) -> bool:
            return model != candidate and model not in self.taken_back and is_usable(model)

        return next((model for model in (*reversed(before), *reversed(self.blessed)) if qualifies(model)), None)


def succession(blessings: Properties, pushes: Properties) -> Succession:
    """Replays what happened to a pipeline.

    A blessed model becomes the champion if there is none yet, or if it was better than the champion of that time. A blessing of
    an older version of this project, which does not say which was better, makes its model the champion, as it did then. A model
    that was not pushed, because it failed the check before, does not become the champion.

    Args:
      blessings: All ModelBlessings of the pipeline.
      pushes: All its PushedModels.
    """
    served = {push.get(MODEL_ID) for push in pushes.values() if push.get(PUSHED) == 1}
    models: list[int] = []
    blessed: list[int] = []
    taken_back = set()
    for _, found in sorted([*blessings.items(), *pushes.items()]):
        if found.get(DECISION):
            models.append(int(found[MODEL_ID]))
            taken_back.discard(int(found[MODEL_ID]))
            if TAKEN_BACK_MODEL_ID in found:
                taken_back.add(int(found[TAKEN_BACK_MODEL_ID]))
        elif found.get(BLESSED) == 1 and (model := found.get(CURRENT_MODEL_ID)) is not None:
            if JUDGED_BY in found and model not in served:
                continue
            if not models or JUDGED_BY not in found or _beats(found, models[-1], blessed):
                models.append(model)
            blessed.append(model)
    return Succession(models, blessed, frozenset(taken_back))


def _beats(blessing: Mapping[str, Any], champion: int, known: Sequence[int]) -> bool:
    """Whether the candidate was better than the champion, or than one of which gc has deleted the records."""
    baseline = blessing.get(BASELINE_MODEL_ID)
    return blessing.get(BEATS_BASELINE) == 1 and (baseline == champion or baseline not in known)
