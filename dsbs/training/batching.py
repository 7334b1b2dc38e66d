"""Which examples make an optimiser step, and how they become tensors. A step is one item of the data loader."""

import itertools
from collections.abc import Iterator, Sequence
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Sampler

from dsbs.config.recipe import Normaliser
from dsbs.student.encoding import EncodedTarget
from dsbs.student.length_groups import Lengths, split_alike, split_evenly
from dsbs.student.padding import IGNORED, MicroBatch, pad_rows

Row = Sequence[EncodedTarget]
"""The sequences that one row of a micro-batch holds: all of the same input."""

_POOL = 16
"""Steps whose examples are sorted by length together: with more, less is padding, and steps are less alike."""

_PASS_TOKENS, _PART_WORTH = 4096, 20
"""Of a student that packs: tokens of a forward pass, and tokens that a further micro-batch in it must save."""


class StepBatch(TypedDict):
    """One rank's share of an optimiser step: its examples, and the micro-batches they are cut into.

    sizes (T + 1,): what each task's sum is divided by (its label tokens in this share, or its sequences), and last the
    number of sequences that a label distribution is learned for.
    """

    examples: Sequence[Sequence[EncodedTarget]]
    micro_batches: list[MicroBatch]
    sizes: torch.Tensor


class StepSampler(Sampler[list[int]]):
    """The example numbers of every step for one rank.

    Epoch by epoch, each in an order of its own that the seed gives; a step has `batch_size` examples over all ranks, the
    last of an epoch what is left. With `lengths`, examples of like length share a step: each epoch's random order is cut
    into pools of `_POOL` steps, every pool into steps of like length, and the steps are shuffled. Any step can be told
    without the ones before it, so training goes on in mid-epoch.
    """

    def __init__(
        self,
        n_examples: int,
        *,
        batch_size: int,
        steps: int,
        seed: int,
        lengths: Lengths | None = None,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self.n_examples, self.batch_size, self.steps, self.seed = (
            n_examples,
            batch_size,
            steps,
            seed,
        )
        self.lengths, self.rank, self.ranks = lengths, rank, ranks
        self.steps_per_epoch = -(-n_examples // batch_size)
        self._kept: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, dtype=np.int64))

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.steps):
            yield self.step(step)[self.rank :: self.ranks]

    def step(self, number: int) -> list[int]:
        """The examples of a step over all ranks."""
        epoch, place = divmod(number, self.steps_per_epoch)
        return self._order(epoch)[place * self.batch_size : (place + 1) * self.batch_size].tolist()

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if self._kept[0] != epoch:
            rng = np.random.default_rng([self.seed, epoch])
            order = rng.permutation(self.n_examples)
            self._kept = (
                epoch,
                order if self.lengths is None else self._by_length(order, self.lengths, rng),
            )
        return self._kept[1]

    def _by_length(
        self, order: NDArray[np.int64], lengths: Lengths, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        whole = len(order) - len(order) % self.batch_size
        pools = np.split(
            order[:whole], np.arange(_POOL * self.batch_size, whole, _POOL * self.batch_size)
        )
        steps = [
            pool[rows] for pool in pools for rows in split_evenly(lengths[pool], self.batch_size)
        ]
        return np.concatenate(
            [*(steps[number] for number in rng.permutation(len(steps))), order[whole:]]
        )


class Collator:
    """Makes a StepBatch of examples: micro-batches of sequences of like length, padded within themselves.

    A micro-batch has at most `most` tokens, padding included, if that is at all possible. A further one is made where it
    saves more than `worth` tokens: a pass has a price of its own. Where a student `packs`, one pass is made of several
    micro-batches.
    """

    def __init__(
        self,
        tasks: Sequence[str],
        pad: int,
        *,
        most: float = np.inf,
        worth: float = np.inf,
        normalise: Normaliser = "tokens",
        packs: bool = False,
    ) -> None:
        self.tasks, self.pad, self.normalise = tuple(tasks), pad, normalise
        self.most, self.worth, self.packs = most, _PART_WORTH if packs else worth, packs

    def __call__(self, examples: Sequence[Sequence[EncodedTarget]]) -> StepBatch:
        rows = rows_of(examples)
        counted = [s for row in rows for s in row if s.weight]
        sizes = [sum(self._size(s) for s in counted if s.task == task) for task in self.tasks]
        sizes.append(sum(bool(s.candidates) for s in counted))
        groups = split_alike(lengths_of(rows), most=self.most, worth=self.worth) if rows else []
        # A rank without an example in a short last step still takes part in it, with a sequence of no weight.
        parts = [self.tensors([rows[number] for number in group]) for group in groups] or [
            self.nothing()
        ]
        return StepBatch(examples=examples, micro_batches=parts, sizes=torch.tensor(sizes))

    def nothing(self) -> MicroBatch:
        """A micro-batch that adds nothing to loss and gradient."""
        return self.tensors([[EncodedTarget(self.tasks[0], 0.0, [self.pad], [self.pad])]])

    def passes(self, micro_batches: Sequence[MicroBatch]) -> Iterator[list[MicroBatch]]:
        """The micro-batches of each forward pass."""
        most, found = min(self.most, _PASS_TOKENS) if self.packs else 0, list[MicroBatch]()
        for batch in micro_batches:
            if found and (
                len(batch.of)
                or len(found[0].of)
                or sum(b.tokens for b in found) + batch.tokens > most
            ):
                yield found
                found = []
            found.append(batch)
        yield found

    def tensors(self, rows: Sequence[Row]) -> MicroBatch:
        """The rows as one padded micro-batch."""
        sequences, numbers = [s for row in rows for s in row], itertools.count()
        candidates = [ids for s in sequences for ids in s.candidates]
        return MicroBatch(
            input_ids=pad_rows([row[0].input_ids for row in rows], self.pad),
            attention_mask=pad_rows([[1] * len(row[0].input_ids) for row in rows], 0),
            said=pad_rows(
                [[i for s in row for i in (*s.prompt, *s.target_ids)] for row in rows], IGNORED
            ),
            labels=pad_rows(
                [
                    [i for s in row for i in (*[IGNORED] * len(s.prompt), *s.target_ids)]
                    for row in rows
                ],
                IGNORED,
            ),
            owner=pad_rows(
                [
                    [n for s, n in zip(row, numbers, strict=False) for _ in range(s.tokens)]
                    for row in rows
                ],
                -1,
            ),
            task=torch.tensor([self.tasks.index(s.task) for s in sequences]),
            weight=torch.tensor([s.weight for s in sequences]),
            scale=torch.tensor([self._size(s) / len(s.target_ids) for s in sequences]),
            number=torch.tensor([s.number for s in sequences]),
            candidates=pad_rows(candidates, IGNORED)
            if candidates
            else torch.empty(0, 1, dtype=torch.long),
            of=torch.tensor(
                [at for at, s in enumerate(sequences) for _ in s.candidates], dtype=torch.long
            ),
            shares=torch.tensor([share for s in sequences for share in s.shares]),
        )

    def _size(self, sequence: EncodedTarget) -> int:
        return len(sequence.target_ids) if self.normalise == "tokens" else 1


def rows_of(examples: Sequence[Sequence[EncodedTarget]]) -> list[Row]:
    """Each sequence by itself, but those of an example together where their inputs are one and the decoder has prompts."""
    return [
        row
        for example in examples
        for row in ([example] if any(s.prompt for s in example) else [[s] for s in example])
    ]


def lengths_of(rows: Sequence[Row]) -> Lengths:
    """Input and target tokens of every row, (N, 2), candidates counted as targets one behind another."""
    targets = [
        sum(max([s.tokens, *(len(s.candidates) * len(ids) for ids in s.candidates)]) for s in row)
        for row in rows
    ]
    return np.array([[len(row[0].input_ids) for row in rows], targets], dtype=np.int64).T
