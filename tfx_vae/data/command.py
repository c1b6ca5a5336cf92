"""The commands of `tfx-vae data`. Imports slow modules only when one is called."""

from pathlib import Path

import click


@click.group()
def data() -> None:
    """Look at a folder of images, or make one to try."""


@data.command()
@click.argument("folder", metavar="DIR")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("contact-sheet.png"),
    show_default=True,
    help="The file for the contact sheet.",
)
def describe(folder: str, sheet: Path) -> None:
    """Print what is in a folder of images, and a configuration to start from; draw a contact sheet.

    DIR is what data.images may be: a folder, or a pattern such as 'DIR/*.png'. Every image is decoded as a run does it. The
    configuration comes last, from a line of dashes on.
    """
    from rich.console import Console

    from tfx_vae.data.contact_sheet import write_sheet
    from tfx_vae.data.describe import look_at, print_description

    found = look_at(folder)
    if found.thumbnails:
        try:
            write_sheet(found.thumbnails, sheet)
        except OSError as error:
            raise click.UsageError(f"--sheet: {sheet} cannot be written ({error.strerror}); name another file.") from error
    print_description(found, sheet if found.thumbnails else None, Console())


@data.command()
@click.option("--spans", type=click.IntRange(1, 1000), default=5, show_default=True, help="Number of spans.")
@click.option("--images", type=click.IntRange(1, 60_000), default=60_000, show_default=True, help="Digits in all spans.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="A directory that is new or empty.")
def split(spans: int, images: int, output: Path) -> None:
    """Write MNIST as a folder of PNG files by span and label.

    The result can be used as data.images: OUTPUT/span-{SPAN}.
    """
    from rich.console import Console

    from tfx_vae.data.split import write_spans

    written = write_spans(output, spans, images)
    Console().print(
        f"{written:,} digits in {spans} spans: --set 'data.images={output}/span-{{SPAN}}' reads the latest.",
        highlight=False,
        soft_wrap=True,
    )
