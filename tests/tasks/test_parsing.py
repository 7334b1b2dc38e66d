"""Every text of a teacher ends in one outcome."""

import random

import pytest

from dsbs.core.records import OUTCOMES, Completion, Example
from dsbs.tasks.parsing import parse_answer, split_completion
from dsbs.tasks.prompts import load_task
from support.places import TASKS

ANLI = Example("x", "train", {}, "", gold="entailment")


@pytest.mark.parametrize(
    ("task", "text", "outcome", "label"),
    [
        (
            "anli1",
            "1902 is before 1950. So the answer is entailment.\n\nPremise: The",
            "ok",
            "entailment",
        ),
        ("anli1", "1902 is before 1950. So the answer is Entailment", "ok", "entailment"),
        ("anli1", "So the answer is neutral.", "empty_rationale", "neutral"),
        ("anli1", "1902 is before 1950.", "no_label", None),
        ("anli1", "It is 1902. So the answer is", "no_label", None),
        ("anli1", "It is 1902. So the answer is maybe.", "label_not_allowed", None),
        (
            "anli1",
            "So the answer is neutral. No: it is 1902. So the answer is entailment.",
            "ok",
            "entailment",
        ),
        ("anli1", "I'm sorry, but I can't help with that.", "refused", None),
        ("anli1", "", "no_label", None),
        (
            "esnli",
            "A man cannot be asleep and run.\nAnswer: contradiction\n\nPremise: Two dogs",
            "ok",
            "contradiction",
        ),
        (
            "esnli",
            "A man cannot.\nAnswer: contradiction\nReasonings: A dog is",
            "ok",
            "contradiction",
        ),
        ("esnli", "Premise: Two dogs", "no_label", None),
    ],
)
def test_irregular_answers_end_in_one_outcome(
    task: str, text: str, outcome: str, label: str | None
) -> None:
    answer = parse_answer(load_task(task), ANLI, Completion("x", text))
    assert (answer.outcome, answer.label) == (outcome, label)


def test_an_answer_cut_off_by_the_token_limit_is_called_so() -> None:
    task = load_task("svamp")
    example = Example("x", "train", {}, "")
    cut = Completion("x", "He had 491 - 216. The answer is ((491 - 21", "length")
    assert parse_answer(task, example, cut).outcome == "cut_off"
    assert (
        parse_answer(task, example, Completion("x", "He had 491 -", "length")).outcome == "cut_off"
    )
    whole = Completion("x", "He had 4. The answer is (2 + 2).\n\nQ: There", "length")
    assert parse_answer(task, example, whole).outcome == "ok"
    assert parse_answer(task, example, Completion("x", "", error="timeout")).outcome == "failed"


def test_a_letter_whose_words_are_not_a_choice_scores_but_is_not_learned_from() -> None:
    example = Example("x", "train", {}, "", choices=("aquarium", "pond"), gold="pond")
    task = load_task("cqa")
    both = parse_answer(
        task, example, Completion("x", "Fish. So the answer is either (a) aquarium or (b) pond.")
    )
    assert (both.outcome, both.label, both.label_usable, both.rationale_usable) == (
        "label_not_allowed",
        "aquarium",
        False,
        True,
    )
    only = parse_answer(task, example, Completion("x", "Fish. So the answer is (b)."))
    assert (only.outcome, only.label, only.label_usable) == ("ok", "pond", True)


@pytest.mark.parametrize("name", TASKS)
def test_parsing_never_raises(name: str) -> None:
    task, rng = load_task(name), random.Random(1)
    example = Example("x", "train", {}, "", choices=("a b", "c", "c", "(a)"), gold="c")
    parts = [
        "Q:",
        "A:",
        "So the answer is",
        "The answer is",
        "Answer:",
        "(a)",
        "(",
        ")",
        ".",
        "\n\n",
        "c",
        "7",
        "*",
        "\x00",
        "é",
    ]
    for _ in range(2000):
        text = "".join(rng.choices([*parts, task.answer.marker, " "], k=rng.randrange(14)))
        for finish in ("length", "stop", None):
            assert parse_answer(task, example, Completion("x", text, finish)).outcome in OUTCOMES
        split_completion(task, text)
