"""Runs `replay` in a separate process within limits of time and memory."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from components.infra_validator.config import InfraValidatorConfig

# A refusal, too, is served from the cache.
_AGAIN: Final = "change a limit of infra_validator to have it checked again"
_GIBIBYTE: Final = 2**30
_SECONDS_BETWEEN_LOOKS: Final = 0.05


@dataclass(frozen=True)
class Outcome:
    """The result of a check.

    Attributes:
      refusal: Why the model should not be pushed, a sentence without a full stop; empty if it may be.
      seconds: From the start of the process to its end.
      memory_gb: Peak memory of the process, in gigabytes (2^30).
    """

    refusal: str
    seconds: float
    memory_gb: float


def check(saved_model: Path, config: InfraValidatorConfig) -> Outcome:
    """Loads the model and replays its warm-up requests in a separate process.

    Args:
      saved_model: The directory of the SavedModel.
      config: The limits.
    """
    with tempfile.TemporaryDirectory() as directory:
        result = Path(directory) / "result"
        module = "components.infra_validator.replay_process"
        command = [sys.executable, "-m", module, str(saved_model.absolute()), str(config.tolerance), str(result)]
        with _started(command) as process:
            outcome = _watch(process, config)
        if outcome.refusal:
            return outcome
        return Outcome(_refusal(process.returncode, result), outcome.seconds, outcome.memory_gb)


@contextmanager
def _started(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Starts a process, and ends it when the context is left."""
    # A GPU's memory belongs to the process that used it first, which may be this one: it may have trained the model.
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _watch(process: subprocess.Popen[bytes], config: InfraValidatorConfig) -> Outcome:
    """Waits until the process ends or exceeds a limit."""
    started, most = time.monotonic(), 0.0
    while True:
        try:
            process.wait(_SECONDS_BETWEEN_LOOKS)
            return Outcome("", time.monotonic() - started, most)
        except subprocess.TimeoutExpired:
            seconds, most = time.monotonic() - started, max(most, _memory_gb(process.pid))
        if most > config.memory_limit_gb:
            return Outcome(_beyond(f"{config.memory_limit_gb:g} GB of memory", "memory_limit_gb"), seconds, most)
        if seconds > config.time_limit_seconds:
            return Outcome(_beyond(f"{config.time_limit_seconds:g} s", "time_limit_seconds"), seconds, most)


def _beyond(limit: str, key: str) -> str:
    return f"it took more than {limit} to load and to answer the warm-up requests; if it may, raise infra_validator.{key}"


def _memory_gb(pid: int) -> float:
    try:
        return float(psutil.Process(pid).memory_info().rss) / _GIBIBYTE
    except psutil.NoSuchProcess:  # it has just ended
        return 0.0


def _refusal(status: int, result: Path) -> str:
    if status < 0:
        hint = ", perhaps because the machine had no memory left" if status == -signal.SIGKILL else ""
        return f"the process that loaded it was ended by {signal.Signals(-status).name}{hint}; {_AGAIN}"
    if status > 0:
        return f"the process that loaded it ended with status {status}, and the log has what it said; {_AGAIN}"
    return result.read_text(encoding="utf-8")
