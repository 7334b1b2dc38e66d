"""Reads inputs in batches of similar length, in bf16 where that gives the same labels as fp32."""

import math
from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from dsbs.student.codec import Codec
from dsbs.student.padding import pad_rows
from dsbs.student.precision import faster_in_bf16
from dsbs.student.row_batches import batches

ReadBatch = Callable[[Sequence[int]], Sequence[float]]
"""Reads the rows of these numbers, keeps what it finds, and returns the margin of each row: how far
its answer is ahead of the next best. Runs without gradients, but not in inference mode, where
autocast would cast the weights anew for every batch."""

_SAMPLE = 32
"""Rows that are read in both precisions."""
_SAFETY_FACTOR = 4.0
"""Factor on the largest bf16 error in the sample."""


def read_all(
    model: PreTrainedModel,
    rows: Sequence[list[int]],
    read: ReadBatch,
    batch_size: int,
    on_batch: Callable[[int], None],
) -> None:
    """Read every row, so that labels are those of fp32.

    Where bf16 is faster, rows are read in bf16 first. Rows with a margin that bf16 might have made
    up are read again in fp32. A sample of all lengths, read in both, shows how large that is.
    """

    def read_in(dtype: torch.dtype, numbers: Sequence[int], *, again: bool = False) -> list[float]:
        margins: dict[int, float] = {}
        half = dtype == torch.bfloat16
        with torch.autocast(model.device.type, torch.bfloat16, enabled=half):
            for batch in batches(rows, numbers, batch_size):
                margins |= zip(batch, read(batch), strict=True)
                on_batch(0 if again else len(batch))
        return [margins[number] for number in numbers]

    everything = range(len(rows))
    if not faster_in_bf16(model) or len(rows) <= _SAMPLE:
        read_in(torch.float32, everything)
        return
    sample = everything[:: -(-len(rows) // _SAMPLE)]
    rough = read_in(torch.bfloat16, sample)
    exact = read_in(torch.float32, sample, again=True)
    errors = [abs(a - b) for a, b in zip(rough, exact, strict=True) if math.isfinite(b)]
    close = _SAFETY_FACTOR * max(errors, default=0.0)
    done = set(sample)
    others = [number for number in everything if number not in done]
    margins = read_in(torch.bfloat16, others)
    uncertain = [n for n, margin in zip(others, margins, strict=True) if margin < close]
    read_in(torch.float32, uncertain, again=True)


def encode(codec: Codec, inputs: Sequence[str], limit: int) -> list[list[int]]:
    """The token ids of every input, cut to the limit."""
    if not inputs:
        return []
    return [codec.cut_input(ids, limit) for ids in codec.inputs(inputs)]


def pad(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[list[int]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and attention mask of a batch, both (B, X)."""
    ids = pad_rows(rows, tokenizer.pad_token_id)
    mask = pad_rows([[1] * len(row) for row in rows], 0)
    return ids.to(device), mask.to(device)
