"""The precision in which a device computes fastest."""

from collections.abc import Mapping
from typing import Any

import torch

from dsbs.config.student_options import Precision
from dsbs.core.errors import InputError

_MIN_PARAMETERS = 5_000_000
"""Below this size a forward pass is mostly overhead, and bf16 saves nothing."""


def precision_of(wanted: Precision, model: Any) -> Precision:
    """fp32 or bf16 for training a model; `auto` is the faster one.

    Raises:
        InputError: fp16, in which T5 overflows.
    """
    if wanted == "fp16":
        raise InputError(
            "--precision",
            got="fp16, in which the feed-forward layers of T5 overflow and the loss becomes NaN",
            expected="bf16 or fp32",
            fix="use --precision auto",
        )
    if wanted != "auto":
        return wanted
    return "bf16" if faster_in_bf16(model) else "fp32"


def faster_in_bf16(model: Any) -> bool:
    """Whether a model is faster in bf16: it is not tiny, and the device multiplies bf16."""
    return model.num_parameters() > _MIN_PARAMETERS and _multiplies_bf16()


def _multiplies_bf16() -> bool:
    """Whether the device multiplies bf16 faster than fp32. A CPU needs instructions for it."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # From torch 2.10 on.
    can: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(can.get("amx_bf16") or can.get("avx512_bf16"))
