"""What is printed before a training starts."""

import pytest

from dsbs.training.notices import say_rows
from dsbs.training.prepare import prepare
from support.farm import Farm
from support.trainings import data_of, settings_of


def test_ties_between_teachers_are_counted_and_who_decides_them_is_told(
    two_teachers: Farm, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [two_teachers.folder / name for name in ("second", "first")]
    data = data_of(answers=answers, labels="teacher")
    prepared = prepare(settings_of(data, labels="teacher"), data)
    say_rows(prepared, data)
    told = capsys.readouterr().err
    counts = prepared.rows.counts.teacher_disagreement
    assert counts is not None
    assert (
        f"on {counts.ties} rows their labels tie, and the better teacher decides "
        f"(by their accuracy on 8 validation rows: {answers[1]}, {answers[0]})"
    ) in told
