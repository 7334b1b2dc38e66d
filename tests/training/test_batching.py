"""Steps and micro-batches: nothing lost, nothing twice, little padding."""

import pytest

from dsbs.training.batching import StepSampler


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
