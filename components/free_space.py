"""How much memory and disk this process may still take."""

import os
import resource
import shutil
from pathlib import Path

import psutil


def free_memory(cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """Bytes of memory: the machine's free memory, or what the limits of the container and of the address space leave of it."""
    free = float(psutil.virtual_memory().available)
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        free = min(free, max(0.0, limit - psutil.Process().memory_info().vms))
    try:
        limit_of_container = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        statistics = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except OSError:
        return free
    if limit_of_container == "max":
        return free
    # The page cache of unused files counts as used, but is freed as soon as a program needs the memory.
    return min(free, int(limit_of_container) - used + int(statistics.get("inactive_file", 0)))


def free_disk(directory: Path) -> int:
    """Bytes on the disk of a directory, which need not exist yet."""
    return shutil.disk_usage(closest_existing(directory)).free


def closest_existing(path: Path) -> Path:
    """The path itself, or the closest of its parents that exists."""
    # Path.exists raises if a parent may not be entered; access returns False.
    return next(candidate for candidate in (path.absolute(), *path.absolute().parents) if os.access(candidate, os.F_OK))
