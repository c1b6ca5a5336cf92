"""Everything that is printed goes to the log, whoever prints it."""

import os
import subprocess
import sys
from pathlib import Path

from pipelines.local.capture import captured_output


def test_python_c_and_child_processes_write_to_the_log_and_the_terminal_stays_ours(tmp_path: Path):
    log = tmp_path / "run.log"
    code = f"""
import os, subprocess, sys
from pathlib import Path
from pipelines.local.capture import captured_output
print("before")
with captured_output(Path({str(log)!r})) as terminal:
    print("python out")
    print("python err", file=sys.stderr)
    os.write(2, b"from C++\\n")
    subprocess.run(["echo", "from a child"])
    print("for the person", file=terminal)
print("after")
"""

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())

    assert printed.stdout.split("\n") == ["before", "for the person", "after", ""]
    assert printed.stderr == ""
    assert set(log.read_text().splitlines()) == {"python out", "python err", "from C++", "from a child"}


def test_the_terminal_is_given_back_after_an_exception(tmp_path: Path, capfd):
    try:
        with captured_output(tmp_path / "run.log"):
            raise ValueError
    except ValueError:
        os.write(1, b"back\n")

    assert capfd.readouterr().out == "back\n"
