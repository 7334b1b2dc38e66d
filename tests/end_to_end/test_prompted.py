"""Tasks named to the decoder: one encoder pass for all targets of an example changes no loss,
gradient, label or score.
"""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from dsbs import api
from dsbs.artifacts.student_card import read_card
from dsbs.core.errors import InputError
from dsbs.core.records import LABEL, RATIONALE, Target, TrainPair
from dsbs.student.checkpoint import load_student
from dsbs.student.codec import Codec
from dsbs.student.encoding import Encoded, encode_pairs
from dsbs.student.model import build_model, load_config, load_tokenizer
from dsbs.student.predict import predict
from dsbs.student.t5.fused_layers import can_pack, fuse_layers
from dsbs.training.batching import Collator
from dsbs.training.objective import Objective
from support.farm import Farm
from support.trainings import data_of

PREFIXES = {LABEL: "[label] ", RATIONALE: "[rationale] "}
PAIRS = [
    TrainPair(
        str(n),
        "input " + "word " * (n % 5),
        # The third of each three has two rationales, the first none.
        (
            Target(LABEL, f"label {n % 3}", 0.5),
            *[Target(RATIONALE, "because " + "so " * (n + k), 0.3) for k in range(n % 3)],
        ),
    )
    for n in range(11)
]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    texts = [text for pair in PAIRS for text in (pair.input, *(t.text for t in pair.targets))]
    return load_tokenizer("tiny", lambda: [*texts, *PREFIXES.values()])


@pytest.fixture(scope="module")
def model(tokenizer: Any) -> Any:
    """As transformers computes it."""
    from transformers import T5ForConditionalGeneration

    plain = T5ForConditionalGeneration(load_config("tiny", tokenizer, 0.0))
    plain.load_state_dict(
        build_model("tiny", load_config("tiny", tokenizer, 0.0), seed=0).state_dict()
    )
    return plain


def encoded(tokenizer: Any) -> Encoded:
    limits = {"max_input_tokens": 64, "max_target_tokens": 64}
    return encode_pairs(PAIRS, Codec(tokenizer), prefixes=PREFIXES, task_prefix="decoder", **limits)


def plain_loss(model: Any, found: Encoded) -> torch.Tensor:
    """Each sequence in a pass of its own, the prompt behind the start token."""
    total = torch.zeros(())
    sequences = [s for example in found.examples for s in example]
    for s in sequences:
        tokens = sum(len(other.target_ids) for other in sequences if other.task == s.task)
        told = torch.tensor([[0, *s.prompt, *s.target_ids[:-1]]])
        logits = model(input_ids=torch.tensor([s.input_ids]), decoder_input_ids=told).logits[
            0, len(s.prompt) :
        ]
        total = (
            total
            + s.weight
            * torch.nn.functional.cross_entropy(logits, torch.tensor(s.target_ids), reduction="sum")
            / tokens
        )
    return total


@pytest.mark.parametrize(
    ("faster", "cut"),
    [
        (False, {}),
        (False, {"max_tokens": 150}),
        (True, {}),
        (True, {"packs": True}),
        (True, {"packs": True, "max_tokens": 300}),
    ],
)
def test_one_encoder_pass_gives_the_loss_and_gradient_of_separate_ones(
    model: Any, tokenizer: Any, faster: bool, cut: dict[str, Any]
) -> None:
    found = encoded(tokenizer)
    assert all(
        s.prompt and s.input_ids == example[0].input_ids
        for example in found.examples
        for s in example
    )
    model.zero_grad()
    expected = plain_loss(model, found)
    expected.backward()
    ours = fuse_layers(copy.deepcopy(model)) if faster else copy.deepcopy(model)
    if cut.get("packs") and not can_pack(ours):
        pytest.skip("an accelerator has its own attention")
    step = Collator(found.tasks, 0, **cut)(found.examples)
    assert sum(len(batch.input_ids) for batch in step.micro_batches) == len(PAIRS)
    ours.zero_grad()
    passes = Collator(found.tasks, 0, **cut).passes(step.micro_batches)
    loss = torch.stack([Objective().of_pass(ours, batches, step.sizes) for batches in passes]).sum()
    loss.backward()
    torch.testing.assert_close(loss, expected)
    for (name, weight), same in zip(model.named_parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(same.grad, weight.grad, rtol=1e-4, atol=1e-6, msg=name)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Farm, Path]:
    """A farm, and a student of it whose tasks are named to the decoder."""
    farm = Farm(tmp_path_factory.mktemp("prompted"))
    farm.generate()
    out, sizes = (
        farm.folder / "student",
        {"max_steps": 160, "batch_size": 16, "eval_every": 160, "max_target_tokens": 32},
    )
    api.train(answers=farm.folder / "answered", out=out, task_prefix="decoder", **sizes)
    return farm, out


