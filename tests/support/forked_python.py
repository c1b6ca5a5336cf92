"""A Python whose processes begin with the slow imports done: each is forked off a process that has done them once.

To import TFX, TensorFlow and Beam takes ten seconds, and every step of a pipeline with a dozen of them does it anew.
"""

import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import NoReturn

# What is called in place of Python: hands its arguments, environment, directory and files over, and waits.
_CALLER = """#!{python} -SE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    call = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
    socket.send_fds(server, [len(call).to_bytes(8, "big")], [0, 1, 2])
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
      An executable that takes `-m MODULE ARGUMENTS...` as Python does.
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
            _answer(caller)
        caller.close()


def _answer(caller: socket.socket) -> NoReturn:
    """Has a process do what is asked for, and passes its exit status on."""
    head, files, _, _ = socket.recv_fds(caller, 8, 3)
    arguments, environment, directory = json.loads(caller.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))
    child = os.fork()
    if child == 0:
        caller.close()
        for target, file in enumerate(files):
            os.dup2(file, target)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(directory)
        _run(arguments)
    _, status = os.waitpid(child, 0)
    caller.sendall((os.waitstatus_to_exitcode(status) & 0xFF).to_bytes(1, "big"))
    os._exit(0)


def _run(arguments: list[str]) -> NoReturn:
    if arguments[0] != "-m":
        raise ValueError(f"only `-m MODULE` is understood, not {arguments}")
    sys.argv = arguments[1:]
    runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    sys.exit(0)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
