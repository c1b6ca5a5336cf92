"""A Python whose processes begin with the slow imports done: each is forked off a process that has done them once.

To import TFX, TensorFlow and Beam takes ten seconds, and every step of a pipeline with a dozen of them does it anew.
"""

import atexit
import fcntl
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Final, NoReturn

_MOST_FILES: Final = 100
_OUT_OF_THE_WAY: Final = 500

# What is called in place of Python: hands its arguments, environment, directory and open files over, and waits.
_CALLER = """#!{python} -SE
import json, os, socket, sys
def is_inherited(number):
    try:
        return os.get_inheritable(number)
    except OSError:
        return False
files = [number for number in map(int, os.listdir("/proc/self/fd")) if is_inherited(number)]
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    call = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd(), files]).encode()
    socket.send_fds(server, [len(call).to_bytes(8, "big")], files)
    server.sendall(call)
    sys.exit(int.from_bytes(server.recv(1) or b"\\1", "big"))
"""


@contextmanager
def forked_python(modules: list[str], environment: dict[str, str]) -> Iterator[Path]:
    """Starts it.

    Args:
      modules: What is imported once.
      environment: Of the process that imports them; each process that is forked has its caller's.

    Yields:
      An executable that takes `-m MODULE`, `-c CODE` or a script, and arguments, as Python does. If it is killed, what it does
      ends too.
    """
    # Not pytest's directory: the path of a socket has to be short.
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listening:
        address, executable = Path(directory) / "socket", Path(directory) / "python"
        executable.write_text(_CALLER.format(python=sys.executable, address=str(address)))
        executable.chmod(0o700)
        listening.bind(str(address))
        listening.listen()
        command = [sys.executable, __file__, str(listening.fileno()), *modules]
        server = subprocess.Popen(command, env=environment, pass_fds=[listening.fileno()])
        try:
            yield executable
        finally:
            server.terminate()
            server.wait()


def _serve(listening: socket.socket, modules: list[str]) -> None:
    ending = _Ending()
    atexit.register(ending.end)  # before all others, so it is called after them
    for module in modules:
        import_module(module)
    # Each process would look through 700,000 objects, and so copy their pages, when it ends: two seconds and a half.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    while True:
        caller, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            _answer(caller, ending)
        caller.close()


def _answer(caller: socket.socket, ending: "_Ending") -> NoReturn:
    """Has a process do what is asked for, and passes its exit status on."""
    head, files, _, _ = socket.recv_fds(caller, 8, _MOST_FILES)
    arguments, environment, directory, numbers = json.loads(caller.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))
    child = os.fork()
    if child == 0:
        caller.close()
        # First out of the way of the numbers that are wanted.
        moved = [fcntl.fcntl(file, fcntl.F_DUPFD, _OUT_OF_THE_WAY) for file in files]
        for file, number in zip(moved, numbers, strict=True):
            os.dup2(file, number)
            os.close(file)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(directory)
        ending.run(arguments)
    for file in files:
        os.close(file)
    threading.Thread(target=_end_with, args=(caller, child), daemon=True).start()
    _, status = os.waitpid(child, 0)
    with suppress(BrokenPipeError):  # the caller was killed
        caller.sendall((os.waitstatus_to_exitcode(status) & 0xFF).to_bytes(1, "big"))
    os._exit(0)


def _end_with(caller: socket.socket, process: int) -> None:
    """Kills a process when its caller no longer waits."""
    caller.recv(1)
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _run(arguments: list[str]) -> NoReturn:
    what, *rest = arguments
    if what == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif what == "-c":
        sys.argv = [what, *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        runpy.run_path(what, run_name="__main__")
    sys.exit(0)


class _Ending:
    """Ends a process after all else that runs at its end, and before Python clears every module, which takes half a second."""

    status = 1

    def run(self, arguments: list[str]) -> NoReturn:
        try:
            _run(arguments)
        except SystemExit as ended:
            self.status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            raise

    def end(self) -> NoReturn:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.status)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
