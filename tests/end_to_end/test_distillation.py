"""Every kind of distillation in one trainer: what must be equal is equal, and what must help helps."""

import json
import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from dsbs import api
from dsbs.core.errors import InputError
from dsbs.student.candidates import Candidates
from dsbs.student.score import score_labels
from dsbs.training.batching import Collator
from dsbs.training.objective import Objective
from dsbs.training.prepare import PreparedTraining, prepare
from dsbs.training.soft_cache import CachedTeacher
from dsbs.training.soft_teacher import WhiteBoxTeacher
from support.farm import Farm
from support.places import ROOT
from support.soft_training import FAST, loss_and_gradient, model_of, prepared, settings, step
from support.training_log import logged
from support.trainings import data_of, settings_of


@pytest.fixture(scope="module")
def larger(two_teachers: Farm) -> Path:
    """A trained larger student, to be a teacher of tokens."""
    out = two_teachers.folder / "larger"
    answers = two_teachers.folder / "first"
    api.train(
        answers=answers, out=out, **FAST | {"max_steps": 60, "eval_every": 60, "batch_size": 16}
    )
    return out


def white_box(plan: PreparedTraining, folder: Path, **options: Any) -> WhiteBoxTeacher:
    return WhiteBoxTeacher([str(folder)], [], **options)


@pytest.mark.parametrize("top_k", [None, 5])
@pytest.mark.parametrize("kind", ["forward", "reverse", "skew", "reverse_skew"])
def test_a_student_that_is_its_teacher_has_nothing_to_learn(
    two_teachers: Farm, larger: Path, kind: Any, top_k: int | None
) -> None:
    from dsbs.student.checkpoint import load_student

    plan = prepared(two_teachers, answers=[two_teachers.folder / "first"])
    model = load_student(larger / "best", "cpu").model
    teacher = white_box(plan, larger, top_k=top_k, temperature=2.0)
    objective = Objective(soft_weight=1.0, temperature=2.0, divergence=kind, soft_teacher=teacher)
    loss, gradient = loss_and_gradient(model, objective, step(plan))
    other, large = loss_and_gradient(model_of(plan), objective, step(plan))
    assert abs(loss) < 1e-2 < other  # half precision keeps three digits
    assert max(g.abs().max() for g in gradient) < 0.05 * max(g.abs().max() for g in large)


def test_what_a_cache_says_is_what_its_teacher_says_also_when_it_was_filled_in_two_goes(
    two_teachers: Farm, larger: Path, tmp_path: Path
) -> None:
    plan = prepared(two_teachers, answers=[two_teachers.folder / "first"])
    sequences = [sequence for example in plan.encoded.examples for sequence in example]
    collator = Collator(plan.encoded.tasks, plan.tokenizer.pad_token_id)
    (batch,) = step(plan, count=7).micro_batches
    for top_k in (None, 4):
        teacher = white_box(plan, larger, top_k=top_k, temperature=3.0)
        cache = CachedTeacher(tmp_path, teacher, sequences)
        limits = {"limit_gb": 1.0, "vocabulary": plan.architecture.vocab_size}
        cache.fill(collator, **limits)
        with sqlite3.connect(cache.path) as database:
            rows = database.execute("SELECT count(*) FROM tokens").fetchone()[0]
            database.execute("DELETE FROM tokens WHERE number % 2 = 0")
        again = CachedTeacher(tmp_path, teacher, sequences)
        again.fill(collator, **limits, rank=0, ranks=2)
        again.fill(collator, **limits, rank=1, ranks=2)
        assert (
            rows == len(sequences) == again._db.execute("SELECT count(*) FROM tokens").fetchone()[0]
        )
        said, kept = teacher(batch), again(batch)
        assert (said.ids is None) == (kept.ids is None) == (top_k is None)
        torch.testing.assert_close(said.log_probs.exp(), kept.log_probs.exp(), rtol=2e-2, atol=1e-4)
        with pytest.raises(InputError, match="--soft-top-k"):
            again.fill(collator, limit_gb=1e-6, vocabulary=plan.architecture.vocab_size)


