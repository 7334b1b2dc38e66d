"""Padded tensors of token ids, and sums of token losses over sequences."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

IGNORED = -100
"""Label id at padding: no loss there."""


@dataclass(frozen=True)
class MicroBatch:
    """The sequences of one forward pass, one a row; where the decoder is told their tasks, those of an input in one row.

    input_ids, attention_mask (R, X); of (R, Y), padded with -100: said, which the decoder says, and labels, which it learns,
    -100 at prompts too; owner (R, Y): which sequence's a place is, -1 at padding; task, weight, number (S,); scale (S,): 1,
    or 1 over the sequence's tokens where every sequence counts alike. candidates (C, Z): the labels that might stand in a
    sequence's place; of (C,): which sequence's; shares (C,): the teacher's probability of each.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    said: torch.Tensor
    labels: torch.Tensor
    owner: torch.Tensor
    task: torch.Tensor
    weight: torch.Tensor
    scale: torch.Tensor
    number: torch.Tensor
    candidates: torch.Tensor
    of: torch.Tensor
    shares: torch.Tensor

    @property
    def tokens(self) -> int:
        """Input and target tokens, padding included."""
        return self.input_ids.numel() + self.labels.numel() + self.candidates.numel()

    def to(self, device: torch.device) -> "MicroBatch":
        return MicroBatch(
            *(
                getattr(self, name).to(device, non_blocking=True)
                for name in self.__dataclass_fields__
            )
        )


def pad_rows(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """A (rows, longest) tensor, padded at the right."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (width - len(row))] for row in rows])


def sequence_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Summed token cross-entropy of every sequence, (S,), of labels (S, Y).

    logits (N, V) are those of the N labels that are not padding, in order.
    """
    real = labels.ne(IGNORED)
    return sequence_sums(token_losses(logits, labels[real]), real.nonzero()[:, 0], len(labels))


def token_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of every token, (N,), of logits (N, V) and labels (N,)."""
    return F.cross_entropy(logits.float(), labels, reduction="none")


def sequence_sums(losses: torch.Tensor, owner: torch.Tensor, sequences: int) -> torch.Tensor:
    """Losses (N,) of tokens summed for every sequence, (S,); `owner` (N,) says which one a token is of."""
    return torch.zeros(sequences, device=losses.device).index_add(0, owner, losses)
