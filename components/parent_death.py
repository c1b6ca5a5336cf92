"""A process that ends with the one that started it, even where that one is killed and can do nothing about it."""

import ctypes
import os
import signal
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
"""From linux/prctl.h."""


def end_with_parent(parent: int | None = None) -> None:
    """Lets the kernel kill this process when the thread that started it ends.

    Args:
      parent: The process that started this one: if it has ended already, this one ends here. None does not look.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)
