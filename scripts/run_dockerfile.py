#!/usr/bin/env python3
"""Executes the Dockerfile without a container engine, each stage in a chroot of Debian with Debian's Python.

    sudo scripts/run_dockerfile.py [--folder FOLDER] [--build-arg NAME=VALUE] [COMMAND [ARGUMENT]...]

It needs root, debootstrap, and 8 GB in FOLDER (/var/tmp/tfx-vae-image). At the end it runs COMMAND, or the command of the
Dockerfile, as `docker run` would. Debian and the last stage stay in FOLDER; `rm -r --one-file-system FOLDER` removes them.
"""

import argparse
import fnmatch
import json
import re
import shlex
import shutil
import string
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = "ca-certificates,python3,python3-pip,python3-venv"
IMAGE = re.compile(r"python:3\.11-slim-(bookworm)")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Stage:
    """What a FROM begins: its files, and the settings that its later instructions start from."""

    root: Path
    suite: str
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    arguments: dict[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: str = "0"
    command: list[str] = field(default_factory=list)

    def run(self, *command: str) -> None:
        """Runs a command as this stage's user, in its directory."""
        values = [f"{name}={value}" for name, value in (self.arguments | self.environment).items()]
        account = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", "--reset-env"]
        words = [*(account if self.user != "0" else ()), "env", "--chdir", self.directory, *values, *command]
        subprocess.run([PROJECT / "scripts" / "chroot.sh", self.root, self.suite, PACKAGES, *words], check=True)

    def path(self, name: str) -> Path:
        """Where a path of this stage lies on this machine."""
        return self.root / str(Path(self.directory) / name).lstrip("/")


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, each with what follows it."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def context() -> list[str]:
    """The files that an engine would be sent: those that git knows and .dockerignore does not leave out."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    names = subprocess.run(listed, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split("\0")[:-1]
    patterns = (PROJECT / ".dockerignore").read_text(encoding="utf-8").split()
    return [name for name in names if (PROJECT / name).exists() and not _is_ignored(name, patterns)]


def copied(sources: list[str], files: list[str]) -> list[tuple[str, str]]:
    """What COPY takes from the context: each file, and its name below the target.

    Raises:
      SystemExit: A source is not in the context.
    """
    pairs = []
    for source in sources:
        found = [(name, Path(name).name) for name in files if name == source]
        found += [(name, name[len(source) + 1 :]) for name in files if name.startswith(f"{source}/")]
        if not found:
            sys.exit(f"COPY {source}: it is not in the context; does .dockerignore leave it out?")
        pairs += found
    return pairs


def _is_ignored(name: str, patterns: list[str]) -> bool:
    """Whether the last pattern that fits a file, or a folder above it, leaves it out."""
    paths = [name, *(str(parent) for parent in Path(name).parents)][:-1] if "/" in name else [name]
    ignored = False
    for pattern in patterns:
        plain = pattern.removeprefix("!").removeprefix("**/")
        names = paths if "**/" not in pattern else [Path(path).name for path in paths]
        if any(fnmatch.fnmatch(path, plain) for path in names):
            ignored = not pattern.startswith("!")
    return ignored


def build(text: str, folder: Path, arguments: dict[str, str]) -> Stage:
    """Executes a Dockerfile; the last of its stages."""
    stages: list[Stage] = []
    names: dict[str, Stage] = {}
    for word, rest in instructions(text):
        print(f"{word} {rest}", flush=True)  # noqa: T201 (what the script shows, beside the output of the commands)
        if word == "FROM":
            image, *name = rest.split()
            stages.append(_begin(image, folder, len(stages)))
            names[name[1] if name else str(len(stages))] = stages[-1]
        else:
            _execute(stages[-1], word, rest, names, arguments)
    for stage in stages[:-1]:
        shutil.rmtree(stage.root)
    return stages[-1]


def _begin(image: str, folder: Path, number: int) -> Stage:
    match = IMAGE.fullmatch(image)
    if match is None:
        sys.exit(f"FROM {image}: this script knows {IMAGE.pattern} only, for which it takes Debian's own Python.")
    base = Stage(folder / match[1], match[1])
    base.run("sh", "-c", "ln -sf python3 /usr/bin/python && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED")
    root = folder / f"stage-{number}"
    if root.exists():
        shutil.rmtree(root)
    subprocess.run(["cp", "--archive", "--reflink=auto", base.root, root], check=True)
    return Stage(root, match[1])


def _execute(stage: Stage, word: str, rest: str, names: dict[str, Stage], arguments: dict[str, str]) -> None:
    match word:
        case "RUN":
            stage.run("sh", "-c", rest)
        case "COPY":
            _copy(stage, shlex.split(rest), names)
        case "WORKDIR":
            stage.directory = rest
            stage.path(".").mkdir(parents=True, exist_ok=True)
        case "ENV":
            pairs = [item.partition("=") for item in shlex.split(rest)]
            stage.environment |= {name: string.Template(value).substitute(stage.environment) for name, _, value in pairs}
        case "ARG":
            name, _, value = rest.partition("=")
            stage.arguments[name] = arguments.get(name, value)
        case "USER":
            stage.user = rest
        case "CMD":
            stage.command = json.loads(rest)
        case _:
            sys.exit(f"{word} {rest}: this script does not know the instruction; teach it to {__file__}.")


def _copy(stage: Stage, words: list[str], names: dict[str, Stage]) -> None:
    *sources, target = words
    if sources[0].startswith("--from="):
        origin = names[sources[0].partition("=")[2]]
        for source in sources[1:]:
            subprocess.run(["cp", "--archive", "--reflink=auto", f"{origin.path(source)}/.", stage.path(target)], check=True)
        return
    several = target.endswith("/")
    for name, below in copied(sources, context()):
        to = stage.path(target)
        to = to / below if several or name not in sources else to
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, to, follow_symlinks=False)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/tfx-vae-image"))
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    arguments = dict(item.split("=", 1) for item in given.build_arg)
    try:
        stage = build((PROJECT / "Dockerfile").read_text(encoding="utf-8"), given.folder.resolve(), arguments)
        stage.run(*(given.command or stage.command))
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)


if __name__ == "__main__":
    main()
