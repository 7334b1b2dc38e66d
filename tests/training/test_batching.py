"""Steps and micro-batches of like length: nothing lost, nothing twice, little padding."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dsbs.config.train import TrainConfig
from dsbs.distillation.training_set import load_material
from dsbs.training.batching import Collator, StepSampler
from dsbs.training.prepare import plan_training
from support.lengths import lengths, share_of_padding


def sampler(rows: NDArray[np.int64], **more: Any) -> StepSampler:
    return StepSampler(
        len(rows), **{"batch_size": 8, "steps": 200, "seed": 3, "lengths": rows, **more}
    )


@pytest.mark.parametrize("ranks", [1, 3])
@pytest.mark.parametrize("count", [5, 8, 29, 301])
def test_every_epoch_of_like_lengths_holds_every_example_once(ranks: int, count: int) -> None:
    rows = lengths(count)
    shares = [sampler(rows, rank=rank, ranks=ranks) for rank in range(ranks)]
    steps = [[i for share in step for i in share] for step in zip(*shares, strict=True)]
    per_epoch = -(-count // 8)
    epochs = [steps[at : at + per_epoch] for at in range(0, 200 - per_epoch, per_epoch)]
    for epoch in epochs:
        assert sorted(i for step in epoch for i in step) == list(range(count))
        assert all(len(step) == 8 for step in epoch[:-1])
    if count > 8:
        assert epochs[0] != epochs[1]


def test_the_order_is_the_seeds_and_any_step_can_be_told_alone() -> None:
    rows = lengths(301)
    whole = list(sampler(rows))
    assert list(sampler(rows)) == whole
    assert list(sampler(rows, seed=4)) != whole
    assert sampler(rows).step(77) == whole[77]


def test_steps_of_like_length_hold_less_padding_and_are_not_sorted() -> None:
    rows = lengths(3200)
    alike, random = list(sampler(rows)), list(sampler(rows, lengths=None))
    assert (
        share_of_padding(rows[np.concatenate(alike)], list(np.arange(1600).reshape(200, 8))) < 0.2
    )
    assert (
        share_of_padding(rows[np.concatenate(random)], list(np.arange(1600).reshape(200, 8))) > 0.35
    )
    means = np.array([rows[step].sum(axis=1).mean() for step in alike])
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.3


def test_padding_of_commonsense_qa_is_below_8_per_cent(cqa_palm: Path) -> None:
    config = TrainConfig(
        answers=cqa_palm, student="tiny", batch_size=64, max_steps=100, step_order="length"
    )
    plan = plan_training(load_material(config), config)
    steps = list(plan.sampler())
    parts = [
        Collator(plan.encoded.tasks, 0, worth=100)([plan.encoded.examples[i] for i in step])
        for step in steps
    ]
    real = sum(
        len(s.input_ids) + len(s.target_ids)
        for step in steps
        for i in step
        for s in plan.encoded.examples[i]
    )
    assert 1 - real / sum(part.tokens for batch in parts for part in batch["micro_batches"]) < 0.08


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_every_epoch_holds_every_example_once_in_an_order_of_its_own(ranks: int) -> None:
    settings = {"batch_size": 8, "steps": 12, "seed": 3, "ranks": ranks}
    samplers = [StepSampler(29, rank=rank, **settings) for rank in range(ranks)]
    steps = [sorted(i for share in shares for i in share) for shares in zip(*samplers, strict=True)]
    assert [len(step) for step in steps] == [8, 8, 8, 5] * 3
    epochs = [[i for step in steps[at : at + 4] for i in step] for at in (0, 4, 8)]
    assert all(sorted(epoch) == list(range(29)) for epoch in epochs)
    whole = StepSampler(29, batch_size=8, steps=12, seed=3)
    assert [sorted(step) for step in whole] == steps
    assert whole.step(0) != whole.step(4)
    assert whole.step(5) == StepSampler(29, batch_size=8, steps=12, seed=3).step(5)
    assert whole.step(5) != StepSampler(29, batch_size=8, steps=12, seed=4).step(5)
