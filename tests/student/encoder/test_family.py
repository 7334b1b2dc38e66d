"""Encoder students in miniature: loss, gradient and scores are those of plain passes."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch.nn import functional as F
from transformers import AutoModelForSequenceClassification

from dsbs.core.errors import InputError
from dsbs.core.records import METHODS, Target, TrainPair
from dsbs.student.encoder.family import ENCODER
from dsbs.student.encoder.scores import score_options
from dsbs.student.encoding import Encoded
from dsbs.student.model import build_model, load_config
from dsbs.student.score import Candidates
from dsbs.tasks.labels import LabelKind
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task
from dsbs.training.objective import Objective
from support.farm import Farm
from support.pairs import PREFIXES, pairs_tokenizer
from support.steps import step_loss

CLOSE: dict[str, float] = {"rtol": 1e-4, "atol": 1e-6}
OPTIONS = [("label 0", "label 1"), ("because", "so so", "word"), ("input", "label 2")]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return pairs_tokenizer()


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Task]:
    task = load_task(str(Farm(tmp_path_factory.mktemp("kinds")).task))
    kinds = {kind: task.label.model_copy(update={"kind": kind}) for kind in get_args(LabelKind)}
    return {kind: task.model_copy(update={"label": label}) for kind, label in kinds.items()}


def pairs(kind: str, *, soft: bool) -> tuple[list[TrainPair], dict[str, tuple[str, ...]]]:
    """Nine pairs, the first of them without a distribution, and their options."""
    found, options = [], {}
    for n in range(9):
        own = OPTIONS[n % 3] if kind == "choice" else ("bird", "mammal")
        label = own[n % len(own)]
        shares = {label: 0.75, own[(n + 1) % len(own)]: 0.25} if soft and n else None
        text = "input " + "word " * (n % 5)
        found.append(TrainPair(str(n), text, (Target("label", label),), shares))
        options[str(n)] = own
    return found, options


def prepared(
    kind: str, tokenizer: Any, tasks: dict[str, Task], *, soft: bool = False
) -> tuple[Any, Any, Encoded]:
    """A model, the same weights for plain transformers, and encoded pairs."""
    config = load_config("tiny-bert", tokenizer, 0.0)
    ENCODER.configure(config, tasks[kind])
    model = build_model("tiny-bert", config, seed=0)
    plain = AutoModelForSequenceClassification.from_config(config)
    plain.load_state_dict(model.state_dict())
    made, options = pairs(kind, soft=soft)
    encoded = ENCODER.encode(
        made,
        ENCODER.codec(tokenizer, config),
        options=options,
        max_input_tokens=64,
        prefixes=PREFIXES,
    )
    return model, plain, encoded


def scores_by_hand(plain: Any, sequence: Any) -> torch.Tensor:
    """(L,), from one pass per text without padding."""
    texts = sequence.options or (sequence.input_ids,)
    logits = [plain(torch.tensor([ids])).logits[0] for ids in texts]
    return torch.cat(logits)


@pytest.mark.parametrize("kind", ["class", "choice"])
@pytest.mark.parametrize("soft_weight", [0.0, 0.6])
@pytest.mark.parametrize("cut", [{}, {"max_tokens": 40}, {"pass_cost": 0}])
def test_loss_and_gradient_are_those_of_cross_entropy_by_hand(
    kind: str,
    soft_weight: float,
    cut: dict[str, float],
    tokenizer: Any,
    tasks: dict[str, Task],
) -> None:
    model, plain, found = prepared(kind, tokenizer, tasks, soft=soft_weight > 0)
    hard, soft = torch.zeros(()), torch.zeros(())
    for (sequence,) in found.examples:
        log_q = scores_by_hand(plain, sequence).log_softmax(-1)
        shares = torch.tensor(sequence.probabilities)
        weight = 1 - soft_weight if len(shares) else 1.0
        hard = hard - weight * log_q[sequence.target_ids[0]] / 9
        soft = soft - ((shares * log_q).sum() / 8 if len(shares) else 0)
    expected = hard + soft_weight * soft
    expected.backward()
    loss = step_loss(ENCODER, model, found, Objective(soft_weight=soft_weight), **cut)
    torch.testing.assert_close(loss, expected.detach(), **CLOSE)
    for (name, weight), same in zip(plain.named_parameters(), model.parameters(), strict=True):
        if weight.grad is not None:
            torch.testing.assert_close(same.grad, weight.grad, **CLOSE, msg=name)


@pytest.mark.parametrize("kind", ["class", "choice"])
def test_padding_changes_nothing(kind: str, tokenizer: Any, tasks: dict[str, Task]) -> None:
    model, _, found = prepared(kind, tokenizer, tasks)
    batch = ENCODER.micro_batch(found.examples, found.tasks, 0)
    wider = replace(
        batch,
        input_ids=F.pad(batch.input_ids, (0, 9), value=5),
        attention_mask=F.pad(batch.attention_mask, (0, 9)),
    )
    logits = [ENCODER.pass_logits(model, model, [one]).targets for one in (batch, wider)]
    torch.testing.assert_close(logits[0], logits[1], **CLOSE)


@pytest.mark.parametrize("kind", ["class", "choice"])
def test_predicted_scores_are_the_log_probabilities_that_are_trained(
    kind: str, tokenizer: Any, tasks: dict[str, Task]
) -> None:
    model, plain, found = prepared(kind, tokenizer, tasks)
    made, options = pairs(kind, soft=False)
    rows = [Candidates(pair.input, options[pair.example_id]) for pair in made]
    scores = score_options(model.eval(), tokenizer, rows, max_input_tokens=64, batch_size=4)
    for (sequence,), row, score in zip(found.examples, rows, scores, strict=True):
        expected = scores_by_hand(plain.eval(), sequence).log_softmax(-1).tolist()
        assert [score[label] for label in row.labels] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", ["class", "choice"])
def test_a_saved_model_loads_in_plain_transformers(
    kind: str, tokenizer: Any, tasks: dict[str, Task], tmp_path: Path
) -> None:
    model, _, found = prepared(kind, tokenizer, tasks)
    model.eval().save_pretrained(tmp_path)
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    batch = ENCODER.micro_batch(found.examples, found.tasks, 0)
    logits = [ENCODER.pass_logits(one, one, [batch]).targets for one in (model, loaded)]
    torch.testing.assert_close(logits[0], logits[1])
    assert loaded.config.num_labels == (2 if kind == "class" else 1)


def test_what_it_cannot_learn_is_refused_with_the_way_out(tasks: dict[str, Task]) -> None:
    for kind in ("equation", "text"):
        with pytest.raises(InputError, match=f"task of kind '{kind}'.*a student that writes text"):
            ENCODER.check(tasks[kind], "standard")
    for method in METHODS:
        if method == "standard":
            ENCODER.check(tasks["class"], method)
            continue
        with pytest.raises(InputError, match=f"--method {method}.*writes no rationale.*standard"):
            ENCODER.check(tasks["choice"], method)
