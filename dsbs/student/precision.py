"""In which precision a device computes best."""

from collections.abc import Mapping
from typing import Any

import torch

from dsbs.core.errors import InputError

_WORTH_PARAMETERS = 5_000_000
"""Below this a forward pass is mostly overhead, and bf16 saves nothing."""


def precision_of(wanted: str, model: Any) -> str:
    """fp32 or bf16 for a training of this student; `auto` is what is faster. InputError for fp16, which T5 overflows."""
    if wanted == "fp16":
        reason = (
            "fp16, in which the feed-forward layers of T5 overflow to inf and the loss becomes NaN"
        )
        raise InputError(
            "--precision", got=reason, expected="bf16 or fp32", fix="use --precision auto"
        )
    if wanted != "auto":
        return wanted
    return "bf16" if pays_in_bf16(model) else "fp32"


def pays_in_bf16(model: Any) -> bool:
    """Whether a student is faster in bf16: one that is not tiny, on a device that multiplies bf16."""
    return model.num_parameters() > _WORTH_PARAMETERS and _computes_bf16()


def _computes_bf16() -> bool:
    """Whether the device multiplies bf16 faster than fp32; a processor without instructions for it is slower."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    can: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # from torch 2.10 on
    return bool(can.get("amx_bf16") or can.get("avx512_bf16"))
