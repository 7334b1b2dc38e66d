"""Which examples make an optimizer step, and how they become tensors.

A step is one item of the data loader.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Sampler

from dsbs.config.student_options import LossMean
from dsbs.student.encoding import EncodedTarget
from dsbs.student.length_groups import Lengths, split_by_length
from dsbs.student.padding import IGNORED, MicroBatch, pad_rows

EncodedExample = Sequence[EncodedTarget]
Row = Sequence[EncodedTarget]
"""The sequences of one row of a micro-batch. They all have the same input."""

_PACKED_PASS_TOKENS = 4096
"""Tokens of a forward pass of a student that packs micro-batches."""
_PACKED_PART_COST = 20
"""Tokens that one more micro-batch in such a pass must save to be worth it."""


@dataclass(frozen=True)
class StepBatch:
    """One process's share of an optimizer step."""

    examples: Sequence[EncodedExample]
    micro_batches: list[MicroBatch]
    sizes: torch.Tensor
    """(T + 1,): what the sum of each of T tasks is divided by (its target tokens in this share, or
    its sequences), and last the number of sequences that learn a label distribution."""


class StepSampler(Sampler[list[int]]):
    """The example numbers of every step, for one process.

    Every epoch has an order of its own, which the seed gives. A step has `batch_size` examples over
    all processes; the last step of an epoch has what is left. Any step is known without the ones
    before it, so training can resume within an epoch.
    """

    def __init__(
        self,
        n_examples: int,
        *,
        batch_size: int,
        steps: int,
        seed: int,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self.n_examples = n_examples
        self.batch_size = batch_size
        self.steps = steps
        self.seed = seed
        self.rank = rank
        self.ranks = ranks
        self.steps_per_epoch = -(-n_examples // batch_size)
        self._epoch = -1
        self._order: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.steps):
            yield self.step(step)[self.rank :: self.ranks]

    def step(self, number: int) -> list[int]:
        """The examples of a step over all processes."""
        epoch, place = divmod(number, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([self.seed, epoch]).permutation(self.n_examples)
        start = place * self.batch_size
        return self._order[start : start + self.batch_size].tolist()


class Collator:
    """Makes a StepBatch of examples.

    Sequences of similar length share a micro-batch, padded within itself. Another micro-batch is
    made where it saves enough padding, since a forward pass has a cost of its own.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        pad: int,
        *,
        max_tokens: float = np.inf,
        pass_cost: float = np.inf,
        loss_mean: LossMean = "tokens",
        packs: bool = False,
    ) -> None:
        """Set the limits.

        Args:
            tasks: The tasks of the training set.
            pad: The id of the padding token.
            max_tokens: Most tokens per forward pass, padding included, if that is possible at all.
            pass_cost: Tokens that another forward pass must save to be worth it.
            loss_mean: What each task's loss is a mean over.
            packs: Whether the student computes several micro-batches in one pass.
        """
        self.tasks = tuple(tasks)
        self.pad = pad
        self.max_tokens = max_tokens
        self.part_cost = _PACKED_PART_COST if packs else pass_cost
        self.loss_mean = loss_mean
        self.packs = packs

    def __call__(self, examples: Sequence[EncodedExample]) -> StepBatch:
        rows = rows_of(examples)
        counted = [sequence for row in rows for sequence in row if sequence.weight]
        sizes = [sum(self._size(s) for s in counted if s.task == task) for task in self.tasks]
        sizes.append(sum(bool(s.candidates) for s in counted))
        micro_batches = []
        if rows:
            lengths = lengths_of(rows)
            groups = split_by_length(lengths, max_tokens=self.max_tokens, min_saved=self.part_cost)
            micro_batches = [self.tensors([rows[n] for n in group]) for group in groups]
        # A process without examples in a short last step still takes part in it.
        return StepBatch(examples, micro_batches or [self.nothing()], torch.tensor(sizes))

    def nothing(self) -> MicroBatch:
        """A micro-batch that adds nothing to loss and gradient."""
        return self.tensors([[EncodedTarget(self.tasks[0], 0.0, [self.pad], [self.pad])]])

    def passes(self, micro_batches: Sequence[MicroBatch]) -> Iterator[list[MicroBatch]]:
        """The micro-batches of each forward pass.

        Several share one only if the student packs. Those with candidates are always alone.
        """
        room = min(self.max_tokens, _PACKED_PASS_TOKENS) if self.packs else 0
        together: list[MicroBatch] = []
        for batch in micro_batches:
            alone = any(len(other.candidate_owner) for other in [*together[:1], batch])
            tokens = sum(other.tokens for other in together) + batch.tokens
            if together and (alone or tokens > room):
                yield together
                together = []
            together.append(batch)
        yield together

    def tensors(self, rows: Sequence[Row]) -> MicroBatch:
        """The rows as one padded micro-batch."""
        sequences = [sequence for row in rows for sequence in row]
        candidates = [ids for sequence in sequences for ids in sequence.candidates]
        decoder_ids: list[list[int]] = []
        labels: list[list[int]] = []
        owner: list[list[int]] = []
        number = 0
        for row in rows:
            decoder_ids.append([i for s in row for i in (*s.prompt, *s.target_ids)])
            labels.append([i for s in row for i in (*[IGNORED] * len(s.prompt), *s.target_ids)])
            owner.append([n for n, s in enumerate(row, number) for _ in range(s.decoder_tokens)])
            number += len(row)
        return MicroBatch(
            input_ids=pad_rows([row[0].input_ids for row in rows], self.pad),
            attention_mask=pad_rows([[1] * len(row[0].input_ids) for row in rows], 0),
            decoder_ids=pad_rows(decoder_ids, IGNORED),
            labels=pad_rows(labels, IGNORED),
            owner=pad_rows(owner, -1),
            task=torch.tensor([self.tasks.index(s.task) for s in sequences]),
            weight=torch.tensor([s.weight for s in sequences]),
            scale=torch.tensor([self._size(s) / len(s.target_ids) for s in sequences]),
            number=torch.tensor([s.number for s in sequences]),
            candidates=pad_rows(candidates, IGNORED)
            if candidates
            else torch.empty(0, 1, dtype=torch.long),
            candidate_owner=torch.tensor(
                [n for n, s in enumerate(sequences) for _ in s.candidates], dtype=torch.long
            ),
            probabilities=torch.tensor([p for s in sequences for p in s.probabilities]),
        )

    def _size(self, sequence: EncodedTarget) -> int:
        return len(sequence.target_ids) if self.loss_mean == "tokens" else 1


def rows_of(examples: Sequence[EncodedExample]) -> list[Row]:
    """The rows that examples become.

    Every sequence is a row. Where the decoder reads prompts, the sequences of an example have the
    same input and share a row.
    """
    rows: list[Row] = []
    for example in examples:
        if any(sequence.prompt for sequence in example):
            rows.append(example)
        else:
            rows += [[sequence] for sequence in example]
    return rows


def lengths_of(rows: Sequence[Row]) -> Lengths:
    """(N, 2): input and target tokens of every row.

    A sequence with candidates counts as the tokens of all candidates, padded, if that is more.
    """
    inputs = [len(row[0].input_ids) for row in rows]
    targets = [sum(_target_length(sequence) for sequence in row) for row in rows]
    return np.array([inputs, targets], dtype=np.int64).T


def _target_length(sequence: EncodedTarget) -> int:
    longest = max(map(len, sequence.candidates), default=0)
    return max(sequence.decoder_tokens, len(sequence.candidates) * longest)
