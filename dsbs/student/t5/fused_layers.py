"""The layers of T5 in fewer passes over memory: same functions, same weights, same checkpoints.

In transformers, a gated feed-forward layer reads and writes its widest tensor a dozen times, mostly
to compute GELU from powers and to convert to fp32 and back. On a CPU that takes as long as the
multiplications.
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
from dsbs.student.t5.packed_attention import attention, is_packed, make_packable

_ATTENTION = "dsbs_fused"


def fuse_layers(model: PreTrainedModel) -> PreTrainedModel:
    """Replace the layers of a T5 or mT5, in place. Other models stay as they are."""
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
    # An accelerator's own attention kernels are faster than ours.
    if not torch.accelerator.is_available():
        model.set_attn_implementation(_ATTENTION)
        for module in model.modules():
            if type(module).__name__.endswith("Attention") and hasattr(module, "compute_bias"):
                make_packable(module)
            elif isinstance(module, nn.Dropout):
                module.forward = partial(_drop, module)  # type: ignore[method-assign]
    return model


def can_pack(model: Any) -> bool:
    """Whether a student computes several micro-batches in one pass."""
    return bool(model.config._attn_implementation == _ATTENTION)


class RMSNorm(torch.autograd.Function):
    """weight x / sqrt(mean(x^2) + eps) over the last dimension (..., D).

    Computed in fp32; the result has the given dtype.
    """

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
    apply: Any = RMSNorm.apply
    normed: torch.Tensor = apply(x, module.weight, module.variance_epsilon, dtype)
    return normed


def _drop(module: nn.Dropout, x: torch.Tensor) -> torch.Tensor:
    return dropout(x, module.p if module.training else 0.0)


def _gated(module: Any, x: torch.Tensor) -> torch.Tensor:
    hidden = module.act(module.wi_0(x)) * module.wi_1(x)
    result: torch.Tensor = module.wo(module.dropout(hidden))
    return result


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
    """Attention in the form that transformers calls: queries (S, H, Y, K), keys (S, H, X, K)."""
    queries = query.shape[2]
    keys = key.shape[2]
    if attention_mask is None and module.is_causal and queries > 1:
        whole = torch.ones(queries, keys, dtype=torch.bool, device=query.device)
        attention_mask = whole.tril(keys - queries)
    ignored = None if attention_mask is None else attention_mask.logical_not()
    # Cross-attention has no position bias.
    self_attention = module.is_causal or not module.is_decoder
    bias = position_bias if self_attention else None
    return attention(query, key, value, bias=bias, ignored=ignored, rate=dropout), None


def _mask(**settings: Any) -> torch.Tensor | None:
    return None if is_packed() else sdpa_mask(**settings)


AttentionInterface.register(_ATTENTION, _attention)
AttentionMaskInterface.register(_ATTENTION, _mask)
