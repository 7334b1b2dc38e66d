"""The loss as arithmetic: equivalences that hold whatever the data, on a tiny T5 without dropout in
fp32.
"""

import copy
import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from dsbs.distillation.labeled_data import tokenizer_texts
from dsbs.student.encoding import EncodedTarget
from dsbs.student.model import build_model, load_config, load_tokenizer
from dsbs.student.padding import IGNORED, label_scores, per_sequence, sequence_losses
from dsbs.training.batching import Collator, StepBatch
from dsbs.training.loss import multi_task_loss, task_scales
from support.farm import Farm
from support.pairs import PAIRS, encoded, pairs_tokenizer
from support.random_logits import logits
from support.trainings import data_of, rows_of


def test_label_scores_are_sums_over_tokens_in_the_rows_they_are_of() -> None:
    candidates = torch.tensor([[1, 2, -100], [3, -100, -100], [1, 2, 4]])
    of = torch.tensor([0, 2, 2])
    found = logits(9, 5).view(3, 3, 5)
    scores = label_scores(found[candidates.ne(-100)], candidates, of, 3)
    log_p = F.log_softmax(found.float(), dim=-1)
    assert scores[0, 0] == pytest.approx((log_p[0, 0, 1] + log_p[0, 1, 2]).item(), rel=1e-5)
    assert scores[2, 0] == pytest.approx(log_p[1, 0, 3].item(), rel=1e-5)
    assert scores[2, 1] == pytest.approx(
        (log_p[2, 0, 1] + log_p[2, 1, 2] + log_p[2, 2, 4]).item(), rel=1e-5
    )
    assert scores.shape == (3, 2)
    assert torch.isneginf(torch.stack([scores[0, 1], scores[1, 0], scores[1, 1]])).all()
    assert per_sequence(torch.tensor([7.0]), torch.tensor([1]), 2).tolist() == [[-math.inf], [7.0]]


def test_schedules_of_alpha() -> None:
    def alphas(schedule: str, alpha: float = 0.4) -> list[tuple[float, float]]:
        scales = [task_scales(schedule, alpha, step=step, steps=6) for step in range(6)]  # type: ignore[arg-type]
        return [
            (round(label * alpha, 9), round(rationale * (1 - alpha), 9))
            for label, rationale in scales
        ]

    assert alphas("constant") == [(0.4, 0.6)] * 6
    linear = alphas("linear")
    assert (linear[0], linear[-1]) == ((1.0, 0.0), (0.4, 0.6))
    assert all(a[0] > b[0] for a, b in pairwise(linear))
    assert alphas("label_joint_rationale") == [(1.0, 0.0)] * 2 + [(0.4, 0.6)] * 2 + [(0.0, 1.0)] * 2
    for pair in [*linear, *alphas("label_joint_rationale")]:
        assert sum(pair) == pytest.approx(1)
    assert (
        task_scales("constant", 1.0, step=0, steps=1)
        == task_scales("constant", 0.0, step=0, steps=1)
        == (1.0, 1.0)
    )


# fp32 sums in another order: relative 1e-6 of each other, as measured far below.
CLOSE = {"rtol": 1e-5, "atol": 1e-7}


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return pairs_tokenizer()


@pytest.fixture(scope="module")
def model(tokenizer: Any) -> Any:
    return build_model("tiny", load_config("tiny", tokenizer, 0.0), seed=0)


def loss_and_gradient(model: Any, batch: StepBatch) -> tuple[float, list[torch.Tensor]]:
    model.zero_grad()
    total = 0.0
    for part in batch.micro_batches:
        logits = model(
            input_ids=part.input_ids, attention_mask=part.attention_mask, labels=part.labels
        ).logits
        logits = logits[part.labels.ne(IGNORED)]
        loss = multi_task_loss(
            sequence_losses(logits, part.labels), part.task, part.weight, batch.sizes
        )
        loss.backward()
        total += loss.item()
    return total, [parameter.grad.clone() for parameter in model.parameters()]


def collate(examples: list[list[EncodedTarget]], **cut: float) -> StepBatch:
    return Collator(("label", "rationale"), 0, **cut)(examples)


