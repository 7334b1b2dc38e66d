"""Accelerators by name: what the makers state. Peaks are dense bfloat16 (without sparsity), fp32 accumulation."""

from collections.abc import Iterable
from typing import NamedTuple

from dsbs.errors import InputError, nearest


class Accelerator(NamedTuple):
    """`flops`: peak a second; `memory_bytes`; `bandwidth`: bytes a second; `power_w`: of the board, at most."""

    name: str
    flops: float
    memory_bytes: float
    bandwidth: float
    power_w: float
    source: str


def _row(name: str, tflops: float, memory_gb: float, bandwidth_gb_s: float, power_w: float, source: str) -> Accelerator:
    return Accelerator(name, tflops * 1e12, memory_gb * 1e9, bandwidth_gb_s * 1e9, power_w, source)


# Older chips without bfloat16 (V100, T4) are left out: dsbs does not train T5 in fp16, where it overflows.
ACCELERATORS = {
    row.name: row
    for row in (
        _row("rtx-3090", 71, 24, 936, 350, "NVIDIA, Ampere GA102 whitepaper"),
        _row("rtx-4090", 165, 24, 1008, 450, "NVIDIA, Ada GPU architecture whitepaper"),
        _row("a10", 125, 24, 600, 150, "NVIDIA, A10 data sheet"),
        _row("l4", 121, 24, 300, 72, "NVIDIA, L4 data sheet (half of its 242 with sparsity)"),
        _row("l40s", 362, 48, 864, 350, "NVIDIA, L40S data sheet"),
        _row("a100-40gb", 312, 40, 1555, 400, "NVIDIA, A100 data sheet (SXM)"),
        _row("a100-80gb", 312, 80, 2039, 400, "NVIDIA, A100 data sheet (SXM)"),
        _row("h100-pcie", 756, 80, 2000, 350, "NVIDIA, H100 data sheet (PCIe)"),
        _row("h100", 989, 80, 3350, 700, "NVIDIA, H100 data sheet (SXM)"),
        _row("h200", 989, 141, 4800, 700, "NVIDIA, H200 data sheet (SXM)"),
        _row("b200", 2250, 180, 8000, 1000, "NVIDIA, DGX and HGX B200 data sheets, one of eight"),
        _row("mi300x", 1307, 192, 5300, 750, "AMD, Instinct MI300X data sheet"),
    )
}


def accelerators(names: Iterable[str]) -> list[Accelerator]:
    """Those of these names, or every one for "all". InputError for an unknown name."""
    names = [name.lower() for name in names]
    if names == ["all"]:
        return list(ACCELERATORS.values())
    for name in names:
        if name not in ACCELERATORS:
            expected, fix = "a known accelerator, or all", nearest(name, ACCELERATORS)
            raise InputError("--accelerators", got=repr(name), expected=expected, fix=fix)
    return [ACCELERATORS[name] for name in names]
