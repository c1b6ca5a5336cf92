"""Where gc may delete."""

from functools import cache
from pathlib import Path

from pipelines.mlmd.location import DATABASE_NAME, Backend, Location, real_path
from tfx_vae.metadata.disk import RealFiles


class OwnRoot:
    """The directory that the runs of a database write to; what lies elsewhere may be another's, such as the original of a copy.

    Attributes:
      directory: Its real path.
    """

    def __init__(self, directory: Path, location: Location) -> None:
        """Looks at the files as they are now.

        Args:
          directory: The directory, however it is spelled.
          location: The database.
        """
        self.directory = real_path(directory)
        self._location = location
        self._root = RealFiles([directory])
        self._has_another_database = cache(self._find_another_database)

    def has(self, path: Path) -> bool:
        """Whether a path really lies below the directory, and in no root of another database."""
        below = [parent for parent in real_path(path).parents if self._root.contain(parent / "any")]
        return bool(below) and not any(self._has_another_database(directory) for directory in below)

    def describe_elsewhere(self) -> str:
        """Why files are left alone that are not below it."""
        if self._has_another_database(self.directory):
            return f"{self.directory / DATABASE_NAME} is another database, whose files they may be"
        return f"not where TFX put it below {self.directory}"

    def _find_another_database(self, directory: Path) -> bool:
        database = directory / DATABASE_NAME
        if not database.exists():
            return False
        return self._location.backend is not Backend.SQLITE or not database.samefile(self._location.path)
