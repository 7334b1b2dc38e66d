"""A student that names the label first stops after it."""

from pathlib import Path

from dsbs import api
from dsbs.student.decode import generate_texts
from support.farm import Farm
from support.soft_training import settings
from support.trainings import data_of


def test_a_label_first_student_stops_after_the_label(two_teachers: Farm, tmp_path: Path) -> None:
    from dsbs.student.checkpoint import load_student
    from dsbs.student.predict import predict

    options = settings(
        two_teachers,
        answers=two_teachers.folder / "first",
        method="label_then_rationale",
        student="tiny",
    )
    api.train(
        **options | {"max_steps": 120, "eval_every": 120, "batch_size": 16}, out=tmp_path / "run"
    )
    student = load_student(tmp_path / "run" / "best", "cpu")
    rows = data_of(answers=[two_teachers.folder / "first"]).splits["train"][:16]
    short, long = predict(student, rows), predict(student, rows, explain=True)
    assert [p.label for p in short] == [p.label for p in long] == [e.gold for e in rows]
    assert all(p.raw.endswith("[rationale]") for p in short)
    assert all(len(p.rationale or "") > 8 for p in long)
    inputs = [student.card.prefixes["label"] + e.input for e in rows]
    limits: dict[str, int] = {"max_input_tokens": 256, "max_new_tokens": 30, "batch_size": 4}
    assert generate_texts(
        student.model, student.tokenizer, inputs, **limits, stop="[rationale]"
    ) == [p.raw for p in short]
