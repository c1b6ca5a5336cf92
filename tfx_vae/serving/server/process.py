"""A server from its start to its end, as whoever started it sees it."""

import logging
import socket
import time

from rich.console import Console

from tfx_vae.serving.server.application import make_application
from tfx_vae.serving.server.limits import Limits
from tfx_vae.serving.server.listening import allowed_hosts, is_loopback, run
from tfx_vae.serving.server.versions import AvailableVersions, take_over_collection
from tfx_vae.serving.server.watcher import ServingDirectory, Watcher

_logger = logging.getLogger(__name__)


def serve_forever(name: str, directory: ServingDirectory, listener: socket.socket, limits: Limits, console: Console) -> None:
    """Loads a version, says where it is served, and answers requests.

    Args:
      name: Of the model.
      directory: Where its versions are.
      listener: A port that was opened.
      limits: What requests may take.
      console: The terminal.

    Raises:
      KeyboardInterrupt: It was asked to end.
    """

    def report(sentence: str) -> None:
        _logger.info(sentence)
        console.print(f"{time.strftime('%H:%M:%S')} {sentence}")

    available = AvailableVersions(name)
    watcher = Watcher(directory, available, report)
    with console.status("loading the model"):
        watcher.look()
    take_over_collection()
    # Whoever connects from here on is answered, if not at once.
    listener.listen()
    host, port = listener.getsockname()[:2]
    _introduce(name, host, port, limits, console)
    run(make_application(available, watcher, limits, allowed_hosts(host)), listener)


def _introduce(name: str, host: str, port: int, limits: Limits, console: Console) -> None:
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    console.print(
        f"Page      {address}/\n"
        f"REST API  {address}/v1/models/{name} (TensorFlow Serving's)\n"
        "For development and small loads; TensorFlow Serving takes the same directory (docs/serving.md). Ctrl-C ends it."
    )
    if not is_loopback(host):
        console.print("Whoever can reach this address can use the model: nobody is asked who they are.")
