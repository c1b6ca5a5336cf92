"""Runs an application on a port until Ctrl-C."""

import socket
from typing import Final, NoReturn

import uvicorn
from starlette.applications import Starlette

_SECONDS_AN_IDLE_CONNECTION_LIVES: Final = 75
_SECONDS_TO_FINISH: Final = 10


def run(application: Starlette, listener: socket.socket) -> NoReturn:
    """Answers requests until SIGINT or SIGTERM, then finishes those that are under way.

    Raises:
      KeyboardInterrupt: It was asked to end, and has.
    """
    make_server(application).run(sockets=[listener])
    # uvicorn ends for nothing else, and sends itself the signal again. A shell has its background jobs ignore SIGINT, though.
    raise KeyboardInterrupt


def make_server(application: Starlette) -> uvicorn.Server:
    """What runs the application; in the main thread it takes over SIGINT and SIGTERM."""
    config = uvicorn.Config(
        application,
        # Our own logging stands, and nothing is written about each request.
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_SECONDS_AN_IDLE_CONNECTION_LIVES,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )
    return uvicorn.Server(config)
