"""Every text of a teacher ends in one outcome."""

import random

import pytest

from dsbs.core.records import OUTCOMES, Completion, Example
from dsbs.tasks.parsing import correct_as_published, parse_answer
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
            "label_not_allowed",
            None,
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
        None,
        False,
        True,
    )
    assert both.reason == "ambiguous"
    words = parse_answer(task, example, Completion("x", "Fish. So the answer is (b) lake."))
    assert (words.outcome, words.label, words.reason, words.label_usable) == (
        "label_not_allowed",
        "pond",
        "mismatch",
        False,
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
        text = "".join(rng.choices([*parts, *task.answer.marker, " "], k=rng.randrange(14)))
        for finish in ("length", "stop", None):
            assert parse_answer(task, example, Completion("x", text, finish)).outcome in OUTCOMES


COLD = Example("x", "train", {}, "What is cold?", choices=("fire", "ice", "steam"), gold="ice")


def read(text: str, *, example: Example = COLD, task: str = "cqa", finish: str | None = "stop"):
    answer = parse_answer(load_task(task), example, Completion("x", text, finish))
    return answer.outcome, answer.label, answer.reason


@pytest.mark.parametrize(
    "text",
    [
        "Hot. So the answer is (a) fire. Cold. So the answer is (b) ice.",
        "So the answer is (a) fire.\n\n**Final answer:** (b) ice",
        'So the answer is (a) fire. {"rationale": "Ice is frozen.", "label": "ice"}',
        '{"rationale": "Ice is frozen. So the answer is (a) fire.", "label": "ice"}',
        '{"label": "fire"} {"label": "ice"}',
        '{"label": "fire", "label": "ice"}',
        "Hot: \\boxed{A}. Cold: \\boxed{B}.",
    ],
)
def test_two_different_labels_are_ambiguous(text: str) -> None:
    assert read(text) == ("label_not_allowed", None, "ambiguous")


@pytest.mark.parametrize(
    "text",
    [
        "Cold. So the answer is (b) ice. It is. So the answer is ice.",
        "Cold. The answer is not obvious. So the answer is (b) ice.",
        "Cold. The answer is either fire or ice. So the answer is (b) ice.",
        'It says "the answer is fire", which is hot. So the answer is (b) ice.',
        'Cold. So the answer is (b) ice. {"label": "ice"}',
    ],
)
def test_one_label_however_often_it_is_stated(text: str) -> None:
    assert read(text)[1] == "ice"


def test_a_quotation_of_the_input_is_no_statement() -> None:
    asked = "Tom wrote: the answer is fire. What is cold?"
    example = Example("x", "train", {}, asked, choices=COLD.choices, gold="ice")
    text = "Tom wrote that the answer is fire. That is hot. So the answer is (b) ice."
    assert read(text, example=example) == ("ok", "ice", None)
    assert read(text) == ("label_not_allowed", None, "ambiguous")


def test_a_statement_that_is_taken_back_or_left_open_is_no_label() -> None:
    assert read("So the answer is (b) ice. Hm. So the answer is unclear.")[1] is None
    assert read("So the answer is (b) ice. Wait, that is wrong.")[1:] == (None, "negated")
    assert read("The answer is probably not ice.")[1] is None
    assert read("The options are\n(a) fire\n(b) ice\n(c) steam")[:2] == ("no_label", None)


@pytest.mark.parametrize(
    "text",
    [
        "<think>So the answer is (a) fire.",
        "Sure. <thinking>So the answer is (a) fire.",
        "[THINK]So the answer is (a) fire.",
        "◁think▷So the answer is (a) fire.",
        "<|channel|>analysis<|message|>So the answer is (a) fire.",
        "analysisWe need one. So the answer is (a) fire.",
    ],
)
def test_a_trace_that_does_not_end_is_no_answer(text: str) -> None:
    assert read(text)[:2] == ("no_label", None)
    assert read(text, finish="length")[:2] == ("cut_off", None)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("I’m sorry, but I can’t help with that.", "refused"),
        ("I cannot assist with this request.", "refused"),
        ("I am unable to answer.", "refused"),
        ("Es tut mir leid, dabei kann ich nicht helfen.", "no_label"),
        ("I'm sorry, I can't help. So the answer is none of these.", "label_not_allowed"),
        ("I'm sorry for the delay. So the answer is (b) ice.", "ok"),
    ],
)
def test_refusals(text: str, outcome: str) -> None:
    assert read(text)[0] == outcome


@pytest.mark.parametrize(
    ("task", "text", "outcome"),
    [
        ("cqa", "So the answer is ice", "ok"),
        ("cqa", "So the answer is (b)", "cut_off"),
        ("cqa", "So the answer is", "cut_off"),
        ("cqa", '{"rationale": "Ice is frozen.", "lab', "cut_off"),
        ("svamp", "Sum. The answer is 12", "cut_off"),
        ("svamp", "Sum. The answer is 12.", "cut_off"),
        ("svamp", "Sum. The answer is 12. It", "ok"),
        ("svamp", "Sum. The answer is (12 + 4).", "ok"),
    ],
)
def test_a_label_that_might_go_on_where_the_text_was_cut_is_no_label(
    task: str, text: str, outcome: str
) -> None:
    found = read("It is. " + text if not text.startswith("{") else text, task=task, finish="length")
    assert found[0] == outcome


def test_a_number_that_was_cut_may_have_gone_on() -> None:
    example = Example("x", "train", {}, "", choices=("4", "5"), gold="4")
    assert read("Good. So the answer is 4", example=example, finish="length")[0] == "cut_off"
    assert read("Good. So the answer is 4.", example=example, finish="length")[0] == "cut_off"
    assert read("Good. So the answer is 4. It", example=example, finish="length")[0] == "ok"
    assert read("Good. So the answer is 4", example=example)[0] == "ok"


def test_of_two_options_that_begin_alike_a_cut_text_names_none() -> None:
    example = Example("x", "train", {}, "", choices=("river", "river bank"), gold="river")
    assert read("It is. So the answer is river", example=example, finish="length")[0] == "cut_off"
    assert read("It is. So the answer is river", example=example)[0] == "ok"


def test_the_published_rule_reads_the_last_marker_as_it_is_written() -> None:
    task = load_task("cqa")
    for text, right in [
        ("Hot. So the answer is (a) fire. So the answer is (b) ice.\n\nQ: What", True),
        ("So the answer is either (b) ice or (a) fire.", False),
        ("So, the answer is (b) ice.", False),
        ("So the answer is (b) Ice.", False),
    ]:
        assert correct_as_published(task, COLD, Completion("x", text)) is right, text
