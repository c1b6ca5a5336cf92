"""Measures the time that `tfx-vae serve` adds to a call of the model, and the number of requests that it answers.

    python benchmarks/serving_latency.py --model runs/serving/mnist-vae/<version> [--repeats 300]

The server runs in another process and gets requests over one open connection on loopback; the same SavedModel is loaded in this
process. Calls of both alternate. The client's own work, such as writing and reading JSON, is not counted. Then many connections
ask at once; an answer is compared with the model's bit for bit.
"""

import argparse
import asyncio
import base64
import gzip
import http.client
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

# Read when TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import orjson
import psutil
import tensorflow as tf
from default_run import REPOSITORY, machine

from components.artifacts.loaded_model import LoadedModel

NAME: Final = "mnist-vae"
COUNTS: Final = (1, 16, 256)
THROUGHPUT_COUNTS: Final = (1, 16)
CONNECTIONS: Final = (1, 8, 64)
WARM_UP: Final = 5


class Server(NamedTuple):
    """`tfx-vae serve`: its port and its process."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        times = self.process.cpu_times()
        return times.user + times.system


class Question(NamedTuple):
    """One request, which is sent both ways."""

    signature: str
    inputs: dict[str, Any]
    body: bytes


def main() -> None:
    """Prints two Markdown tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="a pushed version")
    parser.add_argument(
        "--repeats", type=int, default=300, help="number of requests for one image; fewer for more images; 0 for none"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="time for each number of connections")
    arguments = parser.parse_args()
    model = LoadedModel(arguments.model)
    with serving(arguments.model) as server:
        print(f"{date.today()}, {os.cpu_count()} cores, {machine()}, Python {platform.python_version()}\n")
        if arguments.repeats:
            print_latencies(model, server.port, arguments.repeats)
        print_throughput(model, server, arguments.seconds)


def print_latencies(model: LoadedModel, port: int, repeats: int) -> None:
    """Milliseconds in process and through the server, side by side."""
    print("| signature | images | in process, p50 | p99 | server, p50 | p99 | added at p50 |")
    print("| --- |" + " ---: |" * 6)
    for ask in (reconstruct, score):
        for count in COUNTS:
            question = ask(count)
            times = alternate(model, port, question, max(30, repeats // count))
            in_process, served = (np.percentile(1000 * taken, [50, 99]) for taken in times)
            cells = [*in_process, *served, served[0] - in_process[0]]
            print(f"| `{question.signature}` | {count} | {' | '.join(f'{cell:.1f}' for cell in cells)} |")
    print()


def print_throughput(model: LoadedModel, server: Server, duration: float) -> None:
    """Requests for reconstructions per second; each connection sends one request after the other without a pause."""
    print("| connections | images | requests a second | p50, ms | p99, ms | CPU ms of the server a request |")
    print("| ---: |" + " ---: |" * 5)
    for count in THROUGHPUT_COUNTS:
        question = reconstruct(count)
        check_bits(model, server.port, question)
        for connections in CONNECTIONS:
            before = server.cpu_seconds()
            taken = 1000 * np.array(asyncio.run(ask_at_once(server.port, question, connections, duration)))
            cpu = 1000 * (server.cpu_seconds() - before) / len(taken)
            p50, p99 = np.percentile(taken, [50, 99])
            print(f"| {connections} | {count} | {len(taken) / duration:.0f} | {p50:.1f} | {p99:.1f} | {cpu:.2f} |", flush=True)


def check_bits(model: LoadedModel, port: int, question: Question) -> None:
    """Ends the program if an answer differs from the model's in any bit."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    answer = np.array(orjson.loads(post(connection, question.body))["predictions"], np.float32)
    connection.close()
    if not np.array_equal(answer, model.call(question.signature, **question.inputs)["reconstruction"]):
        sys.exit("The server's answer differs from the model's.")


def alternate(model: LoadedModel, port: int, question: Question, repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """Seconds of each call in this process, and of each call through the server."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    ways: tuple[Callable[[], object], ...] = (
        lambda: model.call(question.signature, **question.inputs),
        lambda: post(connection, question.body),
    )
    taken = np.array([[seconds(way) for way in ways] for _ in range(WARM_UP + repeats)])[WARM_UP:]
    connection.close()
    return taken[:, 0], taken[:, 1]


async def ask_at_once(port: int, question: Question, connections: int, duration: float) -> list[float]:
    """Seconds of each request. Not with http.client, which takes more CPU time than the server."""
    head = f"POST /v1/models/{NAME}:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(question.body)}\r\n\r\n"
    request = head.encode() + question.body
    taken: list[float] = []
    deadline = time.perf_counter() + duration

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (started := time.perf_counter()) < deadline:
            writer.write(request)
            status, *headers = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            [length] = (int(header.partition(b":")[2]) for header in headers if header.startswith(b"content-length:"))
            content = await reader.readexactly(length)
            if b" 200 " not in status:
                sys.exit(content.decode())
            taken.append(time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(ask() for _ in range(connections)))
    return taken


def seconds(work: Callable[[], object]) -> float:
    """Seconds of a call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def post(connection: http.client.HTTPConnection, body: bytes) -> bytes:
    """Sends a request to the server."""
    connection.request("POST", f"/v1/models/{NAME}:predict", body)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != http.HTTPStatus.OK:
        sys.exit(content.decode())
    return content


def reconstruct(count: int) -> Question:
    """Pixels in, pixels out."""
    pixels = (digits(count) / 255.0).astype(np.float32)
    body = orjson.dumps({"signature_name": "reconstruct", "instances": pixels}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Question("reconstruct", {"image": pixels}, body)


def score(count: int) -> Question:
    """PNG files in; reconstructions, codes and scores out."""
    examples = []
    for digit in digits(count):
        example = tf.train.Example()
        example.features.feature["image"].bytes_list.value.append(tf.io.encode_png(digit).numpy())
        examples.append(example.SerializeToString())
    rows = [{"b64": base64.b64encode(example).decode()} for example in examples]
    return Question("serving_default", {"examples": examples}, orjson.dumps({"instances": rows}))


def digits(count: int) -> np.ndarray:
    """The first test digits of MNIST, uint8 [count, 28, 28, 1]."""
    with gzip.open(REPOSITORY / "data" / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        return np.frombuffer(file.read(16 + count * 784), np.uint8, offset=16).reshape(count, 28, 28, 1)


@contextmanager
def serving(model: Path) -> Iterator[Server]:
    """Runs `tfx-vae serve` on a copy of the model."""
    with tempfile.TemporaryDirectory() as root:
        shutil.copytree(model, Path(root) / "serving" / NAME / "1")
        command = [str(Path(sys.executable).parent / "tfx-vae"), "serve", "--port", "0", "--set", f"runtime.root={root}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            printed = iter(server.stdout)
            found = next(filter(None, (re.search(r"http://127\.0\.0\.1:(\d+)/$", line) for line in printed)))
            try:
                yield Server(int(found[1]), psutil.Process(server.pid))
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
