"""Run in a process of its own: loads a model and replays its warm-up requests. Needs TensorFlow alone.

Usage: python -m components.infra_validator.replay SAVED_MODEL TOLERANCE RESULT

RESULT is a file, which will hold a sentence that says what is wrong; nothing if all is well.
"""

import re
import sys
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError

from components.errors import PipelineError
from components.infra_validator.comparison import describe_difference
from components.infra_validator.serving_session import ServingSession
from components.trainer.warmup import WARMUP_FILE, RecordedRequest, read_warmup_requests


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
    """The first sentence says it; TensorFlow adds what it may mean, and where in the graph."""
    message = error.message if isinstance(error, tf.errors.OpError) else str(error)
    told = re.sub(r"^Graph execution error:|\{\{.*?\}\}|\[Op:.*", "", message).strip()
    return re.split(r"\n|\.(?: (?=[A-Z])|$)", told)[0] or type(error).__name__


def main(saved_model: str, tolerance: str, result: str) -> None:
    """What the module does when it is run."""
    Path(result).write_text(replay(Path(saved_model), float(tolerance)))


if __name__ == "__main__":
    main(*sys.argv[1:])
