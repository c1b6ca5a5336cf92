"""Opens the port, and runs an application on it. Imports no slow module."""

import ipaddress
import socket
from typing import Final, NoReturn

import uvicorn
from starlette.applications import Starlette

from components.errors import ConfigurationError
from tfx_vae.serving.server.connections import BoundedConnection, most_connections, raise_descriptor_limit

_KEEP_ALIVE_SECONDS: Final = 75
_SECONDS_TO_FINISH: Final = 10
_BACKLOG: Final = 2048


def open_port(host: str, port: int) -> socket.socket:
    """Binds a port, without listening yet.

    Args:
      host: A name or an address of this machine.
      port: 0 for any free port.

    Raises:
      ConfigurationError: It is not available.
    """
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigurationError(f"--host {host} is not an address of this machine ({error.strerror}).") from error
    # Otherwise the port of a server that has ended stays in use for a minute.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Port {port} of {host} is not available ({error.strerror}): choose another with --port, or any with --port 0."
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL of a port that was opened, without a slash at the end."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def allowed_hosts(host: str) -> list[str]:
    """The values of the Host header that are accepted at an address; `*` for any."""
    return ["localhost", "127.0.0.1", "[::1]", host] if is_loopback(host) else ["*"]


def run(application: Starlette, listener: socket.socket) -> NoReturn:
    """Answers requests until SIGINT or SIGTERM, then completes those that have begun.

    Raises:
      KeyboardInterrupt: It was told to end, and has.
    """
    make_server(application).run(sockets=[listener])
    # uvicorn ends for a signal only, and raises it again. But a shell makes its background jobs ignore SIGINT.
    raise KeyboardInterrupt


def make_server(application: Starlette) -> uvicorn.Server:
    """The server that runs the application; in the main thread it handles SIGINT and SIGTERM."""
    raise_descriptor_limit()
    config = uvicorn.Config(
        application,
        # Keeps our own logging, without a line for each request.
        log_config=None,
        access_log=False,
        lifespan="on",
        http=BoundedConnection,
        ws="none",
        # asyncio accepts so many at once, before the limit on connections is looked at.
        backlog=min(_BACKLOG, most_connections() // 8),
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )
    return uvicorn.Server(config)
