"""What `auto` means depends on the processor; a choice is a choice."""

from pathlib import Path

import pytest

from components.models.config import Precision
from components.trainer.precision import resolve_precision


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("flags : fpu avx2 avx512f avx512_bf16", Precision.BFLOAT16),
        ("flags : fpu avx512f amx_bf16 amx_tile", Precision.BFLOAT16),
        ("flags : fpu avx2 avx512f avx512_vnni", Precision.FLOAT32),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_has_it(
    tmp_path: Path, flags: str, precision: Precision, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    (tmp_path / "cpuinfo").write_text(flags)

    assert resolve_precision(Precision.AUTO, tmp_path / "cpuinfo") is precision


def test_auto_is_float32_without_the_kernels_that_use_the_instructions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    (tmp_path / "cpuinfo").write_text("flags : avx512_bf16")

    assert resolve_precision(Precision.AUTO, tmp_path / "cpuinfo") is Precision.FLOAT32


def test_auto_is_float32_where_nobody_knows(tmp_path: Path):
    assert resolve_precision(Precision.AUTO, tmp_path / "nowhere") is Precision.FLOAT32


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.BFLOAT16])
def test_what_was_configured_stays(tmp_path: Path, precision: Precision):
    assert resolve_precision(precision, tmp_path / "nowhere") is precision
