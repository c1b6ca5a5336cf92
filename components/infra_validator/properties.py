"""Names of what InfraValidator notes in its InfraBlessing. Imports nothing."""

from typing import Final

BLESSED: Final = "blessed"
"""1 or 0, as the stock InfraValidator notes it."""

REFUSAL: Final = "refusal"
"""Why it is 0: a sentence without a full stop; empty if it is 1."""

SECONDS: Final = "seconds"
"""What loading and answering took, with the start of TensorFlow."""

MEMORY_GB: Final = "memory_gb"
"""The most memory that the process was seen to have, in gigabytes (2^30)."""
