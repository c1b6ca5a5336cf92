"""What a process may still take of memory and disk."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.free_space import free_disk, free_memory


def write_cgroup(directory: Path, limit: str, used: int, inactive_file: int) -> Path:
    (directory / "memory.max").write_text(f"{limit}\n")
    (directory / "memory.current").write_text(f"{used}\n")
    (directory / "memory.stat").write_text(f"anon 1\ninactive_file {inactive_file}\n")
    return directory


def test_a_containers_limit_counts_and_its_page_cache_does_not(tmp_path: Path) -> None:
    assert free_memory(write_cgroup(tmp_path, limit="1000000", used=700_000, inactive_file=200_000)) == 500_000


def test_without_a_limit_the_machines_memory_counts(tmp_path: Path) -> None:
    no_cgroup = free_memory(tmp_path / "none")
    unlimited = free_memory(write_cgroup(tmp_path, limit="max", used=0, inactive_file=0))
    assert no_cgroup > 1e8
    assert unlimited == pytest.approx(no_cgroup, rel=0.2)


def test_a_limit_of_the_address_space_counts(tmp_path: Path) -> None:
    limit = 2**30
    printed = "from components.free_space import free_memory; print(free_memory())"
    program = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit})); {printed}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert 0 < float(done.stdout) < limit


def test_the_disk_of_a_directory_that_does_not_exist_yet_is_that_of_its_closest_parent(tmp_path: Path) -> None:
    assert free_disk(tmp_path / "not" / "made") == pytest.approx(free_disk(tmp_path), rel=0.1)
