"""What the commands of `tfx-vae kubeflow` share: the options of the connection, and the configuration."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.kubeflow.client import ENDPOINT_VARIABLE, NAMESPACE_VARIABLE, TOKEN_VARIABLE, Connection, connected
from tfx_vae.options import config_option, load_config, set_option

if TYPE_CHECKING:
    from pipelines.config import PipelineConfig


def connecting(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the options for the connection and for the configuration."""
    for option in (
        click.option("--endpoint", envvar=ENDPOINT_VARIABLE, help=f"The address of Kubeflow Pipelines [{ENDPOINT_VARIABLE}]."),
        click.option("--namespace", envvar=NAMESPACE_VARIABLE, help=f"The profile's namespace [{NAMESPACE_VARIABLE}]."),
        click.option("--token", envvar=TOKEN_VARIABLE, help=f"A bearer token; {TOKEN_VARIABLE} is safer."),
        config_option,
        set_option,
    ):
        function = option(function)
    return function


@contextmanager
def client_of(
    config: "PipelineConfig", endpoint: str | None, namespace: str | None, token: str | None, **_: Any
) -> Iterator[tuple[Any, Connection]]:
    """A `kfp.Client`, and how it was reached."""
    settings = config.kubeflow
    connection = Connection(endpoint or settings.endpoint, namespace or settings.namespace, token, settings.timeout_seconds)
    with connected(connection) as client:
        yield client, connection


def load(path: Path, overrides: tuple[str, ...], image: str | None = None) -> "PipelineConfig":
    """The configuration. Keeps relative paths relative: they refer to the image, not to this machine."""
    words = [*overrides, *([f"kubeflow.image={image}"] if image else [])]
    return load_config(path, words, base=Path())
