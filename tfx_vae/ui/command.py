"""`tfx-vae ui`."""

import sys
from typing import Any

import click

from tfx_vae.metadata.commands import locate_database, metadata_option, root_directory
from tfx_vae.options import config_option, load_config, set_option


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8502, show_default=True, metavar="N", help="0 for any.")
@click.option(
    "--allow-actions", is_flag=True, help="Let the page tag runs, promote, roll back, and delete what gc would. Loopback only."
)
@metadata_option
@config_option
@set_option
def ui(host: str, port: int, allow_actions: bool, **where: Any) -> None:
    """Show runs, artifacts and models in a browser.

    The page shows the runs of all pipelines in the database, and follows those that are running. It only reads, unless it
    was started with --allow-actions. There is no authentication. Stop with Ctrl-C (exit status 130).
    """
    from rich.console import Console

    from pipelines.local.failures import INTERRUPTED, interrupted_by_sigterm
    from tfx_vae.serving.server.listening import address_of, allowed_hosts, is_loopback, open_port, run
    from tfx_vae.serving.server.pages import Access
    from tfx_vae.ui.actions import Actions
    from tfx_vae.ui.answers import Answers
    from tfx_vae.ui.application import make_application

    if allow_actions and (not is_loopback(host) or where["url"] is not None):
        raise click.UsageError("--allow-actions needs a --host of this machine only, and the database of --config.")
    answers = Answers(locate_database(**where), root_directory(**where))
    config = load_config(where["config_path"], where["overrides"])
    actions = Actions(config, config.metadata_location) if allow_actions else None
    console = Console(highlight=False, soft_wrap=True)
    with open_port(host, port) as listener, interrupted_by_sigterm():
        listener.listen()
        token = f"#token={actions.token}" if actions else ""
        console.print(f"Page  {address_of(listener)}/{token}\nStop with Ctrl-C.")
        if not is_loopback(host):
            console.print("There is no authentication: every machine that can reach this address can read all of it.")
        try:
            run(make_application(answers, Access(allowed_hosts(host)), actions), listener)
        except KeyboardInterrupt:
            console.print("Stopped.")
    sys.exit(INTERRUPTED)
