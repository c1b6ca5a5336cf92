"""The examples of the commands in docs/serving.md: their output for a pushed model, and a sheet.

    python benchmarks/command_examples.py [--set runtime.root=/data/runs] [--figures docs/images]

Makes a few image files, calls the commands on them, and prints commands and output. The shoe of Fashion-MNIST needs Debian's
package dataset-fashion-mnist; without it the shoe is left out.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from outlier_images import FASHION, Pixels, read_digits, read_idx
from PIL import Image

CONFIG: Final = Path(__file__).resolve().parent.parent / "pipelines" / "configs" / "mnist_vae.yaml"
REFERENCES: Final = 1000
COMMANDS: Final = (
    "sample --seed 7",
    "reconstruct new",
    "interpolate new/seven.png new/two.png --steps 8",
    "score new --sort",
    "score new --sort --reference digits",
    "score new/paper.jpg --invert --autocontrast",
    "score new/paper.jpg --json",
    "encode new/seven.png",
)
_LONGEST: Final = 250


def main() -> None:
    """Prints each command with its output."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="SECTION.KEY=VALUE")
    parser.add_argument("--figures", type=Path, help="directory for a copy of the sheet")
    arguments = parser.parse_args()
    where = ["--config", str(CONFIG), *(part for setting in arguments.settings for part in ("--set", setting))]
    with tempfile.TemporaryDirectory() as directory:
        make_images(Path(directory))
        for command in COMMANDS:
            print(f"$ tfx-vae {command}", flush=True)
            words = [str(Path(sys.executable).parent / "tfx-vae"), *command.split(), *where]
            done = subprocess.run(words, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            lines = (line if len(line) < _LONGEST else line[:_LONGEST] + "..." for line in done.stdout.splitlines())
            print(*lines, f"[exit status {done.returncode}]", "", sep="\n")
        if arguments.figures:
            shutil.copyfile(Path(directory) / "reconstructions.png", arguments.figures / "command-reconstructions.png")


def make_images(directory: Path) -> None:
    """Makes `new` (two digits, a photograph of a digit, a black image, a shoe) and `digits`, which they are compared with."""
    (directory / "new").mkdir()
    (directory / "digits").mkdir()
    digits = read_digits("t10k")
    for number, digit in enumerate(digits[100 : 100 + REFERENCES]):
        save(digit, directory / "digits" / f"{number:04}.png")
    save(digits[0], directory / "new" / "seven.png")
    save(digits[1], directory / "new" / "two.png")
    save(np.zeros_like(digits[0]), directory / "new" / "black.png")
    save(photograph(digits[4]), directory / "new" / "paper.jpg")
    if FASHION.exists():
        save(read_idx(FASHION)[0], directory / "new" / "shoe.png")


def photograph(digit: Pixels) -> Pixels:
    """Blue ink on yellowish paper, 800 pixels high and 600 wide, with the noise of a camera."""
    large = Image.fromarray(digit[..., 0]).resize((600, 600), Image.Resampling.BICUBIC)
    ink = np.zeros((800, 600, 1))
    ink[100:700, :, 0] = np.asarray(large) / 255
    paper = np.array([225, 220, 205]) - ink * np.array([190, 190, 150])
    return np.clip(paper + np.random.default_rng(0).normal(0, 4, paper.shape), 0, 255).astype(np.uint8)


def save(pixels: Pixels, path: Path) -> None:
    """Writes an image, grey or coloured."""
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(path)


if __name__ == "__main__":
    main()
