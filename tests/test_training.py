"""Training as arithmetic: equivalences that hold whatever the data, on a tiny T5 without dropout in fp32."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Farm

from dsbs.config.train import TrainConfig
from dsbs.core.records import Target, TrainPair
from dsbs.distillation.training_set import (
    Material,
    load_material,
    tokenizer_texts,
    training_rows,
    validation_rows,
)
from dsbs.student.encoding import EncodedTarget, encode_pairs
from dsbs.student.model import build_model, load_config, load_tokenizer
from dsbs.student.padding import IGNORED, sequence_losses
from dsbs.student.tokenizer import tokenizer_hash, train_tokenizer
from dsbs.training.batching import Collator, StepBatch, StepSampler
from dsbs.training.loss import multi_task_loss

PREFIXES = {"label": "[label] ", "rationale": "[rationale] "}
# fp32 sums in another order: relative 1e-6 of each other, as measured far below.
CLOSE = {"rtol": 1e-5, "atol": 1e-7}

PAIRS = [
    TrainPair(
        str(n), "input " + "word " * (n % 5), (Target("label", f"label {n % 3}", 0.5), *rationale)
    )
    for n, rationale in enumerate(
        [
            (Target("rationale", "because " + "so " * (3 * n), 0.5),) for n in range(4)
        ]  # unequal lengths
        + [()] * 4  # a micro-batch without any rationale
        + [(Target("rationale", "because", 0.5),)] * 3  # a last partial batch
    )
]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    texts = [text for pair in PAIRS for text in (pair.input, *(t.text for t in pair.targets))]
    return load_tokenizer("tiny", lambda: [*texts, *PREFIXES.values()])


@pytest.fixture(scope="module")
def model(tokenizer: Any) -> Any:
    return build_model("tiny", load_config("tiny", tokenizer, 0.0), seed=0)


def encoded(pairs: list[TrainPair], tokenizer: Any) -> list[list[EncodedTarget]]:
    limits = {"max_input_tokens": 64, "max_target_tokens": 64}
    return encode_pairs(pairs, tokenizer, prefixes=PREFIXES, **limits).examples


def loss_and_gradient(model: Any, batch: StepBatch) -> tuple[float, list[torch.Tensor]]:
    model.zero_grad()
    total = 0.0
    for part in batch["micro_batches"]:
        logits = model(
            input_ids=part.input_ids, attention_mask=part.attention_mask, labels=part.labels
        ).logits
        logits = logits[part.labels.ne(IGNORED)]
        loss = multi_task_loss(
            sequence_losses(logits, part.labels), part.task, part.weight, batch["sizes"]
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
    material = load_material(
        TrainConfig(answers=answered_farm.folder / "answered", task=str(answered_farm.task))
    )
    one = training_rows(material, TrainConfig(method="step_by_step", alpha=1.0)).pairs
    standard = training_rows(material, TrainConfig(method="standard")).pairs
    tokenizer = load_tokenizer("tiny", lambda: tokenizer_texts(material))
    model = build_model("tiny", load_config("tiny", tokenizer, 0.0), seed=0)
    found = [
        loss_and_gradient(model, collate(encoded(pairs, tokenizer))) for pairs in (one, standard)
    ]
    assert found[0][0] == found[1][0]
    assert all(torch.equal(a, b) for a, b in zip(found[0][1], found[1][1], strict=True))
    half = training_rows(material, TrainConfig(method="step_by_step", alpha=0.5)).pairs
    assert loss_and_gradient(model, collate(encoded(half, tokenizer)))[0] != found[0][0]


@pytest.mark.parametrize("cut", [{"most": 1}, {"most": 60}, {"worth": 0}, {"worth": 20}])
def test_micro_batches_change_nothing(model: Any, tokenizer: Any, cut: dict[str, float]) -> None:
    for examples in (encoded(PAIRS, tokenizer)[:8], encoded(PAIRS, tokenizer)[8:]):
        whole, parts = collate(examples), collate(examples, **cut)
        assert sum(len(part.labels) for part in parts["micro_batches"]) == sum(map(len, examples))
        assert len(parts["micro_batches"]) > 1
        (loss, gradient), (loss_of_parts, gradient_of_parts) = (
            loss_and_gradient(model, whole),
            loss_and_gradient(model, parts),
        )
        assert loss_of_parts == pytest.approx(loss, rel=1e-5)
        for a, b in zip(gradient, gradient_of_parts, strict=True):
            torch.testing.assert_close(a, b, **CLOSE)


def test_a_mean_of_means_would_have_been_caught(model: Any, tokenizer: Any) -> None:
    """The trainer's own habit, each micro-batch by its own tokens, differs: the test above can fail."""
    parts = [collate([example]) for example in encoded(PAIRS, tokenizer)[:8]]
    mean = sum(loss_and_gradient(model, part)[0] for part in parts) / len(parts)
    assert abs(mean - loss_and_gradient(model, collate(encoded(PAIRS, tokenizer)[:8]))[0]) > 0.1


