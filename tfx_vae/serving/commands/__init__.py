"""The commands that use a pushed model: `tfx-vae sample`, `reconstruct`, `encode`, `score`, `interpolate` and `serve`.

Each command imports slow modules when it is called.
"""

import click

from tfx_vae.serving.commands.numbers import encode, score
from tfx_vae.serving.commands.pictures import interpolate, reconstruct
from tfx_vae.serving.commands.sample import sample
from tfx_vae.serving.commands.serve import serve


def add_model_commands(group: click.Group) -> None:
    """Adds all of them to the command line."""
    for command in (sample, reconstruct, encode, score, interpolate, serve):
        group.add_command(command)
