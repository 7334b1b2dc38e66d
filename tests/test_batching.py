"""Steps and micro-batches of like length: nothing lost, nothing twice, little padding, any memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Farm
from numpy.typing import NDArray

from dsbs import api
from dsbs.config.train import TrainConfig
from dsbs.core.errors import InputError
from dsbs.distillation.training_set import load_material
from dsbs.student import token_cache
from dsbs.student.length_groups import padded_tokens, split_alike, split_evenly
from dsbs.training.batching import Collator, StepSampler, lengths_of, rows_of
from dsbs.training.memory_probe import largest_pass
from dsbs.training.objective import Objective
from dsbs.training.prepare import plan_training


def lengths(count: int, seed: int = 0) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(20, 90, count), rng.integers(2, 80, count)], axis=1)


def sampler(rows: NDArray[np.int64], **more: Any) -> StepSampler:
    return StepSampler(
        len(rows), **{"batch_size": 8, "steps": 200, "seed": 3, "lengths": rows, **more}
    )


def share_of_padding(rows: NDArray[np.int64], groups: list[Any]) -> float:
    return 1 - rows.sum() / sum(padded_tokens(rows[group]) for group in groups)


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


def test_groups_are_cut_where_it_pays_and_until_they_fit() -> None:
    rows = lengths(64)
    assert len(split_alike(rows)) == 1
    for limits in ({"most": 600.0}, {"worth": 100.0}, {"worth": 0.0}, {"most": 1.0}):
        groups = split_alike(rows, **limits)
        assert sorted(np.concatenate(groups).tolist()) == list(range(64))
        if "most" in limits:
            assert all(
                padded_tokens(rows[group]) <= limits["most"] or len(group) == 1 for group in groups
            )
    before, after = (
        share_of_padding(rows, split_alike(rows, worth=worth)) for worth in (np.inf, 30)
    )
    assert after < 0.1 < before
    alike = np.array([[10, 5]] * 32 + [[50, 5]] * 32)
    assert [len(group) for group in split_alike(alike, worth=0)] == [32, 32], (
        "one cut removes all padding"
    )
    assert sorted(map(len, split_evenly(rows, 7))) == [1] + [7] * 9


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


def test_a_step_that_does_not_fit_into_memory_is_cut_until_it_does(
    answered_farm: Farm,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings: dict[str, Any] = {
        "answers": answered_farm.folder / "answered",
        "dropout": 0.0,
        "max_steps": 6,
        "batch_size": 8,
    }
    settings["precision"] = "fp32"
    roomy = api.train(**settings, out=tmp_path / "roomy")
    compute = Objective.of_pass
    room = 100

    def limited(self: Objective, model: Any, batches: Any, *rest: Any, **more: Any) -> torch.Tensor:
        loss = compute(self, model, batches, *rest, **more)
        if sum(batch.tokens for batch in batches) > room:
            raise torch.OutOfMemoryError
        return loss

    monkeypatch.setattr(Objective, "of_pass", limited)
    tight = api.train(**settings, out=tmp_path / "tight")
    assert "do not fit into memory" in capsys.readouterr().err
    for one, two in zip(roomy["log"], tight["log"], strict=True):
        assert one == pytest.approx(two, rel=1e-4)
    room = 0
    with pytest.raises(InputError, match=r"memory: got too little for .* --gradient-checkpointing"):
        api.train(**settings, out=tmp_path / "none")


def test_the_largest_pass_that_fits_is_found_by_halves(answered_farm: Farm) -> None:
    config = TrainConfig(answers=answered_farm.folder / "answered", student="tiny")
    plan = plan_training(load_material(config), config)
    examples, collator = plan.encoded.examples, Collator(plan.encoded.tasks, 0)
    tried = []

    def most(room: float) -> int:
        return largest_pass(
            examples,
            collator,
            count=8,
            fits=lambda batch: tried.append(batch.tokens) or batch.tokens <= room,
        )

    whole = most(float("inf"))
    anywhere = [
        max(part.tokens for part in collator(examples[at : at + 8])["micro_batches"])
        for at in range(57)
    ]
    assert whole >= max(anywhere)
    assert whole / 4 < most(whole / 2) <= whole / 2
    with pytest.raises(InputError, match="memory: got too little"):
        most(0)
    assert tried[-1] == max(
        int(lengths_of(rows_of([example])).sum(axis=1).max()) for example in examples
    )


def test_what_was_tokenised_once_is_read_back(
    answered_farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSBS_CACHE", str(tmp_path))
    monkeypatch.setattr(token_cache, "WORTH_TEXTS", 1)
    config = TrainConfig(answers=answered_farm.folder / "answered")
    material = load_material(config)
    fresh = plan_training(material, config)
    kept = sorted((tmp_path / "tokens").iterdir())
    assert len(kept) == 2
    with monkeypatch.context() as patch:
        patch.setattr(token_cache, "_tokenise", lambda *_: pytest.fail("tokenised again"))
        assert plan_training(material, config).encoded == fresh.encoded
    kept[0].write_bytes(kept[0].read_bytes()[:50])  # cut off
    assert plan_training(material, config).encoded == fresh.encoded
    other = TrainConfig(answers=answered_farm.folder / "answered", prefixes=("[a] ", "[b] "))
    assert plan_training(material, other).encoded != fresh.encoded