def test_caching_gives_the_same_training_as_computing_on_the_fly(
    two_teachers: Farm, larger: Path, tmp_path: Path
) -> None:
    soft = {
        "answers": two_teachers.folder / "first",
        "soft_teacher": str(larger),
        "soft_weight": 0.7,
        "soft_temperature": 2.0,
    }
    options = FAST | {"student": "tinier", **soft}
    whole = api.train(**options, out=tmp_path / "whole")
    cached = api.train(**options, soft_cache=tmp_path / "cache", out=tmp_path / "cached")
    for one, two in zip(whole["log"], cached["log"], strict=True):
        assert logged(one) == pytest.approx(logged(two), rel=1e-3)
    assert len(list((tmp_path / "cache").glob("*.sqlite"))) == 1
    api.train(**options, seed=1, soft_cache=tmp_path / "cache", out=tmp_path / "other")
    assert (
        len(list((tmp_path / "cache").glob("*.sqlite"))) == 2
    )  # another seed has another order of rows


def noisy(folder: Path) -> Farm:
    """A farm where a quarter of the gold labels are wrong, in training and test alike."""
    farm = Farm(folder, sounds=12)
    wrong, chance = {"bird": "mammal", "mammal": "bird"}, random.Random(0)
    farm.write(
        [
            {**r, "kind": wrong[r["kind"]] if chance.random() < 0.25 else r["kind"]}
            for r in farm.rows
        ]
    )
    farm.answer()
    farm.generate()
    return farm


def test_loss(run: Path, farm: Farm) -> float:
    """Mean cross-entropy of the test rows' gold labels."""
    from dsbs.student.checkpoint import load_student

    student = load_student(run / "best", "cpu")
    rows = data_of(answers=[farm.folder / "answered"]).splits["test"]
    candidates = [Candidates("[label] " + e.input, ("bird", "mammal")) for e in rows]
    scores = score_labels(
        student.model, student.tokenizer, candidates, max_input_tokens=256, batch_size=64
    )
    return -sum(score[str(e.gold)] for score, e in zip(scores, rows, strict=True)) / len(rows)


test_loss.__test__ = False  # type: ignore[attr-defined]


def test_soft_tokens_of_a_larger_student_lower_a_smaller_ones_test_loss(tmp_path: Path) -> None:
    """Labels are noisy: a student of hard labels learns the noise, one of soft labels how sure one
    can be.
    """
    farm = noisy(tmp_path)
    shared = {
        "answers": farm.folder / "answered",
        "method": "standard",
        "batch_size": 32,
        "dropout": 0.0,
    }
    teacher, hard, soft = (tmp_path / name for name in ("teacher", "hard", "soft"))
    api.train(**shared, max_steps=25, eval_every=25, out=teacher)
    student = shared | {"student": "tinier", "max_steps": 200, "eval_every": 200}
    api.train(**student, out=hard)
    api.train(**student, soft_teacher=teacher, soft_weight=0.9, soft_temperature=2.0, out=soft)
    assert test_loss(soft, farm) < test_loss(hard, farm) - 0.2


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "best" / "model.safetensors")


OPTIONS: dict[str, dict[str, Any]] = {
    "labels": {
        "soft_weight": 0.5,
        "soft_temperature": 2.0,
        "alpha_schedule": "linear",
        "loss_mean": "examples",
    },
    "tokens": {
        "soft_weight": 0.5,
        "soft_temperature": 2.0,
        "soft_divergence": "skew",
        "soft_top_k": 20,
        "rationale_filter": "agree",
    },
}


def by_tokens(farm: Farm, larger: Path) -> dict[str, Any]:
    """A built-in student's vocabulary is that of its answers: those of the larger one."""
    return {"soft_teacher": larger, "answers": [farm.folder / "first"]}


