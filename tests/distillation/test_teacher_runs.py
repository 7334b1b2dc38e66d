"""Which of several teachers is the better one: the one whose label counts where labels tie."""

from pathlib import Path

from dsbs.distillation.labeled_data import TrainingData
from support import trainings
from support.farm import ANIMALS, Farm
from support.trainings import data_of


def asked(folder: Path, *names: str) -> TrainingData:
    return data_of(answers=[folder / name for name in names], labels="teacher")


def labels_of_birds(data: TrainingData) -> set[str | None]:
    rows = [e for e in data.splits["train"] if e.fields["animal"] in ANIMALS["bird"]]
    return {data.answers[e.id].label for e in rows}


def test_ties_go_to_the_teacher_that_is_right_more_often_on_validation(two_teachers: Farm) -> None:
    folder = two_teachers.folder
    for names in (("first", "second"), ("second", "first")):
        data = asked(folder, *names)
        assert labels_of_birds(data) == {"bird"}
        assert data.ranking.runs[0].folder == folder / "first"
        assert data.ranking.reason == "by their accuracy on 8 validation rows"
        counts = trainings.rows_of(data, labels="teacher").counts.teacher_disagreement
        assert counts is not None
        assert counts.ties == round(counts.rows * (counts.share or 0)) > 0


def test_a_heavier_teacher_wins_without_a_tie(two_teachers: Farm) -> None:
    answers = [two_teachers.folder / name for name in ("first", "second")]
    data = data_of(answers=answers, labels="teacher", teacher_weights=[1, 2])
    assert labels_of_birds(data) == {"mammal"}
    assert not any(answer.tied for answer in data.answers.values())


def test_where_validation_has_no_gold_labels_the_teacher_that_is_named_first_decides(
    farm: Farm,
) -> None:
    rows = "".join(f"{row['animal']},{row['sound']}\n" for row in farm.rows)
    farm.data.write_text("animal,sound\n" + rows)
    farm.generate(out=farm.folder / "first")
    text = farm.answers.read_text()
    farm.answers.write_text(text.replace("So it is a bird", "So it is a mammal"))
    farm.generate(out=farm.folder / "second")
    for names, label in ((("first", "second"), "bird"), (("second", "first"), "mammal")):
        data = asked(farm.folder, *names)
        assert labels_of_birds(data) == {label}
        assert data.ranking.judged == 0
        assert data.ranking.reason.startswith("as they were named")
