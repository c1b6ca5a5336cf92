"""Takes the pictures of the page of `tfx-vae serve` in docs/images: a pushed model in headless Chromium.

    python benchmarks/page_pictures.py [--serving runs/serving/mnist-vae] [--output docs/images]

Draws a 3 and a 7, uses them as the ends of an interpolation, and takes a wide picture of the whole page and a narrow one of the
first screen of a telephone.
"""

import argparse
import io
import sys
from pathlib import Path
from typing import Final

from PIL import Image

REPOSITORY: Final = Path(__file__).resolve().parent.parent
# Points on a smooth path of the pen, in [0, 1] of the pad.
THREE: Final = [
    (0.36, 0.28), (0.40, 0.23), (0.47, 0.20), (0.54, 0.21), (0.60, 0.25), (0.62, 0.31), (0.60, 0.38), (0.54, 0.43),
    (0.47, 0.46), (0.55, 0.48), (0.62, 0.53), (0.65, 0.60), (0.63, 0.68), (0.57, 0.75), (0.49, 0.78),
    (0.41, 0.76), (0.36, 0.71),
]  # fmt: skip
SEVEN: Final = [(0.30, 0.25), (0.50, 0.26), (0.68, 0.25), (0.66, 0.32), (0.60, 0.42), (0.54, 0.54), (0.49, 0.67), (0.46, 0.80)]


def main() -> None:
    """Writes both pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--serving", type=Path, default=REPOSITORY / "runs" / "serving" / "mnist-vae", help="the directory of pushed versions"
    )
    parser.add_argument("--output", type=Path, default=REPOSITORY / "docs" / "images")
    arguments = parser.parse_args()
    sys.path.insert(0, str(REPOSITORY / "tests"))
    from support.local_server import LocalServer
    from support.served_page import NARROW, WIDE, Drawing, chromium

    serving = arguments.serving.resolve()
    server = LocalServer(serving, name=serving.name)
    with server.running(), chromium() as browser:
        for name, window in (("serve-page", WIDE), ("serve-page-narrow", NARROW)):
            drawing = Drawing(browser, server.address, window)
            drawing.open()
            drawing.draw(THREE)
            drawing.click("#keep-a")
            drawing.click("#clear")
            drawing.draw(SEVEN)
            drawing.click("#keep-b")
            drawing.page.evaluate("scrollTo(0, 0)")
            write(drawing.page.screenshot(full_page=window is WIDE), arguments.output / f"{name}.png")


def write(screenshot: bytes, path: Path) -> None:
    """Writes a picture with 256 colours, which needs a third of the bytes."""
    colours = Image.Quantize.MAXCOVERAGE  # others leave out those of small things, such as markers
    Image.open(io.BytesIO(screenshot)).convert("RGB").quantize(256, colours, kmeans=10).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1024} KB")


if __name__ == "__main__":
    main()
