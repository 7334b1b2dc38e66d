"""Padded tensors of token ids, and sums of token losses per sequence."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

IGNORED = -100
"""Label id of padding: there is no loss there."""


@dataclass(frozen=True)
class MicroBatch:
    """The sequences of one forward pass.

    There are S sequences (a target and its input) in R rows. A row holds one sequence; where the
    decoder reads the task's prefix, it holds all sequences of one input. C candidates are labels
    that might stand in a sequence's place, where a label distribution is learned.
    """

    input_ids: torch.Tensor
    """(R, X): what the encoder reads."""
    attention_mask: torch.Tensor
    """(R, X): 1 at tokens, 0 at padding."""
    decoder_ids: torch.Tensor
    """(R, Y): prompts and targets, IGNORED at padding."""
    labels: torch.Tensor
    """(R, Y): targets alone, IGNORED at prompts and padding."""
    owner: torch.Tensor
    """(R, Y): the sequence of each token, -1 at padding."""
    task: torch.Tensor
    """(S,): the number of the sequence's task."""
    weight: torch.Tensor
    """(S,): the sequence's weight in the loss."""
    scale: torch.Tensor
    """(S,): 1, or 1 / tokens of the target where the loss is a mean over sequences."""
    number: torch.Tensor
    """(S,): the sequence's number in the whole training set."""
    candidates: torch.Tensor
    """(C, Z): token ids of candidate labels, with the prompt before them; IGNORED at padding."""
    candidate_labels: torch.Tensor
    """(C, Z): the same without prompts, IGNORED there."""
    candidate_owner: torch.Tensor
    """(C,): the sequence of each candidate, ascending."""
    probabilities: torch.Tensor
    """(C,): the teacher's probability of each candidate."""

    @property
    def tokens(self) -> int:
        """Input, target and candidate tokens, padding included."""
        return self.input_ids.numel() + self.labels.numel() + self.candidates.numel()

    def to(self, device: torch.device) -> "MicroBatch":
        """The same on another device."""
        tensors = [getattr(self, name) for name in self.__dataclass_fields__]
        return MicroBatch(*(tensor.to(device, non_blocking=True) for tensor in tensors))


def pad_rows(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """A tensor (rows, longest row), padded on the right."""
    width = max(map(len, rows), default=1)
    padded = [[*row, *[value] * (width - len(row))] for row in rows]
    return torch.tensor(padded, dtype=torch.long).view(len(rows), width)


def sequence_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The summed cross-entropy of every sequence.

    Args:
        logits: (N, V), for the N labels that are not padding, in order.
        labels: (S, Y).

    Returns:
        (S,).
    """
    real = labels.ne(IGNORED)
    return sequence_sums(token_losses(logits, labels[real]), real.nonzero()[:, 0], len(labels))


def token_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of every token, (N,), from logits (N, V) and labels (N,)."""
    return F.cross_entropy(logits.float(), labels, reduction="none")


def sequence_sums(losses: torch.Tensor, owner: torch.Tensor, sequences: int) -> torch.Tensor:
    """Token losses (N,) summed per sequence, (S,). `owner` (N,) is the sequence of each token."""
    return torch.zeros(sequences, device=losses.device).index_add(0, owner, losses)


def label_scores(
    logits: torch.Tensor, candidates: torch.Tensor, owner: torch.Tensor, sequences: int
) -> torch.Tensor:
    """The log-likelihood of every candidate label.

    Args:
        logits: (M, V), at the M tokens of the candidates.
        candidates: (C, Z), IGNORED at padding.
        owner: (C,), the sequence of each candidate, ascending.
        sequences: S.

    Returns:
        (S, L), -inf where a sequence has fewer than L candidates.
    """
    return per_sequence(-sequence_losses(logits, candidates), owner, sequences)


def per_sequence(values: torch.Tensor, owner: torch.Tensor, sequences: int) -> torch.Tensor:
    """Values (C,) as rows of their sequences, (S, L), padded with -inf. `owner` is ascending."""
    counts = torch.bincount(owner, minlength=sequences)
    place = torch.arange(len(owner), device=owner.device) - (counts.cumsum(0) - counts)[owner]
    rows = values.new_full((sequences, int(counts.max())), -torch.inf)
    return rows.index_put((owner, place), values)