def test_the_loss_is_each_tasks_mean_over_tokens_weighted_by_alpha(
    model: Any, tokenizer: Any
) -> None:
    examples = encoded(PAIRS, tokenizer)
    total, _ = loss_and_gradient(model, collate(examples))
    expected = 0.0
    for task in ("label", "rationale"):
        sums = tokens = 0.0
        for target in (t for example in examples for t in example if t.task == task):
            out = model(
                input_ids=torch.tensor([target.input_ids]), labels=torch.tensor([target.target_ids])
            )
            sums, tokens = (
                sums + out.loss.item() * len(target.target_ids),
                tokens + len(target.target_ids),
            )
        expected += 0.5 * sums / tokens
    assert total == pytest.approx(expected, rel=1e-5)


def test_alpha_one_is_standard_in_loss_and_gradient(model: Any, answered_farm: Farm) -> None:
    data = data_of(answers=answered_farm.folder / "answered", task=str(answered_farm.task))
    one = rows_of(data, method="step_by_step", alpha=1.0, allow_no_rationales=True).pairs
    standard = rows_of(data, method="standard").pairs
    tokenizer = load_tokenizer("tiny", lambda: tokenizer_texts(data))
    model = build_model("tiny", load_config("tiny", tokenizer, 0.0), seed=0)
    found = [
        loss_and_gradient(model, collate(encoded(pairs, tokenizer))) for pairs in (one, standard)
    ]
    assert found[0][0] == found[1][0]
    assert all(torch.equal(a, b) for a, b in zip(found[0][1], found[1][1], strict=True))
    half = rows_of(data, method="step_by_step", alpha=0.5).pairs
    assert loss_and_gradient(model, collate(encoded(half, tokenizer)))[0] != found[0][0]


@pytest.mark.parametrize(
    "cut", [{"max_tokens": 1}, {"max_tokens": 60}, {"pass_cost": 0}, {"pass_cost": 20}]
)
def test_micro_batches_change_nothing(model: Any, tokenizer: Any, cut: dict[str, float]) -> None:
    for examples in (encoded(PAIRS, tokenizer)[:8], encoded(PAIRS, tokenizer)[8:]):
        whole, parts = collate(examples), collate(examples, **cut)
        assert sum(len(part.labels) for part in parts.micro_batches) == sum(map(len, examples))
        assert len(parts.micro_batches) > 1
        (loss, gradient), (loss_of_parts, gradient_of_parts) = (
            loss_and_gradient(model, whole),
            loss_and_gradient(model, parts),
        )
        assert loss_of_parts == pytest.approx(loss, rel=1e-5)
        for a, b in zip(gradient, gradient_of_parts, strict=True):
            torch.testing.assert_close(a, b, **CLOSE)


def test_a_mean_of_means_would_have_been_caught(model: Any, tokenizer: Any) -> None:
    """The trainer's own habit, each micro-batch by its own tokens, differs: the test above can
    fail.
    """
    parts = [collate([example]) for example in encoded(PAIRS, tokenizer)[:8]]
    mean = sum(loss_and_gradient(model, part)[0] for part in parts) / len(parts)
    assert abs(mean - loss_and_gradient(model, collate(encoded(PAIRS, tokenizer)[:8]))[0]) > 0.1


def test_padding_changes_nothing(model: Any, tokenizer: Any) -> None:
    batch = collate(encoded(PAIRS, tokenizer)[:4])
    wider = copy.deepcopy(batch)
    (part,) = wider.micro_batches
    rows = part.input_ids.shape[0]
    object.__setattr__(
        part,
        "input_ids",
        torch.cat([part.input_ids, torch.zeros(rows, 7, dtype=torch.long)], dim=1),
    )
    object.__setattr__(
        part,
        "attention_mask",
        torch.cat([part.attention_mask, torch.zeros(rows, 7, dtype=torch.long)], dim=1),
    )
    object.__setattr__(
        part, "labels", torch.cat([part.labels, torch.full((rows, 5), IGNORED)], dim=1)
    )
    (loss, gradient), (padded_loss, padded_gradient) = (
        loss_and_gradient(model, batch),
        loss_and_gradient(model, wider),
    )
    assert padded_loss == pytest.approx(loss, rel=1e-6)
    for a, b in zip(gradient, padded_gradient, strict=True):
        torch.testing.assert_close(a, b, **CLOSE)


def test_a_rank_without_examples_adds_nothing(model: Any, tokenizer: Any) -> None:
    nothing = collate([])
    assert nothing.sizes.tolist() == [0, 0, 0]
    loss, gradient = loss_and_gradient(model, nothing)
    assert loss == 0
    assert all(not g.any() for g in gradient)
