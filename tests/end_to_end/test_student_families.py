"""Decoder-only and encoder students from answers to predictions, and as plain transformers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from dsbs import api
from dsbs.artifacts.student_card import read_card
from dsbs.core.errors import InputError
from dsbs.core.records import LABEL, METHODS, RATIONALE
from dsbs.training.callbacks import StepCallback
from support.farm import Farm
from support.trainings import data_of

FAST: dict[str, Any] = {
    "max_steps": 6,
    "batch_size": 8,
    "eval_every": 3,
    "max_input_tokens": 64,
    "max_target_tokens": 32,
}
LEARNED: dict[str, Any] = FAST | {"max_steps": 150, "eval_every": 150, "batch_size": 16}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Farm:
    """A farm with a decoder-only student that has learned it."""
    farm = Farm(tmp_path_factory.mktemp("decoder"))
    farm.generate()
    api.train(
        answers=farm.folder / "answered",
        student="tiny-gemma",
        out=farm.folder / "student",
        **LEARNED,
    )
    return farm


@torch.inference_mode()
def test_a_trained_decoder_gives_the_same_texts_in_plain_transformers(trained: Farm) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from dsbs.student.checkpoint import load_student
    from dsbs.student.predict import predict

    best = trained.folder / "student" / "best"
    card = read_card(best)
    assert (card.family, card.task_prefix) == ("decoder-only", "decoder")
    rows = data_of(answers=trained.folder / "answered").splits["test"]
    told = predict(load_student(best, "cpu"), rows, explain=True, scores=True)
    assert sum(bool(p.correct) for p in told) > len(told) / 2
    model = AutoModelForCausalLM.from_pretrained(best, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(best)
    for row, found in zip(rows, told, strict=True):
        for task, text in ((LABEL, found.raw), (RATIONALE, found.rationale)):
            # As docs/training.md tells: input, a newline and the marker.
            ids = tokenizer(row.input).input_ids
            ids = ids[:-1] if ids[-1] == tokenizer.eos_token_id else ids
            marker = "\n" + card.prefixes[task].strip()
            ids += tokenizer(marker, add_special_tokens=False).input_ids
            out = model.generate(torch.tensor([ids]), max_new_tokens=32)
            assert tokenizer.decode(out[0, len(ids) :], skip_special_tokens=True).strip() == text
        assert max(found.scores or {}, key=(found.scores or {}).__getitem__) == found.label


def test_a_decoder_is_measured_and_asked(trained: Farm) -> None:
    run = trained.folder / "student"
    generated = api.evaluate(run=run)
    scored = api.evaluate(run=run, decode="score")
    assert (generated["n"], scored["n"]) == (8, 8)
    assert generated["correct"] == scored["correct"]
    manifest = api.train(
        answers=trained.folder / "answered", student="tiny-gemma", out=run, **LEARNED
    )
    assert manifest["train_flops"] > 0


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "best" / "model.safetensors")


@pytest.mark.parametrize("student", ["tiny-qwen", "tiny-bert"])
def test_interrupted_and_resumed_ends_in_the_same_weights(
    two_teachers: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, student: str
) -> None:
    method = "standard" if student == "tiny-bert" else "step_by_step"
    answers = [two_teachers.folder / "first", two_teachers.folder / "second"]
    options = FAST | {"answers": answers, "student": student, "method": method, "soft_weight": 0.5}
    api.train(**options, out=tmp_path / "whole")
    ended = StepCallback.on_step_end

    def stop(self: Any, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == 4:
            raise KeyboardInterrupt
        ended(self, args, state, control, **more)

    with monkeypatch.context() as patch:
        patch.setattr(StepCallback, "on_step_end", stop)
        with pytest.raises(KeyboardInterrupt):
            api.train(**options, out=tmp_path / "parts")
    api.train(**options, out=tmp_path / "parts")
    whole = weights(tmp_path / "whole")
    parts = weights(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_adapters_checkpointing_and_soft_tokens_train_a_decoder(
    trained: Farm, tmp_path: Path
) -> None:
    shared = FAST | {
        "answers": trained.folder / "answered",
        "student": str(trained.folder / "student" / "best"),
    }
    plain = api.train(**shared, out=tmp_path / "plain")
    recomputed = api.train(**shared, gradient_checkpointing=True, out=tmp_path / "recomputed")
    losses = [
        [entry["loss"] for entry in run["log"] if entry["loss"] is not None]
        for run in (plain, recomputed)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    adapted = api.train(**shared, lora_rank=2, gradient_checkpointing=True, out=tmp_path / "lora")
    assert adapted["trained_parameters"] < adapted["parameters"]
    soft = {"soft_teacher": str(trained.folder / "student"), "soft_weight": 0.5, "soft_top_k": 8}
    cached = api.train(**shared, **soft, soft_cache=tmp_path / "cache", out=tmp_path / "cached")
    direct = api.train(**shared, **soft, out=tmp_path / "direct")
    assert [e["loss"] for e in cached["log"]] == pytest.approx([e["loss"] for e in direct["log"]])


@pytest.mark.parametrize("method", METHODS)
def test_a_decoder_is_trained_and_read_by_every_method(
    two_teachers: Farm, tmp_path: Path, method: str
) -> None:
    answers = [two_teachers.folder / "first", two_teachers.folder / "second"]
    options = FAST | {"answers": answers, "student": "tiny-llama", "method": method}
    soft = 0.0 if method == "rationale_then_label" else 0.5
    trained = api.train(**options | {"max_steps": 3}, soft_weight=soft, out=tmp_path)
    assert all(entry["loss"] > 0 for entry in trained["log"] if entry["loss"] is not None)
    for decode in ("generate", "score"):
        assert api.evaluate(run=tmp_path, decode=decode)["n"] == 8


def test_an_encoder_learns_labels_is_measured_asked_and_plain(
    answered_farm: Farm, tmp_path: Path
) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from dsbs.student.checkpoint import load_student
    from dsbs.student.predict import predict

    options = LEARNED | {"answers": answered_farm.folder / "answered", "student": "tiny-bert"}
    with pytest.raises(InputError, match="--method step_by_step: got an encoder"):
        api.train(**options, out=tmp_path / "refused")
    api.train(**options, method="standard", out=tmp_path / "run")
    evaluated = api.evaluate(run=tmp_path / "run")
    assert (evaluated["decode"], evaluated["n"]) == ("score", 8)
    assert evaluated["correct"] > 4
    with pytest.raises(InputError, match="--decode: got generate for an encoder"):
        api.evaluate(run=tmp_path / "run", decode="generate")
    adapted = api.train(
        **options | {"max_steps": 3}, method="standard", lora_rank=2, out=tmp_path / "lora"
    )
    assert adapted["trained_parameters"] < adapted["parameters"]
    best = tmp_path / "run" / "best"
    rows = data_of(answers=answered_farm.folder / "answered").splits["test"]
    model = AutoModelForSequenceClassification.from_pretrained(best).eval()
    tokenizer = AutoTokenizer.from_pretrained(best)
    for row, found in zip(rows, predict(load_student(best, "cpu"), rows), strict=True):
        logits = model(**tokenizer(row.input, return_tensors="pt")).logits[0]
        assert model.config.id2label[int(logits.argmax())] == found.label


def test_students_of_all_families_are_compared(answered_farm: Farm, tmp_path: Path) -> None:
    found = api.compare(
        answers=answered_farm.folder / "answered",
        out=tmp_path,
        student="tiny,tiny-llama,tiny-bert",
        methods="standard",
        **FAST | {"max_steps": 3},
    )
    assert found["status"] == "done"
    students = [c["student"] for c in found["cells"] if not c["method"].startswith("baseline:")]
    assert students == ["tiny", "tiny-llama", "tiny-bert"]
    assert all(cell["status"] == "done" and cell["score"]["n"] == 8 for cell in found["cells"])
