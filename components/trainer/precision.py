"""Which precision this machine multiplies matrices fastest in."""

import os
from pathlib import Path

import tensorflow as tf

from components.models.config import Precision

_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


def resolve_precision(precision: Precision, cpuinfo: Path = Path("/proc/cpuinfo")) -> Precision:
    """Decides what `auto` means here.

    Args:
      precision: As configured.
      cpuinfo: Where Linux says what the processor can do.

    Returns:
      bfloat16 for `auto` if there is an accelerator, or a processor with instructions for it; float32 for `auto` otherwise;
      anything else as it is.
    """
    if precision is not Precision.AUTO:
        return precision
    if tf.config.list_physical_devices("GPU"):
        return Precision.BFLOAT16
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    # TensorFlow's own kernels emulate bfloat16, at a tenth of the speed; oneDNN's use the instructions.
    has_kernels = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") == "1"
    return Precision.BFLOAT16 if flags & _BFLOAT16_FLAGS and has_kernels else Precision.FLOAT32
