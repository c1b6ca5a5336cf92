"""The custom properties of an InfraBlessing. Imports nothing."""

from typing import Final

BLESSED: Final = "blessed"
"""1 or 0, as the stock InfraValidator writes it."""

REFUSAL: Final = "refusal"
"""Why `blessed` is 0: a sentence without a full stop; empty if it is 1."""

SECONDS: Final = "seconds"
"""Time for loading and answering, including the start of TensorFlow."""

MEMORY_GB: Final = "memory_gb"
"""Peak memory of the process, in gigabytes (2^30)."""
