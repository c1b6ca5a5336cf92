"""`tfx-vae sample`, `reconstruct`, `encode`, `score`, `interpolate` and `serve`: a pushed model for whoever only wants digits.

Each command imports what takes long when it is called.
"""

import click

from tfx_vae.serving.commands.encode import encode
from tfx_vae.serving.commands.interpolate import interpolate
from tfx_vae.serving.commands.reconstruct import reconstruct
from tfx_vae.serving.commands.sample import sample
from tfx_vae.serving.commands.score import score
from tfx_vae.serving.commands.serve import serve


def add_model_commands(group: click.Group) -> None:
    """Adds all of them to the command line."""
    for command in (sample, reconstruct, encode, score, interpolate, serve):
        group.add_command(command)
