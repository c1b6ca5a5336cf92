"""A separate environment for the peers, which are not dependencies of the project."""

import subprocess
import sys
from pathlib import Path
from typing import Final

REQUIREMENTS: Final = ("torch==2.13.0", "pythae==0.1.2")


def peers_python(directory: Path) -> Path:
    """The interpreter of the environment in this directory, which is made if it does not exist.

    torch comes from the index in pip's configuration; its wheel for CPUs has a tenth of the size of the one on PyPI.
    """
    python = directory / "bin" / "python"
    installed = directory / "installed.txt"
    if not installed.exists() or installed.read_text() != "\n".join(REQUIREMENTS):
        subprocess.run([sys.executable, "-m", "venv", "--clear", directory], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True, stdout=sys.stderr)
        installed.write_text("\n".join(REQUIREMENTS))
    return python
