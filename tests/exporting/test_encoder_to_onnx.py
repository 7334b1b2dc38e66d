"""Encoders in ONNX Runtime give the scores of their students."""

from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from dsbs.artifacts.student_card import StudentCard, read_card
from dsbs.runtimes.loaded import load
from dsbs.runtimes.open import open_predictor
from dsbs.student.candidates import Candidates
from dsbs.tasks.prompts import load_task
from support.farm import Farm
from support.pairs import pairs_tokenizer
from support.random_students import card_of

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def save_encoder(farm: Farm, folder: Path, **changes: Any) -> StudentCard:
    """A random encoder with classes, or with one score per option."""
    from dsbs.student.checkpoint import Student, save_student
    from dsbs.student.encoder.family import ENCODER
    from dsbs.student.model import build_model, load_config

    card = card_of(farm, folder, family="encoder", method="standard", **changes)
    tokenizer: Any = pairs_tokenizer()
    config = load_config("tiny-bert", tokenizer, 0.0)
    ENCODER.configure(config, card.task)
    folder.mkdir(parents=True)
    model: Any = build_model("tiny-bert", config, seed=0)
    for weights in model.parameters():
        if weights.dim() == 2:
            weights.data *= 10  # so that scores differ by more than rounding
    save_student(Student(model, tokenizer, card), folder)
    return card


@pytest.mark.parametrize("target", ["onnx", "hf"])
def test_an_encoder_with_classes_is_exported_with_the_same_labels(
    tmp_path: Path, target: str
) -> None:
    farm = Farm(tmp_path, sounds=2)
    save_encoder(farm, tmp_path / "student")
    out = tmp_path / "export"
    found = api.export(run=tmp_path / "student", to=target, out=out, latency_repeats=0)
    assert found["status"] == "done"
    assert found["parity"]["flips"] == 0
    assert found["parity"]["rows"] == len(farm.rows)
    assert found["parity"]["max_score_difference"] < 1e-3
    rows = [{"animal": row["animal"], "sound": row["sound"]} for row in farm.rows]
    before = load(tmp_path / "student").probabilities(rows)
    for ours, theirs in zip(load(out).probabilities(rows), before, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-3)


def test_an_encoder_scores_the_options_of_each_row_as_its_student_does(tmp_path: Path) -> None:
    from dsbs.config.export import ExportConfig
    from dsbs.core.checksums import write_checksums
    from dsbs.exporting.encoder_to_onnx import convert
    from dsbs.exporting.export import card_of as export_card
    from dsbs.exporting.targets import ROUTES

    student = tmp_path / "student"
    card = save_encoder(Farm(tmp_path, sounds=1), student, task=load_task("cqa"))
    out = tmp_path / "export"
    out.mkdir()
    convert(student, card, out, "none")
    config = ExportConfig(run=student, to="onnx")
    export_card(student, read_card(student), config, ROUTES["encoder", "onnx"]).write(out)
    write_checksums(out)
    rows = [
        Candidates("input word</s>because", ("label 0", "label 1", "so so")),
        Candidates("word " * 60, ("label 2", "word")),
        Candidates("", ("input", "because", "input")),
    ]
    read = {"prompt": "", "batch_size": 2, "on_batch": lambda count: None}
    before = open_predictor(student).score(rows, **read)
    after = open_predictor(out).score(rows, **read)
    for ours, theirs in zip(after, before, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-3)
    assert len({round(score, 2) for scores in after for score in scores.values()}) > 3
