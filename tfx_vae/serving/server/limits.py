"""What one request, and all of them together, may take."""

import os
from typing import NamedTuple


class Limits(NamedTuple):
    """The bounds of a server.

    Attributes:
      body_bytes: Of one request.
      body_seconds: In which a body must have arrived.
      threads: Requests that are computed at a time.
      waiting: Requests that may wait meanwhile.
      pixels: In all images that one request may send or ask for, at the model's size.
      encoded_pixels: In all images that one request may send as files, at their own size.
    """

    body_bytes: int = 16 * 2**20
    body_seconds: float = 30.0
    threads: int = max(2, os.cpu_count() or 1)
    waiting: int = 32
    pixels: int = 2**21
    encoded_pixels: int = 2**26
