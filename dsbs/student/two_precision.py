"""How inputs come to a student that is read: in batches of like length, in bf16 where that gives the same answers."""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from dsbs.student.encoding import cut
from dsbs.student.padding import pad_rows
from dsbs.student.precision import pays_in_bf16

_SHORT = 64
"""Tokens of an input below which a batch may have more rows."""

_SAMPLE, _SAFE = 32, 4.0
"""Rows read in bf16 and in fp32 alike; the times that another row may be further off by than the worst of them."""


def read_all(
    model: PreTrainedModel,
    rows: Sequence[list[int]],
    read: Callable[[Sequence[int]], Sequence[float]],
    batch_size: int,
    on_batch: Callable[[int], None],
) -> None:
    """Read every row, in bf16 first where that is faster, and again in fp32 where it was close: the labels are the same.

    `read` keeps what it finds in a batch, and says how far the answer of each row was ahead of the next. How much of that
    bf16 may have made up is measured on rows of all lengths that are read in both. `read` must run without gradients, but not
    in inference mode, in which autocast casts the weights anew for every batch.
    """

    def read_in(half: bool, among: Sequence[int], *, again: bool = False) -> dict[int, float]:
        ahead: dict[int, float] = {}
        with torch.autocast(model.device.type, torch.bfloat16, enabled=half):
            for batch in _by_length(rows, among, batch_size):
                ahead |= zip(batch, read(batch), strict=True)
                on_batch(0 if again else len(batch))
        return ahead

    everything = range(len(rows))
    if not pays_in_bf16(model) or len(rows) <= _SAMPLE:
        read_in(False, everything)
        return
    sample = everything[:: -(-len(rows) // _SAMPLE)]
    rough, exact = read_in(True, sample), read_in(False, sample, again=True)
    close = _SAFE * max(
        (abs(rough[i] - exact[i]) for i in sample if math.isfinite(exact[i])), default=0.0
    )
    ahead = read_in(True, [i for i in everything if i not in exact])
    read_in(False, [i for i, lead in ahead.items() if lead < close], again=True)


def encode(
    tokenizer: PreTrainedTokenizerBase, inputs: Sequence[str], limit: int
) -> list[list[int]]:
    """The token ids of every input, cut to the limit."""
    if not inputs:
        return []
    return [cut(ids, limit, tokenizer.eos_token_id) for ids in tokenizer(list(inputs)).input_ids]


def _by_length(
    rows: Sequence[list[int]], among: Sequence[int], size: int
) -> Iterator[Sequence[int]]:
    """Row numbers in batches, longest rows first: little padding, and running out of memory shows at once.

    A batch has `size` rows, and more of short ones: as many as have the tokens of `size` rows of `_SHORT`.
    """
    order, at = sorted(among, key=lambda i: -len(rows[i])), 0
    while at < len(order):
        count = max(size, size * _SHORT // len(rows[order[at]]))
        yield order[at : at + count]
        at += count


def pad(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[list[int]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask of a batch, both (B, X)."""
    ids = pad_rows(rows, tokenizer.pad_token_id)
    mask = pad_rows([[1] * len(row) for row in rows], 0)
    return ids.to(device), mask.to(device)


def start(model: PreTrainedModel, rows: torch.Tensor, before: Sequence[int]) -> torch.Tensor:
    """What the decoder reads before the first token it says, the start token and P of a prompt: (B, 1 + P)."""
    found: torch.Tensor = model.prepare_decoder_input_ids_from_labels(rows[:, :1])
    return torch.cat([found, found.new_tensor(before).expand(len(rows), -1)], dim=1)
