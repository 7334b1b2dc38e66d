"""Several micro-batches in one pass: their tokens stand one after another in one row.

Only attention sees where a micro-batch begins. Every weight is multiplied once with all tokens, and
its gradient is added up once, so micro-batches can be small and little of them is padding.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

import torch

from dsbs.student.t5.dropout import dropout


class Part(NamedTuple):
    """One micro-batch of a packed row: S sequences of X input and Y target tokens."""

    sequences: int
    inputs: int
    targets: int
    padding: torch.Tensor | None
    """(S, 1, 1, X): input tokens that are padding. None where none are."""
    hidden: torch.Tensor
    """(S, 1, Y, Y), or (Y, Y) for all sequences: target tokens that another may not read."""


_PARTS: ContextVar[Sequence[Part] | None] = ContextVar("parts", default=None)


@contextmanager
def packed_together(
    masks: Sequence[torch.Tensor],
    labels: Sequence[torch.Tensor],
    readable: Sequence[torch.Tensor | None],
) -> Iterator[None]:
    """Within this context, forward passes take several micro-batches as one row of tokens.

    Args:
        masks: (S, X) per micro-batch: its attention mask.
        labels: (S, Y) per micro-batch.
        readable: (S, 1, Y, Y) per micro-batch: the target tokens that each may read. None: all
            earlier ones.
    """
    parts = []
    for mask, own_labels, own_readable in zip(masks, labels, readable, strict=True):
        targets = own_labels.shape[1]
        part = Part(
            sequences=len(mask),
            inputs=mask.shape[1],
            targets=targets,
            padding=None if mask.all() else mask.eq(0)[:, None, None],
            hidden=_later(targets, own_labels.device)
            if own_readable is None
            else own_readable.logical_not(),
        )
        parts.append(part)
    token = _PARTS.set(parts)
    try:
        yield
    finally:
        _PARTS.reset(token)


def is_packed() -> bool:
    """Whether passes take several micro-batches as one row now."""
    return _PARTS.get() is not None


def make_packable(module: Any) -> None:
    """Make an attention module of T5 take packed rows as well."""
    module.forward = partial(_attend, module, module.forward)


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    *,
    bias: torch.Tensor | None,
    ignored: torch.Tensor | None,
    rate: float,
) -> torch.Tensor:
    """Attention of T5, which does not scale its scores.

    Scores stay in the precision of the multiplication. Bias and mask are applied in place.

    Args:
        query: (S, H, Y, K).
        key: (S, H, X, K).
        value: (S, H, X, K).
        bias: (1, H, Y, X), added to the scores.
        ignored: Masked positions, in a shape that broadcasts to the scores.
        rate: Dropout rate of the attention weights.

    Returns:
        (S, Y, H, K).
    """
    scores = query @ key.transpose(2, 3)
    if bias is not None:
        scores = scores.add_(bias.to(scores.dtype))
    if ignored is not None:
        scores = scores.masked_fill_(ignored, torch.finfo(scores.dtype).min)
    # Autocast would write the weights in fp32, only to read them in bf16.
    with torch.autocast(scores.device.type, enabled=False):
        mixed = dropout(scores.softmax(dim=-1), rate) @ value
    return mixed.transpose(1, 2)


def _attend(
    module: Any,
    forward: Any,
    hidden_states: torch.Tensor,
    mask: Any = None,
    key_value_states: torch.Tensor | None = None,
    position_bias: Any = None,
    past_key_values: Any = None,
    **options: Any,
) -> Any:
    """The module's forward pass: its own, or one over the parts of a packed row (1, tokens, D)."""
    parts = _PARTS.get()
    if parts is None:
        return forward(
            hidden_states, mask, key_value_states, position_bias, past_key_values, **options
        )
    cross_attention = key_value_states is not None
    source = hidden_states if key_value_states is None else key_value_states
    query_lengths = [part.targets if module.is_decoder else part.inputs for part in parts]
    key_lengths = [part.targets if module.is_causal else part.inputs for part in parts]
    query_tokens = _token_counts(parts, query_lengths)
    key_tokens = _token_counts(parts, key_lengths)
    queries = module.q(hidden_states)[0].split(query_tokens)  # (S x Y, H x K) each
    keys = module.k(source)[0].split(key_tokens)
    values = module.v(source)[0].split(key_tokens)
    biases = position_bias or [
        None if cross_attention else module.compute_bias(y, x, device=source.device)
        for y, x in zip(query_lengths, key_lengths, strict=True)
    ]
    mixed = []
    for part, q, k, v, bias in zip(parts, queries, keys, values, biases, strict=True):
        out = attention(
            _heads(module, part, q),
            _heads(module, part, k),
            _heads(module, part, v),
            bias=bias,
            ignored=part.hidden if module.is_causal else part.padding,
            rate=module.dropout if module.training else 0.0,
        )
        mixed.append(out.reshape(len(q), -1))
    return module.o(torch.cat(mixed))[None], biases, None


def _token_counts(parts: Sequence[Part], lengths: Sequence[int]) -> list[int]:
    return [part.sequences * length for part, length in zip(parts, lengths, strict=True)]


def _heads(module: Any, part: Part, tokens: torch.Tensor) -> torch.Tensor:
    """Tokens (S x L, H x K) of a part as (S, H, L, K)."""
    return tokens.view(
        part.sequences, -1, module.n_heads, tokens.shape[-1] // module.n_heads
    ).transpose(1, 2)


def _later(length: int, device: torch.device) -> torch.Tensor:
    """(Y, Y): True where the second position comes after the first."""
    return torch.ones(length, length, dtype=torch.bool, device=device).triu(1)
