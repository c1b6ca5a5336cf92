"""`tfx-vae serve` as a user starts and stops it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from support.local_server import MODEL, PREDICT, push, wait_until

from tfx_vae.cli import main


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., Result]:
    """Calls the command in this process, for what is refused before anything is loaded."""
    return lambda *options: CliRunner().invoke(main, ["serve", "--set", f"runtime.root={tmp_path}", *options])


def test_it_waits_for_the_first_version_serves_it_and_ends_with_a_signal(tmp_path: Path, tiny: Callable[[int], Path]):
    directory, printed = tmp_path / "serving" / "mnist-vae", tmp_path / "printed"
    command = [str(Path(sys.executable).parent / "tfx-vae"), "serve", "--port", "0", "--set", f"runtime.root={tmp_path}"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    with printed.open("w") as file:
        process = subprocess.Popen([*command, "--max-body-mb", "1"], stdout=file, stderr=subprocess.STDOUT, env=environment)
    try:
        wait_until(lambda: process.poll() is not None or "Stop with Ctrl-C." in printed.read_text())
        lines = printed.read_text().splitlines()
        assert lines[0][9:] == f"There is no version to serve in {directory}; waiting for one."
        found = re.fullmatch(r"Page      (http://127\.0\.0\.1:\d+)/", lines[1])
        assert found is not None
        assert lines[2] == f"REST API  {found[1]}{MODEL} (as in TensorFlow Serving)"
        assert lines[3].startswith("For development and small loads; ")

        with httpx.Client(base_url=found[1], timeout=60) as client:
            status = client.get(MODEL)
            assert (status.status_code, status.json()) == (404, {"error": "The model 'mnist-vae' has no version."})
            page = client.get("/page/model.json")
            assert (page.status_code, page.json()["error"][:23]) == (503, "There is no model yet: ")

            push(directory, tiny(3), 12)
            wait_until(lambda: client.get(MODEL).status_code == 200 and "AVAILABLE" in client.get(MODEL).text)
            body = {"signature_name": "decode", "inputs": [[1, 2, 3, 4]]}
            assert client.post(PREDICT, json=body).json() == {"outputs": [[[[3], [6]], [[9], [12]]]]}
            assert client.post(PREDICT, content=b" " * (2**20 + 1)).status_code == 413

        # Said after the version has begun to answer.
        wait_until(lambda: "Version 12" in printed.read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        # Neither TensorFlow's messages nor a line for each request.
        assert [line[9:] for line in printed.read_text().splitlines()[4:-1]] == [
            "Version 12 answers now, warmed up with 0 requests."
        ]
        assert printed.read_text().endswith("\nStopped.\n")
        assert "Version 12 answers" in (tmp_path / "logs" / "mnist-vae" / "serve.log").read_text()
    finally:
        process.kill()
        process.wait()


def test_a_port_that_is_taken_is_one_sentence(call: Callable[..., Result]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = call("--port", port)

    assert result.exit_code == 2
    sentence = f"Port {port} of 127.0.0.1 is not available (Address already in use): choose another with --port, or any with"
    assert result.stderr == f"{sentence} --port 0.\n"


@pytest.mark.parametrize("origin", ["example.org", "https://example.org/", "ftp://example.org", ""])
def test_an_origin_has_a_scheme_and_a_host_only(call: Callable[..., Result], origin: str):
    result = call("--cors", "https://example.org:8000", "--cors", origin)

    assert result.exit_code == 2
    assert "is not an origin" in result.stderr


@pytest.mark.parametrize(
    ("host", "reason"), [("no.such.host.invalid", "is not an address of this machine"), ("192.0.2.1", "is not available")]
)
def test_an_address_of_another_machine_is_one_sentence(call: Callable[..., Result], host: str, reason: str):
    result = call("--host", host)

    assert result.exit_code == 2
    assert reason in result.stderr


def test_a_version_that_is_not_there_is_one_sentence(call: Callable[..., Result], tmp_path: Path, tiny: Callable[[int], Path]):
    directory = tmp_path / "serving" / "mnist-vae"
    push(directory, tiny(1), 7)
    result = call("--version", "6")

    assert result.exit_code == 2
    assert result.stderr == f"There is no version 6 in {directory}; there are 7.\n"
