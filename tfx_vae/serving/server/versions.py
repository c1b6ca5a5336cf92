"""Which version of the model answers: it is loaded, warmed up, switched to and let go of while requests go on.

When Python looks for cycles of objects that nobody holds any more.

By itself it does so after every 700 new lists or dictionaries, and looks at all it knows of: TensorFlow's objects too. A
request of 256 images makes 200,000 lists, none of them in a cycle, and reading it takes ten times as long for that.

A SavedModel brings the gradients of its activations along, which a server never asks for.

The requests that come with a model, so that the first real one is not the slow one.

A version that is loaded and ready to answer.

The version that answers, those that are on their way out, and how it stands with each.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tensorflow.python.framework import ops

from components.artifacts.loaded_model import LoadedModel
from components.artifacts.signature_names import DECODE, RECONSTRUCT, SERVING_DEFAULT
from components.errors import PipelineError
from components.trainer.warmup import WARMUP_FILE, read_warmup_requests
from tfx_vae.serving.pushed import PushedVersion
from tfx_vae.serving.server.answers import VersionStatus, write_metadata
from tfx_vae.serving.server.errors import invalid, not_found
from tfx_vae.serving.server.requests import Address


def take_over_collection() -> None:
    """Leaves it to `collect`, and takes what is there by now out of its sight. For a process that does nothing but serve."""
    gc.disable()
    gc.collect()
    gc.freeze()


def collect(also_what_was_there: bool = False) -> None:
    """Frees what has become garbage since `take_over_collection`; without that, Python does it by itself.

    Args:
      also_what_was_there: Looks at what was there then too, such as a model that was unloaded by now.
    """
    if gc.isenabled():
        return
    if also_what_was_there:
        gc.unfreeze()
    gc.collect()
    if also_what_was_there:
        gc.freeze()


@contextmanager
def no_gradients_kept() -> Iterator[None]:
    """Forgets the gradients that a model registers while it is loaded within this block.

    TensorFlow has a name for each in a list that it keeps to the end of the process, and through them the graphs of every model
    that was ever loaded: 90 MB for each new version of the default model.
    """
    registered = ops.gradient_registry._registry
    before = set(registered)
    try:
        yield
    finally:
        for name in set(registered) - before:
            del registered[name]


def warm_up(model: LoadedModel) -> int:
    """Asks the model what stands in its warm-up requests, and forgets the answers.

    Returns:
      The number of requests; 0 where the model has none.
    """
    if not (model.directory / WARMUP_FILE).is_file():
        return 0
    requests = read_warmup_requests(str(model.directory))
    for request in requests:
        model.call(request.signature or SERVING_DEFAULT, **request.inputs)
    return len(requests)


class ServedVersion:
    """A loaded model with what is known about it.

    Attributes:
      version: Its number.
      model: The model.
      metadata: The answer to a question for its signatures.
      warm_up_requests: How many it was warmed up with.
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
            raise PipelineError(f"The model in {pushed.path} has other signatures than those that the Trainer exports.")
        self.metadata = write_metadata(name, pushed.version, pushed.path)
        self.warm_up_requests = warm_up(self.model)


class AvailableVersions:
    """One version at a time answers new requests; the one before lives until its last request is answered.

    The states are TensorFlow Serving's (get_model_status.proto). May be used by any thread.
    """

    def __init__(self, name: str) -> None:
        """Nothing is available yet.

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
    def lease(self, address: Address) -> Iterator[ServedVersion]:
        """Lends a version for one request; it is not unloaded meanwhile.

        Args:
          address: What the request is for.

        Raises:
          RestError: It is not available, or named by a label, of which there are none.
        """
        if address.label is not None:
            raise invalid(f"Unrecognized servable version label: {address.label}")
        with self._lock:
            served = self._current
            if served is None or address.model != self.name or address.version not in (None, served.version):
                latest, specific = f"Latest({address.model})", f"Specific({address.model}, {address.version})"
                raise not_found(f"Servable not found for request: {latest if address.version is None else specific}")
            self._requests[served] += 1
        try:
            yield served
        finally:
            with self._lock:
                self._requests[served] -= 1
                self._unload_if_done(served)

    def switch_to(self, served: ServedVersion) -> None:
        """Lets a version answer from now on."""
        with self._lock:
            before, self._current = self._current, served
            self._requests[served] = 0
            self._statuses[served.version] = VersionStatus(served.version, "AVAILABLE")
            if before is not None:
                self._statuses[before.version] = VersionStatus(before.version, "UNLOADING")
                self._unload_if_done(before)

    def note_loading(self, version: int) -> None:
        """Says that a version is being loaded."""
        with self._lock:
            self._statuses[version] = VersionStatus(version, "LOADING")

    def note_failure(self, version: int, error: str) -> None:
        """Says why a version could not be loaded."""
        with self._lock:
            self._statuses[version] = VersionStatus(version, "END", error)

    def statuses(self, address: Address) -> list[VersionStatus]:
        """How it stands with every version that was ever seen, the newest first, or with the one asked for.

        Raises:
          RestError: There is none.
        """
        with self._lock:
            statuses = sorted(self._statuses.values(), reverse=True)
        if address.model != self.name or not statuses:
            raise not_found(f"Could not find any versions of model {address.model}")
        if address.version is None:
            return statuses
        found = [status for status in statuses if status.version == address.version]
        if not found:
            raise not_found(f"Could not find version {address.version} of model {address.model}")
        return found

    def forget_unloaded(self) -> bool:
        """Whether versions were unloaded since this was asked last. Their memory waits for Python's collector."""
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
