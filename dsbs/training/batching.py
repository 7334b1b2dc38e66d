"""Which examples make an optimizer step, and how they become tensors.

A step is one item of the data loader.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Sampler

from dsbs.config.recipe_options import LossMean
from dsbs.student.encoder_decoder import ENCODER_DECODER
from dsbs.student.encoding import EncodedTarget
from dsbs.student.family import Family
from dsbs.student.length_groups import Lengths, split_by_length
from dsbs.student.padding import MicroBatch

EncodedExample = Sequence[EncodedTarget]
Row = Sequence[EncodedTarget]
"""The sequences of one row of a micro-batch. They all have the same input."""

PACKED_PASS_TOKENS = 4096
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
        pass_tokens: int = PACKED_PASS_TOKENS,
        family: Family = ENCODER_DECODER,
    ) -> None:
        """Set the limits.

        Args:
            tasks: The tasks of the training set.
            pad: The id of the padding token.
            max_tokens: Most tokens per forward pass, padding included, if that is possible at all.
            pass_cost: Tokens that another forward pass must save to be worth it.
            loss_mean: What each task's loss is a mean over.
            packs: Whether the student computes several micro-batches in one pass.
            pass_tokens: Tokens of such a pass.
            family: The student's, which makes micro-batches.
        """
        self.tasks = tuple(tasks)
        self.pad = pad
        self.max_tokens = max_tokens
        self.part_cost = _PACKED_PART_COST if packs else pass_cost
        self.loss_mean = loss_mean
        self.packs = packs
        self.pass_tokens = pass_tokens
        self.family = family

    def __call__(self, examples: Sequence[EncodedExample]) -> StepBatch:
        rows = rows_of(examples)
        counted = [sequence for row in rows for sequence in row if sequence.weight]
        sizes = [sum(self._size(s) for s in counted if s.task == task) for task in self.tasks]
        sizes.append(sum(bool(s.probabilities) for s in counted))
        micro_batches = []
        if rows:
            lengths = lengths_of(rows)
            groups = split_by_length(lengths, max_tokens=self.max_tokens, min_saved=self.part_cost)
            micro_batches = [self.tensors([rows[n] for n in group]) for group in groups]
        # A process without examples in a short last step still takes part in it.
        return StepBatch(examples, micro_batches or [self.nothing()], torch.tensor(sizes))

    def nothing(self) -> MicroBatch:
        """A micro-batch that adds nothing to loss and gradient."""
        nothing = EncodedTarget(self.tasks[0], 0.0, [self.pad], [0], prompt=(0,))
        return self.tensors([[nothing]])

    def passes(self, micro_batches: Sequence[MicroBatch]) -> Iterator[list[MicroBatch]]:
        """The micro-batches of each forward pass.

        Several share one only if the student packs. Those with candidates are always alone.
        """
        room = min(self.max_tokens, self.pass_tokens) if self.packs else 0
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
        batch = self.family.micro_batch(rows, self.tasks, self.pad)
        if self.loss_mean == "tokens":
            return batch
        scale = [1 / len(sequence.target_ids) for row in rows for sequence in row]
        return replace(batch, scale=torch.tensor(scale))

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
    texts = [*sequence.candidates, *sequence.options]
    longest = max(map(len, texts), default=0)
    if sequence.prompt:
        return sequence.decoder_tokens + len(texts) * (len(sequence.prompt) + longest)
    return max(sequence.decoder_tokens, len(texts) * longest)
