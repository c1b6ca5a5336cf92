"""Runs an application on a port until Ctrl-C.

The port that a server listens on, and who may ask there. Imports nothing that takes long.
"""

import ipaddress
import socket
from typing import Final, NoReturn

import uvicorn
from starlette.applications import Starlette

from components.errors import ConfigurationError

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


def open_port(host: str, port: int) -> socket.socket:
    """Takes a port, without listening yet.

    Args:
      host: A name or an address of this machine.
      port: 0 for any that is free.

    Raises:
      ConfigurationError: It cannot be had.
    """
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigurationError(f"--host {host}: this is no address of this machine ({error.strerror}).") from error
    # Else a port stays taken for a minute after a server on it has ended.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Port {port} of {host} cannot be had ({error.strerror}): choose another one with --port, or --port 0 for any."
        ) from error
    return listener


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def allowed_hosts(host: str) -> list[str]:
    """What the Host header of a request to this address may say."""
    return ["localhost", "127.0.0.1", "[::1]", host] if is_loopback(host) else ["*"]
