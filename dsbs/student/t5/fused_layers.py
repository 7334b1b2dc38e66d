"""The layers of T5 in fewer passes over memory: the same functions, the same weights, what is saved is the same.

As transformers writes them, a gated feed-forward layer reads and writes its widest tensor a dozen times, mostly to compute
GELU from powers and to go to fp32 and back. On a processor that takes as long as the multiplications.
"""

from functools import partial
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.activations import NewGELUActivation
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.modeling_utils import AttentionInterface

from dsbs.student.t5.dropout import dropout
from dsbs.student.t5.packed_attention import attention, packable, packed

_ATTENTION = "dsbs_lean"


def lean(model: PreTrainedModel) -> PreTrainedModel:
    """The model, its T5 and mT5 layers computed in fewer passes; any other model as it was."""
    if model.config.model_type not in ("t5", "mt5"):
        return model
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, nn.GELU(approximate="tanh"))
        kind = type(module).__name__
        if kind.endswith("LayerNorm"):
            module.forward = partial(_norm, module)
        elif kind.endswith("DenseGatedActDense"):
            module.forward = partial(_gated, module)
    if not torch.accelerator.is_available():  # whose own kernels for attention are better
        model.set_attn_implementation(_ATTENTION)
        for module in model.modules():
            if type(module).__name__.endswith("Attention") and hasattr(module, "compute_bias"):
                packable(module)
            elif isinstance(module, nn.Dropout):
                module.forward = partial(_drop, module)
    return model


def packs(model: Any) -> bool:
    """Whether a student passes several micro-batches as one."""
    return bool(model.config._attn_implementation == _ATTENTION)


class RMSNorm(torch.autograd.Function):
    """weight x / sqrt(mean(x^2) + eps), (..., D), in fp32 throughout; the result in `dtype`."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, eps: float, dtype: torch.dtype
    ) -> torch.Tensor:
        x = x.float()
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        scale = (norm.square_().div_(x.shape[-1]).add_(eps)).rsqrt_()
        ctx.save_for_backward(x, weight, scale)
        return torch.mul(x, scale).mul_(weight).to(dtype)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        x, weight, scale = ctx.saved_tensors
        unit = x * scale
        grad = grad.float()
        along = unit * grad
        flat = along.reshape(-1, x.shape[-1])
        grad_weight = flat.sum(dim=0)
        share = (flat * weight).sum(dim=-1).view_as(scale).div_(x.shape[-1])
        grad_x = torch.mul(grad, weight).addcmul_(unit, share, value=-1).mul_(scale)
        return grad_x, grad_weight.to(weight.dtype), None, None


def _norm(module: Any, x: torch.Tensor) -> torch.Tensor:
    device = x.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype
    found: torch.Tensor = RMSNorm.apply(x, module.weight, module.variance_epsilon, dtype)
    return found


def _drop(module: nn.Dropout, x: torch.Tensor) -> torch.Tensor:
    return dropout(x, module.p if module.training else 0.0)


def _gated(module: Any, x: torch.Tensor) -> torch.Tensor:
    hidden = module.act(module.wi_0(x)) * module.wi_1(x)
    found: torch.Tensor = module.wo(module.dropout(hidden))
    return found


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    position_bias: torch.Tensor | None = None,
    **unused: Any,
) -> tuple[torch.Tensor, None]:
    places = query.shape[2], key.shape[2]
    if attention_mask is None and module.is_causal and places[0] > 1:
        attention_mask = torch.ones(places, dtype=torch.bool, device=query.device).tril(
            places[1] - places[0]
        )
    within = module.is_causal or not module.is_decoder  # from one text to another there is no bias
    ignored = None if attention_mask is None else attention_mask.logical_not()
    bias = position_bias if within else None
    return attention(query, key, value, bias=bias, ignored=ignored, rate=dropout), None


def _mask(**settings: Any) -> torch.Tensor | None:
    return None if packed() else sdpa_mask(**settings)


AttentionInterface.register(_ATTENTION, _attention)
AttentionMaskInterface.register(_ATTENTION, _mask)
