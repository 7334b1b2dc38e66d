"""Soft labels in the objective: what must be equal is equal."""

import pytest
import torch
from torch.nn import functional as F

from dsbs.student.candidates import Candidates
from dsbs.student.score import score_labels
from dsbs.training.objective import Objective
from support.farm import Farm
from support.soft_training import CLOSE, loss_and_gradient, model_of, prepared, step


def test_no_soft_weight_is_the_plain_loss(two_teachers: Farm) -> None:
    plain, soft = prepared(two_teachers), prepared(two_teachers, soft_weight=0.5)
    assert not any(t.candidates for example in plain.encoded.examples for t in example)
    assert all(len(example[0].candidates) == 2 for example in soft.encoded.examples)
    model = model_of(plain)
    without = loss_and_gradient(model, Objective(), step(plain))
    with_none = loss_and_gradient(model, Objective(soft_weight=0.0), step(soft))
    assert with_none[0] == pytest.approx(without[0], rel=1e-5)
    for a, b in zip(without[1], with_none[1], strict=True):
        torch.testing.assert_close(a, b, **CLOSE)
    assert loss_and_gradient(model, Objective(soft_weight=0.5), step(soft))[0] != pytest.approx(
        without[0], rel=1e-3
    )


@pytest.mark.parametrize("method", ["standard", "label_then_rationale"])
def test_soft_labels_alone_are_cross_entropy_of_the_scores_that_predicting_uses(
    two_teachers: Farm, method: str
) -> None:
    plan = prepared(two_teachers, soft_weight=1.0, soft_temperature=2.0, method=method)
    model, pairs = model_of(plan), plan.rows.pairs[:10]
    after = "[rationale]" if method == "label_then_rationale" else ""
    rows = [
        Candidates("[label] " + pair.input, tuple(pair.distribution or ()), after=after)
        for pair in pairs
    ]
    scores = score_labels(model, plan.tokenizer, rows, max_input_tokens=256, batch_size=4)
    said = torch.tensor([list(score.values()) for score in scores])
    wanted = (
        torch.tensor([list((pair.distribution or {}).values()) for pair in pairs]) ** 0.5
    )  # at T = 2
    wanted = wanted / wanted.sum(dim=1, keepdim=True)
    expected = 4 * -(wanted * F.log_softmax(said / 2, dim=1)).sum(dim=1).mean()
    loss, gradient = loss_and_gradient(
        model, Objective(soft_weight=1.0, temperature=2.0), step(plan)
    )
    assert loss == pytest.approx(expected.item(), rel=1e-4)
    assert all(g.isfinite().all() for g in gradient)


@pytest.mark.parametrize("size", [1, 150])
@pytest.mark.parametrize("loss_mean", ["tokens", "examples"])
def test_micro_batches_change_nothing_with_soft_labels(
    two_teachers: Farm, size: int, loss_mean: str
) -> None:
    plan = prepared(two_teachers, soft_weight=0.6, soft_temperature=2.0)
    model, objective = model_of(plan), Objective(soft_weight=0.6, temperature=2.0)
    whole = loss_and_gradient(model, objective, step(plan, loss_mean=loss_mean))
    parts = loss_and_gradient(model, objective, step(plan, size, loss_mean=loss_mean))
    assert parts[0] == pytest.approx(whole[0], rel=1e-5)
    for a, b in zip(whole[1], parts[1], strict=True):
        torch.testing.assert_close(a, b, **CLOSE)


def test_normalized_by_examples_every_sequence_counts_alike(two_teachers: Farm) -> None:
    plan = prepared(two_teachers)
    model, total = model_of(plan), 0.0
    found = loss_and_gradient(model, Objective(), step(plan, loss_mean="examples"))[0]
    for task in plan.encoded.tasks:
        targets = [t for example in plan.encoded.examples[:10] for t in example if t.task == task]
        losses = [
            model(
                input_ids=torch.tensor([t.input_ids]), labels=torch.tensor([t.target_ids])
            ).loss.item()
            * t.weight
            for t in targets
        ]
        total += sum(losses) / len(losses)
    assert found == pytest.approx(total, rel=1e-5)
    assert step(plan, loss_mean="examples").sizes.tolist() == [10, 20, 0]
    assert step(plan).sizes[1] > 60
