"""The server process from start to end."""

import logging
import socket
import time
from collections.abc import Sequence

from rich.console import Console

from tfx_vae.serving.server.application import make_application
from tfx_vae.serving.server.limits import Limits
from tfx_vae.serving.server.listening import address_of, allowed_hosts, is_loopback, run
from tfx_vae.serving.server.pages import Access
from tfx_vae.serving.server.versions import AvailableVersions, take_over_collection
from tfx_vae.serving.server.watcher import ServingDirectory, Watcher

_logger = logging.getLogger(__name__)


def serve_forever(
    name: str,
    directory: ServingDirectory,
    listener: socket.socket,
    limits: Limits,
    origins: Sequence[str],
    console: Console,
) -> None:
    """Loads a version, prints the addresses, and answers requests.

    Args:
      name: Of the model.
      directory: Where its versions are.
      listener: A port that was opened.
      limits: Those of requests.
      origins: Of other pages that may use the REST API.
      console: The terminal.

    Raises:
      KeyboardInterrupt: The process was told to end.
    """

    def report(sentence: str) -> None:
        _logger.info(sentence)
        console.print(f"{time.strftime('%H:%M:%S')} {sentence}", markup=False)

    available = AvailableVersions(name)
    watcher = Watcher(directory, available, report)
    with console.status("loading the model"):
        watcher.look()
    take_over_collection()
    # From here on, clients can connect and will be answered.
    listener.listen()
    host, address = listener.getsockname()[0], address_of(listener)
    console.print(
        f"Page      {address}/\n"
        f"REST API  {address}/v1/models/{name} (as in TensorFlow Serving)\n"
        "For development and small loads; TensorFlow Serving can serve the same directory (docs/serving.md). Stop with Ctrl-C."
    )
    if not is_loopback(host):
        console.print("There is no authentication: every machine that can reach this address can use the model.")
    run(make_application(available, watcher, limits, Access(allowed_hosts(host), origins)), listener)