def flags(options: dict[str, Any]) -> list[str]:
    said = {k: ",".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in options.items()}
    return [word for name, value in said.items() for word in (f"--{name.replace('_', '-')}", value)]


@pytest.mark.parametrize("kind", OPTIONS)
def test_two_processes_train_as_one_with_options_on(
    two_teachers: Farm, larger: Path, tmp_path: Path, kind: str
) -> None:
    options = settings(
        two_teachers,
        **OPTIONS[kind],
        batch_size=9,
        data_frac=0.3,
        student="tinier",
        precision="fp32",
    )
    options |= (
        by_tokens(two_teachers, larger) | {"soft_cache": tmp_path / "cache"}
        if kind == "tokens"
        else {}
    )
    one = api.train(**options, out=tmp_path / "one")
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--standalone",
        "-m",
        "dsbs.train",
    ]
    done = subprocess.run(
        [*command, *flags(options), "--out", str(tmp_path / "two")],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-8000:]
    two = api.train(**options, out=tmp_path / "two")
    assert (one["processes"], two["processes"]) == (1, 2)
    for a, b in zip(one["log"], two["log"], strict=True):
        assert logged(a) == pytest.approx(logged(b), rel=1e-3)


@pytest.mark.parametrize("kind", OPTIONS)
def test_accumulating_changes_nothing_with_options_on(
    two_teachers: Farm, larger: Path, tmp_path: Path, kind: str
) -> None:
    options = settings(two_teachers, **OPTIONS[kind], precision="fp32")
    options |= by_tokens(two_teachers, larger) if kind == "tokens" else {}
    logs = [
        api.train(**options, micro_batch_tokens=size, out=tmp_path / str(size))["log"]
        for size in (None, 200)
    ]
    for one, two in zip(*logs, strict=True):
        assert logged(one) == pytest.approx(logged(two), rel=1e-3)


def test_adapters_are_merged_into_what_is_saved(
    two_teachers: Farm, larger: Path, tmp_path: Path
) -> None:
    from dsbs.student.adapters import merged, with_adapters
    from dsbs.student.checkpoint import load_student

    options = settings(two_teachers, student=str(larger / "best"), lora_rank=4)
    trained = api.train(**options, out=tmp_path / "lora")
    assert trained["settings"]["learning_rate"] == 5e-4
    assert trained["trained_parameters"] < 0.2 * trained["parameters"]
    before, after = weights(larger), weights(tmp_path / "lora")
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any("shared" in name or "norm" in name for name in changed)
    assert api.evaluate(run=tmp_path / "lora")["n"] == 8

    model = with_adapters(load_student(larger / "best", "cpu").model, 4, "SEQ_2_SEQ_LM").eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    text = {"input_ids": torch.tensor([[5, 6, 7, 1]]), "labels": torch.tensor([[8, 9, 1]])}
    with torch.no_grad():
        torch.testing.assert_close(
            merged(model)(**text).logits, model(**text).logits, rtol=1e-3, atol=1e-4
        )
        assert not torch.allclose(
            model(**text).logits, load_student(larger / "best", "cpu").model(**text).logits
        )


