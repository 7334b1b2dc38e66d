"""Attention over rows of different layouts in one pass.

Every weight is multiplied once with all tokens of a pass, which stand one after another in one row.
Only attention sees the parts: micro-batches with rows and masks of their own. It works for every
model of transformers that takes its attention from a register and positions from its caller.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.modeling_utils import AttentionInterface

ATTENTION = "dsbs_parts"


@dataclass(frozen=True)
class Part:
    """R rows of Q tokens, which read K tokens."""

    readable: torch.Tensor
    """(R, 1, Q, K): which tokens each may read."""
    positions: torch.Tensor
    """(R, Q)"""
    key_positions: torch.Tensor
    """(R, K)"""
    _within: dict[int, torch.Tensor] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """R."""
        return len(self.readable)

    @property
    def tokens(self) -> int:
        """R x Q."""
        return self.positions.numel()

    def within(self, window: int | None) -> torch.Tensor:
        """`readable` in a layer that looks back at most `window` positions, itself included."""
        if window is None:
            return self.readable
        if window not in self._within:
            distance = self.positions[:, None, :, None] - self.key_positions[:, None, None]
            self._within[window] = self.readable & (distance < window)
        return self._within[window]


def use_parts(model: Any) -> None:
    """Make a model take parts, by the argument `parts` of its forward pass."""
    model.set_attn_implementation(ATTENTION)


def forward(model: Any, ids: torch.Tensor, positions: torch.Tensor, **options: Any) -> Any:
    """The model's forward pass over ids and positions (B, Y), given `parts`."""
    # Of four dimensions, so that the model makes no mask of its own.
    unused = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=ids.device)
    return model(input_ids=ids, position_ids=positions, attention_mask=unused, **options)


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    parts: Sequence[Part] | None = None,
    sliding_window: int | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attention in the form that transformers calls: queries (B, H, Y, K) -> (B, Y, H, K)."""
    if parts is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    if len(parts) == 1 and len(query) == parts[0].rows:
        mask = parts[0].within(sliding_window)
        return sdpa_attention_forward(module, query, key, value, mask, **options)
    mixed = []
    lengths = [part.tokens for part in parts]
    split = [tensor[0].split(lengths, dim=1) for tensor in (query, key, value)]
    for part, q, k, v in zip(parts, *split, strict=True):
        mask = part.within(sliding_window)
        out, _ = sdpa_attention_forward(
            module, _rows(part, q), _rows(part, k), _rows(part, v), mask, **options
        )
        mixed.append(out.flatten(0, 1))
    return torch.cat(mixed)[None], None


def _rows(part: Part, tokens: torch.Tensor) -> torch.Tensor:
    """Tokens (H, R x Q, K) of a part as (R, H, Q, K)."""
    return tokens.unflatten(1, (part.rows, -1)).transpose(0, 1)


AttentionInterface.register(ATTENTION, _attention)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)
