"""Scores of labels of different lengths: what a student that has learned nothing makes of them."""

import random

import pytest

from dsbs.artifacts.student_card import StudentCard, TrainingFacts
from dsbs.core.records import Example
from dsbs.student.checkpoint import Student
from dsbs.student.model import build_model, load_config
from dsbs.student.predict import predict
from dsbs.tasks.prompts import load_task
from support.words import WORDS

ROWS = 40


@pytest.fixture(scope="module")
def student(tokenizer) -> Student:
    """Random weights: every token is about as likely as any other, whatever the input."""
    card = StudentCard(
        task=load_task("quickstart"),
        method="standard",
        prefixes={"label": "[label] ", "rationale": "[rationale] "},
        max_input_tokens=64,
        max_target_tokens=32,
        max_label_tokens=8,
        training=TrainingFacts(
            student="tiny", method="standard", labels="gold", data_frac=1, seed=0, selected_by="-"
        ),
    )
    model = build_model("tiny", load_config("tiny", tokenizer, 0.0), seed=0)
    return Student(model.eval(), tokenizer, card)


@pytest.fixture(scope="module")
def rows() -> list[Example]:
    """Questions with options of one to four words, in a random order."""
    draw = random.Random(0)
    words = sorted({word for text in WORDS for word in text.split() if word.isalpha()})

    def options() -> tuple[str, ...]:
        found = [" ".join(draw.sample(words, count)) for count in (1, 2, 3, 4)]
        draw.shuffle(found)
        return tuple(found)

    asked = [" ".join(draw.sample(words, 6)) for _ in range(ROWS)]
    return [
        Example(str(at), "test", {"question": text}, text, choices=options())
        for at, text in enumerate(asked)
    ]


def shortest(student: Student, options: tuple[str, ...]) -> set[str]:
    """The options of the fewest tokens."""
    lengths = {text: len(student.tokenizer(text).input_ids) for text in options}
    return {text for text, length in lengths.items() if length == min(lengths.values())}


def share_of_shortest(student: Student, rows: list[Example], norm) -> float:
    predictions = predict(student, rows, decode="score", score_norm=norm)
    hits = [
        p.label in shortest(student, row.choices) for p, row in zip(predictions, rows, strict=True)
    ]
    return sum(hits) / len(hits)


def test_by_the_sum_an_untrained_student_picks_a_shortest_option_and_else_not(student, rows):
    assert share_of_shortest(student, rows, "sum") == 1.0
    assert share_of_shortest(student, rows, "mean") < 0.7
    assert share_of_shortest(student, rows, "prior") < 0.7


def test_the_norms_are_what_they_are_called(student, rows):
    """mean: the sum per token with the end token; prior: minus the sum after an empty input."""

    def scores(rows: list[Example], norm) -> list[dict[str, float]]:
        return [p.scores or {} for p in predict(student, rows, decode="score", score_norm=norm)]

    empty = [Example(row.id, "test", {}, "", choices=row.choices) for row in rows]
    every = zip(
        *(scores(rows, n) for n in ("sum", "mean", "prior")), scores(empty, "sum"), strict=True
    )
    for total, mean, prior, unasked in every:
        for text, value in total.items():
            length = len(student.tokenizer(text_target=text).input_ids)
            assert mean[text] == pytest.approx(value / length, rel=1e-4)
            assert prior[text] == pytest.approx(value - unasked[text], abs=1e-3)


def test_the_norm_of_the_card_is_used(student, rows):
    own = Student(
        student.model, student.tokenizer, student.card.model_copy(update={"score_norm": "mean"})
    )
    by_card = [p.scores for p in predict(own, rows, decode="score")]
    assert by_card == [p.scores for p in predict(own, rows, decode="score", score_norm="mean")]
    assert by_card != [p.scores for p in predict(student, rows, decode="score")]
