"""An exported model as TensorFlow Serving runs it: a graph in a session, whose variables the graph itself restores.

TensorFlow's loader in Python restores objects instead, and so finds weights that TensorFlow Serving may not.
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tensorflow as tf
from numpy.typing import NDArray

from components.errors import PipelineError

Array = NDArray[Any]


class ServingSession:
    """A SavedModel in a session; `with` closes it.

    Attributes:
      signatures: By name, the SignatureDefs.
    """

    def __init__(self, directory: Path) -> None:
        """Loads the model as tensorflow/cc/saved_model/loader.cc does.

        Args:
          directory: The SavedModel.

        Raises:
          PipelineError: It cannot be loaded.
        """
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            with self._session.graph.as_default():
                loaded = tf.compat.v1.saved_model.load(self._session, [tf.saved_model.SERVING], str(directory))
        except (OSError, ValueError, TypeError, RuntimeError, tf.errors.OpError) as error:
            self._session.close()
            raise PipelineError(f"The model in {directory} cannot be loaded: {error}") from error
        self.signatures: Mapping[str, Any] = loaded.signature_def

    def call(self, signature: str, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Answers a request as tensorflow_serving/servables/tensorflow/predict_util.cc does.

        Args:
          signature: The name of the signature.
          inputs: By name.

        Returns:
          The outputs by name.

        Raises:
          KeyError: There is no such signature, or no such input.
          tf.errors.OpError: The graph fails.
        """
        definition = self.signatures[signature]
        fed = {definition.inputs[name].name: value for name, value in inputs.items()}
        fetched = {name: output.name for name, output in definition.outputs.items()}
        answered: dict[str, Array] = self._session.run(fetched, fed)
        return answered

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._session.close()
