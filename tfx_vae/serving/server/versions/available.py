"""The version that answers, those that are on their way out, and how it stands with each."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tfx_vae.serving.server.rest_api.addresses import Address
from tfx_vae.serving.server.rest_api.errors import invalid, not_found
from tfx_vae.serving.server.rest_api.model_answers import VersionStatus
from tfx_vae.serving.server.versions.served import ServedVersion


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