@torch.inference_mode()
def test_labels_and_rationales_are_those_of_generate_and_scores_those_of_plain_passes(
    trained: tuple[Farm, Path],
) -> None:
    from transformers import AutoModelForSeq2SeqLM

    farm, out = trained
    student, plain = (
        load_student(out / "best"),
        AutoModelForSeq2SeqLM.from_pretrained(out / "best").eval(),
    )
    student.model.cpu()
    rows, tokenizer = (
        data_of(answers=farm.folder / "answered").splits["test"],
        student.tokenizer,
    )
    said = predict(student, rows, explain=True, scores=True)
    assert sum(bool(p.correct) for p in said) > len(said) / 2
    assert len({p.label for p in said}) == len({p.rationale for p in said}) == 2
    for row, found in zip(rows, said, strict=True):
        inputs, starts = tokenizer(row.input, return_tensors="pt"), {}
        for task in (LABEL, RATIONALE):
            starts[task] = torch.tensor([[0, *Codec(tokenizer).prompt(PREFIXES[task])]])
            text = plain.generate(
                **inputs, decoder_input_ids=starts[task], max_new_tokens=32, do_sample=False
            )
            told = tokenizer.decode(
                text[0, starts[task].shape[1] :], skip_special_tokens=True
            ).strip()
            assert told == (found.raw if task == LABEL else found.rationale)
        for label, score in (found.scores or {}).items():
            target = tokenizer(text_target=label, return_tensors="pt").input_ids
            logits = plain(
                **inputs, decoder_input_ids=torch.cat([starts[LABEL], target[:, :-1]], dim=1)
            ).logits
            likely = (
                logits[:, starts[LABEL].shape[1] - 1 :]
                .log_softmax(-1)
                .gather(-1, target[..., None])
                .sum()
            )
            assert score == pytest.approx(likely.item(), rel=1e-3, abs=1e-4)


def test_a_card_remembers_and_one_from_before_names_tasks_to_the_encoder(
    trained: tuple[Farm, Path], tmp_path: Path
) -> None:
    path = trained[1] / "best" / "dsbs.json"
    assert read_card(path.parent).task_prefix == "decoder"
    older = json.loads(path.read_text())
    del older["task_prefix"]
    (tmp_path / "dsbs.json").write_text(json.dumps(older))
    card = read_card(tmp_path)
    assert (card.encoder_text(LABEL, "x"), card.decoder_prompt(LABEL)) == ("[label] x", "")


def test_soft_targets_are_refused(trained: tuple[Farm, Path], tmp_path: Path) -> None:
    answers = trained[0].folder / "answered"
    with pytest.raises(InputError, match="--task-prefix"):
        api.train(answers=answers, out=tmp_path / "soft", task_prefix="decoder", soft_weight=0.5)
    with pytest.raises(InputError, match="a teacher whose decoder reads the task's prefix"):
        api.train(
            answers=answers, out=tmp_path / "taught", soft_teacher=trained[1], soft_weight=0.5
        )
