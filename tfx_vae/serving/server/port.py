"""The port that a server listens on, and who may ask there. Imports nothing that takes long."""

import ipaddress
import socket

from components.errors import ConfigurationError


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
