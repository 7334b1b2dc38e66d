"""Dropout from fewer random bits: a processor takes longer to draw one number a place than to multiply a layer."""

from typing import Any

import torch


class _Dropout(torch.autograd.Function):
    """x with a share of its places set to 0 and the others scaled up, as torch does it."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, rate: float) -> torch.Tensor:
        # Four 16-bit numbers of every 64 bits drawn; the rate is exact to 1/65,536.
        drawn = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device).random_(
            -(2**63), None
        )
        kept = drawn.view(torch.int16)[: x.numel()].ge(round(rate * 65_536) - 32_768)
        scale = kept.to(x.dtype).div_(1 - rate).view(x.shape)
        ctx.save_for_backward(scale)
        return x * scale

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        (scale,) = ctx.saved_tensors
        return grad * scale, None


def dropout(x: torch.Tensor, rate: float) -> torch.Tensor:
    """`x` with a share `rate` of its places set to 0 and the others divided by 1 - rate."""
    found: torch.Tensor = _Dropout.apply(x, rate) if rate else x
    return found
