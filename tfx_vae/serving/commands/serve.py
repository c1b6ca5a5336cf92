"""`tfx-vae serve`."""

import os
import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from components.errors import PipelineError
from components.keras_environment import import_tensorflow_alone
from pipelines.local.process import captured_output, log_to_stderr, prepare_environment
from tfx_vae.options import config_option, load_config, set_option

if TYPE_CHECKING:
    from pipelines.config import PipelineConfig
    from tfx_vae.serving.server.limits import Limits

_LOG = "serve.log"
_MEGABYTE = 2**20


def _check_origins(_context: click.Context, _parameter: click.Parameter, origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if origin != "*" and not re.fullmatch(r"https?://[^/\s]+", origin):
            raise click.BadParameter(f"'{origin}' is not an origin: write http://HOST, https://HOST:PORT or *.")
    return origins


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8501, show_default=True, metavar="N", help="0 for any.")
@click.option("--version", type=int, metavar="N", help="Serve only this version. Default: always the newest.")
@click.option(
    "--max-body-mb", type=click.IntRange(1, 1024), default=16, show_default=True, metavar="N", help="Largest request body."
)
@click.option(
    "--max-waiting",
    type=click.IntRange(0, 10_000),
    default=1000,
    show_default=True,
    metavar="N",
    help="Requests that may wait while others are computed; further ones get status 503.",
)
@click.option(
    "--cors",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    callback=_check_origins,
    help="Let pages of this origin, such as https://example.org, use the REST API; * for any. May be repeated.",
)
@config_option
@set_option
def serve(
    host: str,
    port: int,
    version: int | None,
    max_body_mb: int,
    max_waiting: int,
    origins: tuple[str, ...],
    config_path: Path,
    overrides: tuple[str, ...],
) -> None:
    """Serve the newest pushed model: a page and a REST API.

    The page is for trying the model; the API is TensorFlow Serving's. For development and small loads. There is no
    authentication. A version that is pushed later replaces the one served.
    Stop with Ctrl-C (exit status 130).
    """
    from components.artifacts.serving_directory import find_pushed
    from tfx_vae.serving.server.limits import Limits
    from tfx_vae.serving.server.listening import open_port

    config = load_config(config_path, overrides)
    if version is not None:
        find_pushed(config.serving_dir, version)
    body_bytes = max_body_mb * _MEGABYTE
    limits = Limits(body_bytes, waiting=max_waiting, waiting_bytes=max(Limits().waiting_bytes, 2 * body_bytes))
    with open_port(host, port) as listener:
        sys.exit(_serve(config, version, listener, limits, origins))


def _serve(
    config: "PipelineConfig", version: int | None, listener: socket.socket, limits: "Limits", origins: tuple[str, ...]
) -> int:
    from rich.console import Console

    from pipelines.local.failures import INTERRUPTED, interrupted_by_sigterm

    log = config.log_dir / _LOG
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
    except OSError as error:
        raise PipelineError(f"The log {log} cannot be written ({error.strerror}).") from error
    # TensorFlow's warnings quote requests at any length.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    prepare_environment()
    with captured_output(log) as terminal, interrupted_by_sigterm():
        console = Console(file=terminal, highlight=False, soft_wrap=True)
        log_to_stderr()
        try:
            with console.status("starting TensorFlow"):
                import_tensorflow_alone()
                from tfx_vae.serving.server.process import serve_forever
                from tfx_vae.serving.server.watcher import ServingDirectory

            serve_forever(config.name, ServingDirectory(config.serving_dir, version), listener, limits, origins, console)
        except KeyboardInterrupt:
            console.print("Stopped.")
    return INTERRUPTED
