"""Several micro-batches in one pass: their tokens stand one behind another, and only attention sees where each begins.

Padding then costs next to nothing: a micro-batch may hold a few sequences of one length, while every weight is multiplied
once with all of them, and its gradient added up once.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

import torch

from dsbs.student.t5.dropout import dropout


class Part(NamedTuple):
    """S rows of X input and Y target tokens; which inputs are none: (S, 1, 1, X), None where all are; which target tokens
    another one may not read: (S, 1, Y, Y), or (Y, Y) for all rows."""

    sequences: int
    inputs: int
    targets: int
    padding: torch.Tensor | None
    hidden: torch.Tensor


_PARTS: ContextVar[Sequence[Part] | None] = ContextVar("parts", default=None)


@contextmanager
def together(
    masks: Sequence[torch.Tensor],
    labels: Sequence[torch.Tensor],
    readable: Sequence[torch.Tensor | None],
) -> Iterator[None]:
    """Forward passes within take one row of tokens, those of micro-batches with masks (S, X) and labels (S, Y).

    readable (S, 1, Y, Y): which target tokens each may read; None for all before it.
    """
    parts = [
        Part(
            *(
                len(mask),
                mask.shape[1],
                each.shape[1],
                None if mask.all() else mask.eq(0)[:, None, None],
            ),
            _behind(each.shape[1], each.device) if own is None else own.logical_not(),
        )
        for mask, each, own in zip(masks, labels, readable, strict=True)
    ]
    token = _PARTS.set(parts)
    try:
        yield
    finally:
        _PARTS.reset(token)


def packed() -> bool:
    """Whether the tokens of several micro-batches are passed as one row."""
    return _PARTS.get() is not None


def packable(module: Any) -> None:
    """Make an attention of T5 read `together`'s rows as well."""
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
    """What queries (S, H, Y, K) find among keys and values (S, H, X, K): (S, Y, H, K). T5 does not scale.

    Scores stay in the precision of the multiplication; bias (1, H, Y, X) is added and `ignored` places left out in place.
    """
    scores = query @ key.transpose(2, 3)
    if bias is not None:
        scores = scores.add_(bias.to(scores.dtype))
    if ignored is not None:
        scores = scores.masked_fill_(ignored, torch.finfo(scores.dtype).min)
    with torch.autocast(
        scores.device.type, enabled=False
    ):  # which would write the weights in fp32, to read them in bf16
        found = dropout(scores.softmax(dim=-1), rate) @ value
    return found.transpose(1, 2)


def _attend(
    module: Any,
    alone: Any,
    hidden_states: torch.Tensor,
    mask: Any = None,
    key_value_states: torch.Tensor | None = None,
    position_bias: Any = None,
    past_key_values: Any = None,
    **options: Any,
) -> Any:
    parts = _PARTS.get()
    if parts is None:
        return alone(
            hidden_states, mask, key_value_states, position_bias, past_key_values, **options
        )
    across = key_value_states is not None
    source = hidden_states if key_value_states is None else key_value_states
    wide = [
        (p.targets if module.is_decoder else p.inputs, p.targets if module.is_causal else p.inputs)
        for p in parts
    ]
    own, others = (
        [p.sequences * w[side] for p, w in zip(parts, wide, strict=True)] for side in (0, 1)
    )
    queries = module.q(hidden_states)[0].split(own)  # (S x Y, H x K) each
    keys, values = module.k(source)[0].split(others), module.v(source)[0].split(others)
    biases = position_bias or [
        None if across else module.compute_bias(y, x, device=source.device) for y, x in wide
    ]
    found = []
    for part, (y, x), q, k, v, bias in zip(parts, wide, queries, keys, values, biases, strict=True):
        read = attention(
            *(
                t.view(part.sequences, w, module.n_heads, -1).transpose(1, 2)
                for t, w in ((q, y), (k, x), (v, x))
            ),
            bias=bias,
            ignored=part.hidden if module.is_causal else part.padding,
            rate=module.dropout if module.training else 0.0,
        )
        found.append(read.reshape(part.sequences * y, -1))
    return module.o(torch.cat(found))[None], biases, None


def _behind(width: int, device: torch.device) -> torch.Tensor:
    """Which places stand behind which, (Y, Y)."""
    return torch.ones(width, width, dtype=torch.bool, device=device).triu(1)
