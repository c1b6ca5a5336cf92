"""Loads a model in a separate process and compares its answers to the warm-up requests with the Trainer's.

Of this repository and its libraries the process imports TensorFlow and what it compares with, so that it starts quickly.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from components.artifacts.warmup import WARMUP_FILE, RecordedRequest, read_warmup_requests
from components.errors import PipelineError


class ServingSession:
    """An exported model as TensorFlow Serving runs it: a graph in a session, whose variables the graph itself restores.

    TensorFlow's Python loader restores objects instead, and so finds weights that TensorFlow Serving may not. `with` closes it.

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

    def call(self, signature: str, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
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
        answered: dict[str, NDArray[Any]] = self._session.run(fetched, fed)
        return answered

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._session.close()


def replay(directory: Path, tolerance: float) -> str:
    """Loads a model as TensorFlow Serving does, and compares its answers with the Trainer's.

    Args:
      directory: The SavedModel.
      tolerance: See `describe_difference`.

    Returns:
      A sentence without a full stop that says what is wrong; empty if nothing is.
    """
    try:
        with ServingSession(directory) as session:
            requests = read_warmup_requests(str(directory))
            found = (_ask(session, request, tolerance) for request in requests)
            return next(filter(None, found), "") if requests else f"{WARMUP_FILE} holds no request"
    except PipelineError as error:
        return f"it cannot be loaded: {_one_line(error.__cause__ or error)}"
    except tf.errors.NotFoundError:
        return f"there is no {WARMUP_FILE} beside it: it was exported by an older version, so train it again"
    except (tf.errors.DataLossError, DecodeError) as error:
        return f"{WARMUP_FILE} is corrupt: {_one_line(error)}"


def _ask(session: ServingSession, request: RecordedRequest, tolerance: float) -> str | None:
    if request.signature not in session.signatures:
        return f"the signature {request.signature} is missing"
    if unknown := sorted(set(request.inputs) - set(session.signatures[request.signature].inputs)):
        return f"the signature {request.signature} does not take the input {', '.join(unknown)}"
    try:
        answered = session.call(request.signature, request.inputs)
    except (tf.errors.OpError, ValueError, TypeError) as error:
        return f"the signature {request.signature} fails: {_one_line(error)}"
    return describe_difference(request.signature, request.outputs, answered, tolerance)


def _one_line(error: BaseException) -> str:
    """The first sentence of a message; TensorFlow adds possible reasons, and the place in the graph."""
    message = error.message if isinstance(error, tf.errors.OpError) else str(error)
    told = re.sub(r"^Graph execution error:|\{\{.*?\}\}|\[Op:.*", "", message).strip()
    return re.split(r"\n|\.(?: (?=[A-Z])|$)", told)[0] or type(error).__name__


def describe_difference(
    signature: str, recorded: Mapping[str, NDArray[Any]], answered: Mapping[str, NDArray[Any]], tolerance: float
) -> str | None:
    """Says where an answer differs from the one that was recorded.

    Args:
      signature: Whose answers they are.
      recorded: The outputs by name, as the Trainer gave them.
      answered: As they are now.
      tolerance: How far a value may be from the recorded one, as a part of the largest recorded value of its output, or of 1 if
        that is more.

    Returns:
      A sentence without a full stop about the first output that differs; None if none does.
    """
    if missing := sorted(set(recorded) - set(answered)):
        return f"the signature {signature} does not give the output {', '.join(missing)}"
    for name, expected in sorted(recorded.items()):
        found = answered[name]
        if found.shape != expected.shape:
            return f"the output {name} of the signature {signature} has the shape {found.shape} instead of {expected.shape}"
        difference, allowed = _largest_difference(expected, found), tolerance * _size(expected)
        if not difference <= allowed:
            return (
                f"the output {name} of the signature {signature} differs from what the Trainer computed by up to "
                f"{difference:.3g}, where {allowed:.3g} is allowed (infra_validator.tolerance)"
            )
    return None


def _largest_difference(expected: NDArray[Any], found: NDArray[Any]) -> float:
    """Infinity where one is finite and the other is not; what is equal, infinities and NaN included, does not differ."""
    expected, found = expected.astype(np.float64), found.astype(np.float64)
    is_same = (expected == found) | (np.isnan(expected) & np.isnan(found))
    with np.errstate(invalid="ignore"):
        differences = np.abs(np.where(is_same, 0.0, found - expected))
    return float(np.max(np.where(np.isnan(differences), np.inf, differences), initial=0.0))


def _size(values: NDArray[Any]) -> float:
    finite = values[np.isfinite(values)]
    return max(1.0, float(np.max(np.abs(finite), initial=0.0)))


def main(saved_model: str, tolerance: str, result: str) -> None:
    """Writes what `replay` says to a file, which holds nothing if all is well."""
    Path(result).write_text(replay(Path(saved_model), float(tolerance)), encoding="utf-8")
