"""The file of an inferred schema, which a person may edit."""

import hashlib
import tempfile
from pathlib import Path
from typing import Final

_HEADER: Final = """# Inferred by the first run. Every later run must match it: edit it, or delete it to infer it again.
# The fields are explained in schema/schema.pbtxt. SHA-256 of what was inferred:
"""
_DIGEST: Final = "# "


def write_inferred(path: Path, schema: str) -> None:
    """Writes an inferred schema, with its digest, so that an edit can be noticed.

    Args:
      path: The file, which is replaced at once.
      schema: In the text format of protocol buffers.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False) as file:
        file.write(f"{_HEADER}{_DIGEST}{_digest(schema)}\n\n{schema}")
    written = Path(file.name)
    written.chmod(0o644)
    written.replace(path)


def edit_digest(path: Path) -> str:
    """A digest of the file; empty if it is missing or still what was inferred, so that both have one cache key."""
    if not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8")
    head, _, schema = text.partition("\n\n")
    return "" if head.endswith(f"\n{_DIGEST}{_digest(schema)}") else _digest(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
