"""What Keras computes in, which is ours to say, not the user's."""

import os
from typing import Final

_VARIABLES: Final = {
    "KERAS_BACKEND": "tensorflow",
    # A keras.json of the user's could say float16, or channels first. Neither Keras 3 nor Keras 2 finds one here.
    "KERAS_HOME": os.devnull,
}
_LIMITS: Final = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED")


def prepare_keras() -> None:
    """Sets the environment variables that Keras reads when it is imported; call it before that."""
    os.environ.update(_VARIABLES)
    for name in _LIMITS:
        os.environ.pop(name, None)
