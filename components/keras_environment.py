"""What Keras computes in, which is ours to say, not the user's; and TensorFlow without it."""

import os
import sys
from typing import Final

_VARIABLES: Final = {
    "KERAS_BACKEND": "tensorflow",
    # A keras.json of the user's could say float16, or channels first. Neither Keras 3 nor Keras 2 finds one here.
    "KERAS_HOME": os.devnull,
}
_LIMITS: Final = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED")

_WHICH_KERAS: Final = "TF_USE_LEGACY_KERAS"


def prepare_keras() -> None:
    """Sets the environment variables that Keras reads when it is imported; call it before that."""
    os.environ.update(_VARIABLES)
    for name in _LIMITS:
        os.environ.pop(name, None)


def import_tensorflow_alone() -> None:
    """Imports TensorFlow for a process that only calls exported models: in 4.4 CPU seconds instead of 7.4.

    TensorFlow imports Keras, and that scikit-learn, matplotlib and pandas. It goes on without Keras 2 if that is wanted and
    cannot be imported. Keras can be imported later.
    """
    if "tensorflow" in sys.modules:
        return
    wanted = os.environ.get(_WHICH_KERAS)
    os.environ[_WHICH_KERAS] = "1"
    sys.modules["tf_keras"] = None  # type: ignore[assignment]  # Python's way to say that there is no such module
    try:
        import tensorflow  # noqa: F401 (only imported)
    finally:
        del sys.modules["tf_keras"]
        del os.environ[_WHICH_KERAS]
        if wanted is not None:
            os.environ[_WHICH_KERAS] = wanted