def test_padding_changes_nothing(model: Any, tokenizer: Any) -> None:
    batch = collate(encoded(PAIRS, tokenizer)[:4])
    wider = copy.deepcopy(batch)
    (part,) = wider["micro_batches"]
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
    assert nothing["sizes"].tolist() == [0, 0, 0]
    loss, gradient = loss_and_gradient(model, nothing)
    assert loss == 0
    assert all(not g.any() for g in gradient)


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


def test_long_texts_are_cut_at_the_limit_with_their_end_token_and_counted(tokenizer: Any) -> None:
    found = encode_pairs(
        PAIRS, tokenizer, prefixes=PREFIXES, max_input_tokens=9, max_target_tokens=6
    )
    targets = [target for example in found.examples for target in example]
    assert max(len(t.input_ids) for t in targets) == 9
    assert max(len(t.target_ids) for t in targets) == 6
    assert all(t.target_ids[-1] == t.input_ids[-1] == tokenizer.eos_token_id for t in targets)
    whole = [target for example in encoded(PAIRS, tokenizer) for target in example]
    assert found.cut_targets == sum(len(t.target_ids) > 6 for t in whole) > 0
    assert found.cut_inputs == sum(len(t.input_ids) > 9 for t in whole) > 0


def test_the_tokenizer_of_tiny_reads_back_every_text_and_gives_digits_their_own_token() -> None:
    made = train_tokenizer(["a label, some words 12", "( 84.0 / 2.0 )"] * 3, 400)
    for text in [
        "( 84.0 / 2.0 )",
        "Ünïcödé 漢字 🙂",
        "tab\tand\nline",
        "31415926535",
        "[label] it's",
    ]:
        assert made.decode(made(text).input_ids, skip_special_tokens=True).strip() == text
    assert len(made("31415", add_special_tokens=False).input_ids) in (5, 6)
    assert tokenizer_hash(made) == tokenizer_hash(
        train_tokenizer(["a label, some words 12", "( 84.0 / 2.0 )"] * 3, 400)
    )
    assert tokenizer_hash(made) != tokenizer_hash(train_tokenizer(["other words"] * 3, 400))


def material_of(farm: Farm, **settings: Any) -> tuple[Material, TrainConfig]:
    config = TrainConfig(answers=farm.folder / "answered", task=str(farm.task), **settings)
    return load_material(config), config


def test_the_tokenizer_sees_the_whole_training_part_and_nothing_of_test(
    answered_farm: Farm,
) -> None:
    material, _ = material_of(answered_farm)
    texts = set(tokenizer_texts(material))
    assert all(example.input in texts for example in material.splits["train"])
    assert not any(
        example.input in texts
        for split in ("validation", "test")
        for example in material.splits[split]
    )


def test_every_method_learns_from_the_same_rows(answered_farm: Farm) -> None:
    for labels in ("gold", "teacher"):
        ids = set()
        for method in ("standard", "step_by_step", "rationale_then_label", "label_then_rationale"):
            material, config = material_of(
                answered_farm, method=method, labels=labels, data_frac=0.5, seed=2
            )
            ids.add(tuple(pair.example_id for pair in training_rows(material, config).pairs))
        assert len(ids) == 1
        assert len(next(iter(ids))) == 32


def test_the_best_checkpoint_is_chosen_by_the_kind_of_label_that_training_uses(farm: Farm) -> None:
    text = farm.answers.read_text()
    farm.answers.write_text(text.replace("a bird", "a reptile"))  # the teacher is unusable on birds
    farm.generate()
    rows = {}
    for labels, select_by in (
        ("gold", "training_labels"),
        ("teacher", "training_labels"),
        ("teacher", "gold"),
    ):
        material, config = material_of(farm, labels=labels, select_by=select_by)
        rows[labels, select_by] = [label for _, label in validation_rows(material, config)]
    assert rows["gold", "training_labels"] == rows["teacher", "gold"]
    assert len(rows["gold", "training_labels"]) == 8
    assert set(rows["teacher", "training_labels"]) == {"mammal"}
    material, config = material_of(farm, eval_max_examples=3)
    subset = validation_rows(material, config)
    assert len(subset) == 3
    assert subset == validation_rows(*material_of(farm, eval_max_examples=3, seed=5, data_frac=0.2))


def test_training_inputs_that_stand_in_test_are_dropped_on_request(farm: Farm) -> None:
    folder = farm.folder / "parts"
    folder.mkdir()
    farm.data.rename(folder / "train.csv")
    (folder / "test.csv").write_text(
        "".join((folder / "train.csv").read_text().splitlines(keepends=True)[:6])
    )
    farm.answers.write_text((farm.answers.read_text()).replace('"all-', '"train-'))
    farm.generate(data=folder)
    kept = training_rows(*material_of(farm))
    dropped = training_rows(*material_of(farm, drop_overlap=True))
    assert (len(kept.pairs), kept.n_dropped_overlap) == (72, 0)
    assert len(dropped.pairs) + dropped.n_dropped_overlap == 72
    assert 0 < dropped.n_dropped_overlap <= 5


def test_fp16_is_refused_with_the_reason(tmp_path: Path, answered_farm: Farm) -> None:
    from dsbs import api

    with pytest.raises(api.InputError, match="overflow"):
        api.train(
            answers=answered_farm.folder / "answered",
            precision="fp16",
            out=tmp_path / "x",
            max_steps=1,
        )
