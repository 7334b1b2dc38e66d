"""How the rows of a micro-batch lie before a decoder-only student.

A row is the input, then every sequence (marker and target) that continues it, then candidate
labels. They all have positions right behind the input, and none of them reads another.
"""

from dataclasses import dataclass

import torch

from dsbs.student.decoder_only.attention import Part
from dsbs.student.padding import IGNORED, MicroBatch

_PADDING = -1
_INPUT = 0
"""Blocks of a row: sequences are counted from 1 on, and candidates behind them."""


@dataclass(frozen=True)
class Layout:
    """The rows of a micro-batch: R rows of L tokens."""

    ids: torch.Tensor
    """(R, L)"""
    positions: torch.Tensor
    """(R, L)"""
    part: Part
    """Which tokens each may read."""
    before_labels: torch.Tensor
    """(N,): the tokens before the N label tokens, numbered through all rows."""
    before_candidates: torch.Tensor
    """(M,): the tokens before the M tokens of candidates."""


def layout(batch: MicroBatch) -> Layout:
    """The layout of a micro-batch."""
    own = torch.where(batch.owner < 0, _PADDING, batch.owner + 1)
    candidates = _Candidates.of(batch)
    written = torch.cat([batch.decoder_ids, candidates.ids], dim=1)
    written_blocks = torch.cat([own, candidates.blocks], dim=1)
    lengths = batch.attention_mask.sum(dim=1, keepdim=True)
    read = torch.arange(batch.input_ids.shape[1], device=lengths.device)
    positions = torch.cat(
        [read.expand_as(batch.input_ids), lengths + _index_within(written_blocks)], dim=1
    )
    input_blocks = torch.where(batch.attention_mask > 0, _INPUT, _PADDING)
    blocks = torch.cat([input_blocks, written_blocks], dim=1)
    inputs = batch.input_ids.shape[1]
    return Layout(
        ids=torch.cat([batch.input_ids, written.masked_fill(written.eq(IGNORED), 0)], dim=1),
        positions=positions,
        part=Part(readable(blocks), positions, positions),
        before_labels=_before(batch.labels, blocks.shape[1], inputs),
        before_candidates=_before(
            candidates.labels, blocks.shape[1], inputs + batch.decoder_ids.shape[1]
        ),
    )


def readable(blocks: torch.Tensor) -> torch.Tensor:
    """(R, 1, L, L): a token reads earlier ones of its block and of the input, and itself.

    Args:
        blocks: (R, L), the block of each token.
    """
    query = blocks[:, :, None]
    key = blocks[:, None]
    same = (query == key) | (key == _INPUT)
    # A padding token reads something too: a softmax over nothing is NaN.
    return same.tril()[:, None]


def _index_within(blocks: torch.Tensor) -> torch.Tensor:
    """(R, Y): the number of each token within its block."""
    place = torch.arange(blocks.shape[1], device=blocks.device).expand_as(blocks)
    begins = torch.ones_like(blocks, dtype=torch.bool)
    begins[:, 1:] = blocks.diff(dim=1).ne(0)
    first = torch.where(begins, place, 0).cummax(dim=1).values
    return place - first


def _before(labels: torch.Tensor, width: int, offset: int) -> torch.Tensor:
    """The number of the token before each label, where rows of labels begin at `offset`."""
    row, column = labels.ne(IGNORED).nonzero(as_tuple=True)
    return row * width + column + offset - 1


@dataclass(frozen=True)
class _Candidates:
    """Candidate labels behind the rows of their sequences."""

    ids: torch.Tensor
    """(R, K)"""
    labels: torch.Tensor
    """(R, K)"""
    blocks: torch.Tensor
    """(R, K)"""

    @classmethod
    def of(cls, batch: MicroBatch) -> "_Candidates":
        rows = len(batch.input_ids)
        count, width = batch.candidates.shape
        if not count:
            none = batch.decoder_ids[:, :0]
            return cls(none, none, none)
        sequence_rows = torch.zeros_like(batch.task)
        at, column = batch.owner.ge(0).nonzero(as_tuple=True)
        sequence_rows[batch.owner[at, column]] = at
        row = sequence_rows[batch.candidate_owner]
        per_row = torch.bincount(row, minlength=rows)
        place = torch.arange(count, device=row.device) - (per_row.cumsum(0) - per_row)[row]
        numbers = len(batch.task) + 1 + torch.arange(count, device=row.device)
        blocks = torch.where(batch.candidates.eq(IGNORED), _PADDING, numbers[:, None])

        def spread(values: torch.Tensor, empty: int) -> torch.Tensor:
            spread = values.new_full((rows, int(per_row.max()), width), empty)
            return spread.index_put((row, place), values).flatten(1)

        return cls(
            spread(batch.candidates, IGNORED),
            spread(batch.candidate_labels, IGNORED),
            spread(blocks, _PADDING),
        )