def test_adapters_interrupted_and_resumed_end_alike(
    two_teachers: Farm, larger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dsbs.training.callbacks import StepCallback

    options = settings(
        two_teachers,
        student=str(larger / "best"),
        lora_rank=4,
        alpha_schedule="label_joint_rationale",
    )
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
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_recomputed_activations_give_the_same_losses(two_teachers: Farm, tmp_path: Path) -> None:
    options = settings(two_teachers, soft_weight=0.5)
    plain = api.train(**options, out=tmp_path / "plain")["log"]
    for one, two in zip(
        plain,
        api.train(**options, gradient_checkpointing=True, out=tmp_path / "again")["log"],
        strict=True,
    ):
        assert logged(one) == pytest.approx(logged(two), rel=1e-4)


def test_a_text_task_is_distilled_from_the_teachers_text(farm: Farm, tmp_path: Path) -> None:
    """Kim and Rush 2016: the teacher's most likely text is the target."""
    text = farm.task.read_text().replace("{kind: class, labels: [bird, mammal]}", "{kind: text}")
    farm.task.write_text(text.replace("{{ label }}.", "{{ label }}"))
    text = farm.answers.read_text().replace("a bird.", "a feathered friend")
    farm.answers.write_text(text.replace("a mammal.", "a mammal with fur"))
    farm.generate()
    options = FAST | {
        "answers": farm.folder / "answered",
        "method": "standard",
        "labels": "teacher",
    }
    data = data_of(**options)
    pairs = prepare(settings_of(data, **options), data).rows.pairs
    targets = {target.text for pair in pairs for target in pair.targets}
    assert targets == {"feathered friend", "mammal with fur"}
    trained = api.train(
        **options | {"max_steps": 60, "eval_every": 60, "batch_size": 16}, out=tmp_path / "run"
    )
    assert trained["best_validation_accuracy"] > 0.5
    with pytest.raises(InputError, match="kind 'text'"):
        api.train(**options, soft_weight=0.5, out=tmp_path / "soft")


def test_soft_targets_that_mean_nothing_are_refused(
    two_teachers: Farm, larger: Path, tmp_path: Path
) -> None:
    one = settings(two_teachers, answers=two_teachers.folder / "first", out=tmp_path / "x")
    with pytest.raises(InputError, match="answers without label distributions"):
        api.train(**one, soft_weight=0.5)
    with pytest.raises(InputError, match="rationale_then_label"):
        api.train(
            **settings(
                two_teachers, soft_weight=0.5, method="rationale_then_label", out=tmp_path / "x"
            )
        )
    with pytest.raises(InputError, match="a teacher of method 'step_by_step'"):
        api.train(**one, soft_weight=0.5, soft_teacher=larger, method="label_then_rationale")
    other = tmp_path / "other"
    Farm(tmp_path, sounds=3).generate(out=tmp_path / "few")
    api.train(**FAST, answers=tmp_path / "few", out=other)
    with pytest.raises(
        InputError, match=r"a vocabulary of .* entries that differs from the student's"
    ):
        api.train(**one, soft_weight=0.5, soft_teacher=other)
    with pytest.raises(InputError, match="--soft-teacher"):
        api.train(**one, soft_weight=0.5, soft_teacher=tmp_path / "nowhere")


def test_adam_in_eight_bits_learns_as_adam_does(two_teachers: Farm, tmp_path: Path) -> None:
    """`bitsandbytes` is only here: every training that finds it imports it, which takes seconds."""
    target = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path / "p"]
    done = subprocess.run([*target, "bitsandbytes>=0.46"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"pip cannot install bitsandbytes: {done.stderr.strip()[-200:]}")
    path = os.pathsep.join([str(tmp_path / "p"), str(ROOT)])
    script = "import json, sys; from dsbs import api; json.dump(api.train(**json.loads(sys.argv[1])), sys.stdout)"
    logs = []
    for optimizer in ("adamw", "adamw_8bit"):
        given = settings(two_teachers, optimizer=optimizer) | {"out": tmp_path / optimizer}
        command = [sys.executable, "-c", script, json.dumps(given, default=str)]
        env = {**os.environ, "PYTHONPATH": path}
        trained = subprocess.run(command, capture_output=True, text=True, env=env)
        assert trained.returncode == 0, trained.stderr
        log = json.loads(trained.stdout)["log"]
        logs.append([entry["loss"] for entry in log if entry["loss"] is not None])
    assert logs[0] != logs[1]
    assert logs[0] == pytest.approx(logs[1], rel=0.05)
    assert logs[1][-1] < logs[1][0]
