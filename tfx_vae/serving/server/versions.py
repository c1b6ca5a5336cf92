"""The versions of the model: loading and warming up, switching from one to the next, and freeing their memory."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from components.artifacts.loaded_model import LoadedModel
from components.artifacts.serving_directory import PushedVersion
from components.artifacts.signature_names import DECODE, RECONSTRUCT, SERVING_DEFAULT
from components.artifacts.warmup import WARMUP_FILE, read_warmup_requests
from components.errors import PipelineError
from components.private_tensorflow import no_gradients_kept
from tfx_vae.serving.server.answers import VersionStatus, write_metadata
from tfx_vae.serving.server.errors import not_found


class ServedVersion:
    """A loaded model.

    Attributes:
      version: Its number.
      model: The model.
      metadata: The answer to a request for its metadata.
      warm_up_requests: How many requests warmed it up.
    """

    def __init__(self, name: str, pushed: PushedVersion) -> None:
        """Loads a version and warms it up.

        Args:
          name: Of the model.
          pushed: The version.

        Raises:
          PipelineError: It cannot be loaded.
        """
        self.version = pushed.version
        with no_gradients_kept():
            self.model = LoadedModel(pushed.path)
        if not {RECONSTRUCT, DECODE} <= self.model.signatures.keys():
            raise PipelineError(f"The model in {pushed.path} was not exported by the Trainer: it lacks its signatures.")
        self.metadata = write_metadata(name, pushed.version, pushed.path)
        self.warm_up_requests = _warm_up(self.model)


def _warm_up(model: LoadedModel) -> int:
    """Sends the model its warm-up requests, because the first request to a signature is slow; returns their number."""
    if not (model.directory / WARMUP_FILE).is_file():
        return 0
    requests = read_warmup_requests(str(model.directory))
    for request in requests:
        model.call(request.signature or SERVING_DEFAULT, **request.inputs)
    return len(requests)


class AvailableVersions:
    """One version at a time answers new requests; the version before it lives until its last request is answered.

    The states are those of TensorFlow Serving (get_model_status.proto). Safe to use from any thread.
    """

    def __init__(self, name: str) -> None:
        """Starts without a version.

        Args:
          name: Of the model.
        """
        self.name = name
        self._lock = threading.Lock()
        self._current: ServedVersion | None = None
        self._requests: dict[ServedVersion, int] = {}
        self._statuses: dict[int, VersionStatus] = {}
        self._has_unloaded = False

    @property
    def current_version(self) -> int | None:
        """The number of the version that answers."""
        current = self._current
        return None if current is None else current.version

    @contextmanager
    def lease(self, model: str, version: int | None = None) -> Iterator[ServedVersion]:
        """Lends a version to a request; it is not unloaded until the block ends.

        Args:
          model: Its name.
          version: None for the one that answers.

        Raises:
          HTTPException: It does not answer.
        """
        with self._lock:
            served = self._current
            if model != self.name:
                raise not_found(f"The model {model!r} is not served here; {self.name!r} is.")
            if served is None or version not in (None, served.version):
                now = "none" if served is None else served.version
                raise not_found(f"Version {'(newest)' if version is None else version} is not served; served now: {now}.")
            self._requests[served] += 1
        try:
            yield served
        finally:
            with self._lock:
                self._requests[served] -= 1
                self._unload_if_done(served)

    def switch_to(self, served: ServedVersion) -> None:
        """Makes a version answer from now on."""
        with self._lock:
            before, self._current = self._current, served
            self._requests[served] = 0
            self._statuses[served.version] = VersionStatus(served.version, "AVAILABLE")
            if before is not None:
                self._statuses[before.version] = VersionStatus(before.version, "UNLOADING")
                self._unload_if_done(before)

    def note_loading(self, version: int) -> None:
        """Records that a version is being loaded."""
        with self._lock:
            self._statuses[version] = VersionStatus(version, "LOADING")

    def note_failure(self, version: int, error: str) -> None:
        """Records why a version could not be loaded."""
        with self._lock:
            self._statuses[version] = VersionStatus(version, "END", error)

    def statuses(self, model: str, version: int | None = None) -> list[VersionStatus]:
        """The state of all versions seen so far, the newest first, or of one.

        Raises:
          HTTPException: There is none.
        """
        if model != self.name:
            raise not_found(f"The model {model!r} is not served here; {self.name!r} is.")
        found = [status for status in self.all_statuses() if version in (None, status.version)]
        if not found:
            raise not_found(f"The model {model!r} has no version{'' if version is None else f' {version}'}.")
        return found

    def all_statuses(self) -> list[VersionStatus]:
        """The state of all versions seen so far, the newest first."""
        with self._lock:
            return sorted(self._statuses.values(), reverse=True)

    def forget_unloaded(self) -> bool:
        """Whether versions were unloaded since the last call. Their memory waits for Python's collector."""
        with self._lock:
            has_unloaded, self._has_unloaded = self._has_unloaded, False
        return has_unloaded

    def _unload_if_done(self, served: ServedVersion) -> None:
        if served is self._current or self._requests[served]:
            return
        del self._requests[served]
        self._has_unloaded = True
        if self._statuses[served.version].state == "UNLOADING":
            self._statuses[served.version] = VersionStatus(served.version, "END")


def take_over_collection() -> None:
    """Turns off Python's own collection of cyclic garbage, and exempts all present objects from `collect`.

    By default Python collects after every 700 new lists or dictionaries, and searches all objects, TensorFlow's included.
    Reading a request of 256 images makes 200,000 lists, none in a cycle, and takes ten times as long for that.
    """
    gc.disable()
    gc.collect()
    gc.freeze()


def collect(also_present: bool = False) -> None:
    """Frees the garbage made since `take_over_collection`; does nothing without that call.

    Args:
      also_present: Also searches the objects of that time, such as a model that was unloaded since.
    """
    if gc.isenabled():
        return
    if also_present:
        gc.unfreeze()
    gc.collect()
    if also_present:
        gc.freeze()
