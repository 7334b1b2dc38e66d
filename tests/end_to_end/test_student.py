"""Students from end to end: what they learn, how they are read, and what survives an interruption."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from dsbs import api
from dsbs.core.errors import InputError
from dsbs.core.records import METHODS
from dsbs.distillation.labeled_data import TrainingData
from support.command import Cli
from support.disturbed import Started
from support.farm import Farm
from support.training_log import logged
from support.trainings import data_of, settings_of

FAST = {"max_steps": 30, "batch_size": 16, "eval_every": 10, "max_target_tokens": 32}


@pytest.fixture(scope="module")
def trained_farm(tmp_path_factory: pytest.TempPathFactory) -> Farm:
    """A farm with a student that has learned it."""
    made = Farm(tmp_path_factory.mktemp("trained"))
    made.generate()
    api.train(
        answers=made.folder / "answered",
        out=made.folder / "student",
        **FAST | {"max_steps": 160, "eval_every": 160},
    )
    return made


def test_the_chain_from_answers_to_predictions(trained_farm: Farm, cli: Cli) -> None:
    student = trained_farm.folder / "student"
    manifest = json.loads((student / "manifest.json").read_text())
    results = manifest["results"]
    assert results["n_train"] == results["n_fraction"] == results["n_rows"] == 64
    assert results["best_validation_accuracy"] == 1.0
    assert results["validation_rows"] == 8
    assert results["parameters"] < 1_000_000
    assert {path["path"] for path in manifest["outputs"]} >= {
        "best/model.safetensors",
        "best/dsbs.json",
    }
    assert len(list((student / "checkpoints").glob("checkpoint-*"))) == 1
    assert not (student / "best" / "optimizer.pt").exists()

    evaluated = json.loads(cli("evaluate", "--run", student, "--json").stdout)
    assert (evaluated["n"], evaluated["accuracy"], evaluated["unparsable"]) == (
        8,
        evaluated["correct"] / 8,
        0.0,
    )
    assert evaluated["ci95_examples"][0] < evaluated["accuracy"]
    assert evaluated["teacher_accuracy"] == 1.0
    learned = json.loads(cli("evaluate", "--run", student, "--split", "train", "--json").stdout)
    assert (learned["n"], learned["correct"]) == (64, 64)
    assert [row["label"] for row in learned["per_label"]] == ["bird", "mammal"]

    rows = data_of(answers=trained_farm.folder / "answered").splits["train"]
    asked = [next(e for e in rows if e.gold == kind) for kind in ("bird", "mammal")]
    lines = "".join(json.dumps(dict(e.fields)) + "\n" for e in asked)
    told = cli("predict", "--run", student, "--explain", "--scores", stdin=lines)
    first, second = map(json.loads, told.stdout.splitlines())
    assert (first["label"], first["rationale"]) == ("bird", "It has feathers.")
    assert (second["label"], second["rationale"]) == ("mammal", "It has fur.")
    assert first["scores"]["bird"] > first["scores"]["mammal"]
    assert set(
        json.loads(cli("predict", "--run", student, stdin=lines).stdout.splitlines()[0])
    ) == {"id", "label"}


def test_predictions_scored_again_give_the_stored_score(trained_farm: Farm) -> None:
    from dsbs.artifacts.predictions import read_predictions
    from dsbs.artifacts.student_card import read_card
    from dsbs.cli.stage import plain
    from dsbs.evaluation.measure import published_correct, scores
    from dsbs.tasks.prompts import load_task

    for decode in ("generate", "score"):
        stored = api.evaluate(run=trained_farm.folder / "student", decode=decode)
        predictions = read_predictions(
            trained_farm.folder / "student" / f"evaluate-test-{decode}" / "predictions.parquet"
        )
        found = scores(load_task(str(trained_farm.task)), predictions)
        card = read_card(trained_farm.folder / "student" / "best")
        published = published_correct(card, predictions)
        again = plain(found.model_copy(update={"published_correct": published}))
        assert {key: stored[key] for key in again} == again
        assert all(p.correct is not None for p in predictions)
        assert all((p.scores is not None) == (decode == "score") for p in predictions)


def test_our_metrics_are_metrics_of_evaluate(trained_farm: Farm) -> None:
    pytest.importorskip("evaluate")
    from dsbs.artifacts.predictions import read_predictions
    from dsbs.metrics.adapter import LabelAccuracy, LabelMacroF1

    stored = api.evaluate(run=trained_farm.folder / "student")
    rows = read_predictions(
        trained_farm.folder / "student" / "evaluate-test-generate" / "predictions.parquet"
    )
    said, gold = [p.raw for p in rows], [p.gold for p in rows]
    labels = ("bird", "mammal")
    assert (
        LabelAccuracy("class", labels).compute(predictions=said, references=gold)["accuracy"]
        == stored["accuracy"]
    )
    assert (
        LabelMacroF1("class", labels).compute(predictions=said, references=gold)["macro_f1"]
        == stored["macro_f1"]
    )
    half = [*gold[:4], *["bird" if g == "mammal" else "mammal" for g in gold[4:]]]
    found = LabelAccuracy("class", labels).compute(predictions=half, references=gold)
    assert found == {"accuracy": 0.5, "n": 8, "correct": 4, "unparsable": 0.0}
    found = LabelAccuracy("equation").compute(predictions=["2 + 2"], references=["( 4.0 )"])
    assert (found["accuracy"], found["correct"]) == (1.0, 1)
    found = LabelAccuracy("choice").compute(
        predictions=["(b) ice.", "(a)", "cold", ""],
        references=["ice"] * 4,
        choices=[["fire", "ice"]] * 4,
    )
    assert found == {"accuracy": 0.25, "n": 4, "correct": 1, "unparsable": 0.5}


def test_reading_a_student_does_not_depend_on_the_batch(trained_farm: Farm) -> None:
    from dsbs.student.checkpoint import load_student
    from dsbs.student.predict import predict

    material = data_of(answers=trained_farm.folder / "answered")
    student = load_student(trained_farm.folder / "student" / "best")
    rows = [e for split in ("train", "test") for e in material.splits[split]]
    random.Random(0).shuffle(rows)
    alone = predict(student, rows, explain=True, scores=True, batch_size=1)
    together = predict(student, rows, explain=True, scores=True, batch_size=50)
    for a, b in zip(alone, together, strict=True):
        assert (a.example_id, a.raw, a.label, a.rationale) == (
            b.example_id,
            b.raw,
            b.label,
            b.rationale,
        )
        assert a.scores == pytest.approx(b.scores, abs=1e-4)


def real_rows(published: Path, answers: Path, count: int) -> TrainingData:
    """The first rows of CommonsenseQA whose answers are right, to learn by heart: the same in every
    split.
    """
    material = data_of(answers=answers)
    usable = [
        e
        for e in material.splits["train"]
        if (a := material.answers.get(e.id)) and a.outcome == "ok" and a.label == e.gold
    ]
    rows = usable[:count]
    splits = {"train": rows, "validation": rows, "test": rows, "extra": ()}
    return TrainingData(**{**vars(material), "splits": splits, "overlapping": frozenset()})


@pytest.mark.parametrize("method", METHODS)
def test_tiny_learns_32_real_rows_by_heart_with_every_method(
    published: Path, cqa_palm: Path, tmp_path: Path, method: str
) -> None:
    from dsbs.student.checkpoint import load_student
    from dsbs.student.predict import predict
    from dsbs.training.fit import fit

    material = real_rows(published, cqa_palm, 32)
    training = settings_of(
        material, method=method, max_steps=120, batch_size=32, eval_every=120, learning_rate=5e-3
    )
    fit(training, material, tmp_path)
    student = load_student(tmp_path / "best")
    writes = method not in ("standard", "pinto")
    for decode in ("generate", "score"):
        rows = material.explained(material.splits["test"])
        said = predict(student, rows, decode=decode, explain=writes)
        assert [p.label for p in said] == [e.gold for e in material.splits["test"]]
        if writes and decode == "generate":
            right = [
                " ".join((material.answers[e.id].rationale or "").split())
                for e in material.splits["test"]
            ]
            assert [" ".join((p.rationale or "").split()) for p in said] == right


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_killed_and_started_again_ends_in_the_same_weights(
    answered_farm: Farm, tmp_path: Path, cli: Cli
) -> None:
    settings = [
        "--answers",
        answered_farm.folder / "answered",
        "--dropout",
        "0.1",
        "--max-steps",
        "24",
        "--batch-size",
        "16",
    ]
    settings += ["--eval-every", "6", "--max-target-tokens", "32"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert cli("train", *settings, "--out", whole).returncode == 0
    killed = Started(["train", *settings, "--out", parts], parts)
    while not any((parts / "checkpoints").glob("checkpoint-*/SHA256SUMS")) and killed.running:
        time.sleep(0.005)
    killed.signal(signal.SIGKILL)
    assert killed.end().code == -signal.SIGKILL
    assert json.loads((parts / "manifest.json").read_text())["status"] == "started"
    again = cli("train", *settings, "--out", parts)
    assert "going on from" in again.stderr
    first, second = (
        json.loads((run / "manifest.json").read_text())["results"] for run in (whole, parts)
    )
    for name in (
        "best_step",
        "best_validation_accuracy",
        "clipped_share",
        "target_tokens",
        "train_flops",
    ):
        assert first[name] == second[name]
    assert equal(weights(whole / "best"), weights(parts / "best"))
    last = "checkpoints/checkpoint-24"
    assert equal(weights(whole / last), weights(parts / last))
    done = cli("train", *settings, "--out", parts)
    assert done.returncode == 0
    assert "done already" in done.stderr


def test_two_processes_train_as_one(answered_farm: Farm, tmp_path: Path) -> None:
    settings = [
        "--answers",
        answered_farm.folder / "answered",
        "--dropout",
        "0",
        "--max-steps",
        "12",
        "--batch-size",
        "9",
    ]
    settings += [
        "--eval-every",
        "5",
        "--max-target-tokens",
        "32",
        "--data-frac",
        "0.3",
    ]  # 19 rows: steps of 9, 9 and 1
    logs = []
    for processes in (1, 2):
        out = tmp_path / f"run{processes}"
        command = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--nproc-per-node",
            processes,
            "--standalone",
        ]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [*map(str, [*command, "-m", "dsbs.train", *settings, "--out", out])],
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stdout.count("student: ") == 1
        results = json.loads((out / "manifest.json").read_text())["results"]
        assert results["processes"] == processes
        logs.append([log for log in results["log"] if "loss" in log or "eval_accuracy" in log])
    assert len(logs[0]) > 12
    for one, two in zip(*logs, strict=True):
        assert logged(one) == pytest.approx(logged(two), rel=1e-4)
    for name, tensor in weights(tmp_path / "run1" / "checkpoints" / "checkpoint-12").items():
        torch.testing.assert_close(
            tensor,
            weights(tmp_path / "run2" / "checkpoints" / "checkpoint-12")[name],
            rtol=1e-3,
            atol=1e-5,
        )


def test_accumulating_trains_to_the_same_losses(answered_farm: Farm, tmp_path: Path) -> None:
    logs = []
    for size in (None, 300, 1):
        settings: dict[str, Any] = {
            "answers": answered_farm.folder / "answered",
            "dropout": 0.0,
            "data_frac": 0.3,
        }
        settings |= {"max_steps": 10, "batch_size": 8, "eval_every": 5, "micro_batch_tokens": size}
        logs.append(api.train(**settings, out=tmp_path / str(size))["log"])
    for other in logs[1:]:
        for one, two in zip(logs[0], other, strict=True):
            assert logged(one) == pytest.approx(logged(two), rel=1e-4)


def test_another_configuration_in_the_folder_is_an_error(trained_farm: Farm) -> None:
    before = weights(trained_farm.folder / "student" / "best")
    settings = FAST | {"max_steps": 160, "eval_every": 160, "seed": 1}
    with pytest.raises(InputError, match=r"seed 1 \(was 0\)"):
        api.train(
            answers=trained_farm.folder / "answered",
            out=trained_farm.folder / "student",
            **settings,
        )
    with pytest.raises(InputError, match="a run of train, where a run of generate is"):
        api.train(
            answers=trained_farm.folder / "answered", out=trained_farm.folder / "answered", **FAST
        )
    assert equal(before, weights(trained_farm.folder / "student" / "best"))


def test_answers_of_another_task_are_refused(trained_farm: Farm, cqa_palm: Path) -> None:
    with pytest.raises(InputError, match="answers of task 'cqa'; expected answers of the student"):
        api.evaluate(run=trained_farm.folder / "student", answers=cqa_palm)


def test_scores_and_rationales_are_refused_where_there_are_none(
    trained_farm: Farm, tmp_path: Path, published: Path
) -> None:
    settings = FAST | {"max_steps": 1, "method": "standard"}
    api.train(answers=trained_farm.folder / "answered", out=tmp_path / "standard", **settings)
    with pytest.raises(InputError, match="--explain"):
        api.predict(run=tmp_path / "standard", input=str(trained_farm.data), explain=True)
    api.generate(task="svamp", data=published, out=tmp_path / "svamp", max_rows=40)
    with pytest.raises(InputError, match="kind 'equation'"):
        api.train(answers=tmp_path / "svamp", decode="score", out=tmp_path / "s", max_steps=1)
    rows = [
        {"id": i["id"], "label": i["label"]}
        for i in api.predict(run=tmp_path / "standard", input=str(trained_farm.data))
    ]
    assert len(rows) == 80


def test_without_gold_labels_agreement_is_measured_and_not_called_accuracy(
    farm: Farm, tmp_path: Path
) -> None:
    farm.data.write_text(
        "animal,sound\n" + "".join(f"{r['animal']},{r['sound']}\n" for r in farm.rows)
    )
    farm.generate()
    with pytest.raises(InputError, match="no row with such a label"):
        api.train(
            answers=farm.folder / "answered", labels="gold", out=tmp_path / "gold", max_steps=1
        )
    api.train(answers=farm.folder / "answered", labels="teacher", out=tmp_path / "run", **FAST)
    results = api.evaluate(run=tmp_path / "run")
    assert results["accuracy"] is None
    assert 0 <= results["teacher_agreement"] <= 1
    assert results["teacher_accuracy"] is None


def test_a_saved_folder_is_a_student_to_start_from(trained_farm: Farm, tmp_path: Path) -> None:
    settings = {
        "answers": trained_farm.folder / "answered",
        "student": str(trained_farm.folder / "student" / "best"),
    }
    results = api.train(
        **settings, max_steps=1, batch_size=8, learning_rate=1e-9, out=tmp_path / "again"
    )
    assert results["best_validation_accuracy"] == 1.0
    with pytest.raises(InputError, match="built-in: tiny"):
        api.train(
            answers=trained_farm.folder / "answered", student=str(tmp_path), out=tmp_path / "none"
        )
