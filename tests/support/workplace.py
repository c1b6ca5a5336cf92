"""Runs whole pipelines by their commands, each in its own process."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
SMOKE = PROJECT / "pipelines" / "configs" / "smoke.yaml"
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Workplace:
    """A directory for runs, and a home.

    Attributes:
      root: `runtime.root` of every run.
      home: HOME, and the directory for temporary files.
      program: The words that start `tfx-vae`.
    """

    root: Path
    home: Path
    program: tuple[str, ...] = (str(BIN / "tfx-vae"),)

    def command(self, *settings: str, config: Path = SMOKE) -> list[str]:
        """`tfx-vae run`, with the smoke configuration and its runs in `root`."""
        settings = (f"runtime.root={self.root}", f"data.data_dir={self.root.parent / 'datasets'}", *settings)
        return [*self.program, "run", "--config", str(config), *(part for set_ in settings for part in ("--set", set_))]

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of `tfx-vae` on the runs in `root`."""
        options = self.command()[len(self.program) + 1 :]
        command = [*self.program, *arguments, *options]
        return subprocess.run(command, cwd=PROJECT, env=self.environment(), capture_output=True, text=True)

    def environment(self, **variables: str) -> dict[str, str]:
        """What a fresh shell has; the test's own quiet settings for TensorFlow are left out."""
        kept = {name: os.environ[name] for name in ("LANG", "PYTHONDONTWRITEBYTECODE") if name in os.environ}
        own = {"HOME": str(self.home), "TMPDIR": str(self.home), "PATH": f"{BIN}:/usr/bin:/bin"}
        return {**kept, **own, **variables}

    def run(self, *settings: str, config: Path = SMOKE) -> subprocess.CompletedProcess[str]:
        """Runs the pipeline to its end."""
        return subprocess.run(
            self.command(*settings, config=config), cwd=PROJECT, env=self.environment(), capture_output=True, text=True
        )

    def versions(self, pipeline: str = "mnist-smoke") -> list[int]:
        """What was pushed, oldest first."""
        return sorted(int(path.name) for path in (self.root / "serving" / pipeline).glob("[0-9]*"))

    def weights(self, version: int, pipeline: str = "mnist-smoke") -> bytes:
        """Of a pushed model."""
        return (self.root / "serving" / pipeline / str(version) / "variables" / "variables.data-00000-of-00001").read_bytes()


def said(run: subprocess.CompletedProcess[str]) -> str:
    """What a run printed, without the lines about its components."""
    lines = (run.stdout + run.stderr).splitlines()
    return "\n".join(line for line in lines if " started, " not in line and not line.startswith(("✓", "✗")))


def states(output: str) -> dict[str, str]:
    """By component, `ran`, `cached` or `failed`, from what a run printed."""
    lines = (line.split() for line in output.splitlines() if line.startswith(("✓", "✗")))
    return {words[1]: words[2] for words in lines}
