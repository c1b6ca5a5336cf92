"""Watches the serving directory, and makes the newest version that can be loaded answer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from components.artifacts.serving_directory import PushedVersion, pushed_versions
from components.errors import PipelineError
from tfx_vae.serving.server.versions import AvailableVersions, ServedVersion, collect

_SECONDS_BETWEEN_LOOKS: Final = 1.0
"""As TensorFlow Serving's --file_system_poll_wait_seconds."""

Fingerprint = frozenset[tuple[str, int, int]]


class ServingDirectory(NamedTuple):
    """Where versions come from.

    Attributes:
      path: As TensorFlow Serving's base path; it may not exist yet.
      pinned: The only version to serve; None for the newest.
    """

    path: Path
    pinned: int | None = None

    def candidates(self) -> list[PushedVersion]:
        """The versions that may be served, the newest first."""
        versions = [pushed for pushed in pushed_versions(self.path) if self.pinned in (None, pushed.version)]
        return versions[::-1]


class Watcher:
    """Loads versions in the background of a server.

    A version is loaded and warmed up while the one before answers. A version that cannot be loaded is skipped until its files
    change. If the version that answers is deleted, the newest that exists replaces it; without any, it keeps answering.
    """

    def __init__(self, directory: ServingDirectory, available: AvailableVersions, report: Callable[[str], None]) -> None:
        """Prepares to look.

        Args:
          directory: Where to look.
          available: Gets the loaded versions.
          report: Takes sentences for the user.
        """
        self._directory = directory
        self._available = available
        self._report = report
        self._failed: dict[int, Fingerprint] = {}
        self._last_trouble = ""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Looks once a second in a thread, until the block ends."""
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(_SECONDS_BETWEEN_LOOKS):
                self.look()
                collect(also_present=self._available.forget_unloaded())

        # A second Ctrl-C ends the process without leaving the block.
        thread = threading.Thread(target=watch, name="serving-directory", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def look(self) -> None:
        """Looks once, and switches to a better version if there is one."""
        try:
            trouble = self._look()
        except OSError as error:
            trouble = f"{self._directory.path} cannot be read ({error.strerror}); the loaded version keeps answering."
        except PipelineError as error:
            trouble = f"{error} The loaded version keeps answering."
        if trouble and trouble != self._last_trouble:
            self._report(trouble)
        self._last_trouble = trouble

    def _look(self) -> str:
        """Returns what is wrong, or an empty string."""
        current = self._available.current_version
        for pushed in self._directory.candidates():
            if pushed.version == current:
                return ""
            files = _fingerprint(pushed.path)
            if self._failed.get(pushed.version) != files and self._load(pushed, files):
                return ""
        if current is None:
            return f"There is no version to serve in {self._directory.path}; waiting for one."
        return f"Version {current} was deleted, and there is no other version to serve; it keeps answering from memory."

    def _load(self, pushed: PushedVersion, files: Fingerprint) -> bool:
        self._available.note_loading(pushed.version)
        try:
            served = ServedVersion(self._available.name, pushed)
        except Exception as error:  # the server keeps running, whatever is wrong with a version
            message = str(error) if isinstance(error, PipelineError) else f"{type(error).__name__}: {error}"
            self._failed[pushed.version] = files
            self._available.note_failure(pushed.version, message)
            self._report(f"Version {pushed.version} cannot be served; it is tried again when its files change. {message}")
            return False
        self._available.switch_to(served)
        self._report(f"Version {pushed.version} answers now, warmed up with {served.warm_up_requests} requests.")
        return True


def _fingerprint(directory: Path) -> Fingerprint:
    """The files of a version, with their sizes and their times in nanoseconds."""
    files = [(path, path.stat()) for path in directory.rglob("*")]
    return frozenset((str(path), status.st_size, status.st_mtime_ns) for path, status in files)
