"""Prompts test the parser, and the parser the prompts."""

import random
import re

import pytest
from conftest import ROOT

from dsbs.core.errors import InputError
from dsbs.core.records import OUTCOMES, Completion, Example
from dsbs.tasks.parsing import parse_answer, split_completion
from dsbs.tasks.prompts import (
    demonstrations,
    load_task,
    prompt_prefix,
    render_answer,
    render_prompt,
    render_question,
)

TASKS = sorted(path.stem for path in (ROOT / "prompts").glob("*.yaml"))


@pytest.mark.parametrize("name", TASKS)
def test_every_demonstration_parses_back_into_its_rationale_and_label(name: str) -> None:
    task = load_task(name)
    shown = demonstrations(task)
    assert len(shown) >= 7
    for example, rationale, label in shown:
        text = render_answer(task, example, rationale, label)
        for finish in ("stop", None):
            answer = parse_answer(task, example, Completion("x", text, finish))
            assert (answer.outcome, answer.rationale, answer.label) == ("ok", rationale, label)
        run_on = text + task.prompt.separator + render_question(task, example) + text
        answer = parse_answer(task, example, Completion("x", run_on))
        assert (answer.outcome, answer.rationale, answer.label) == ("ok", rationale, label)


@pytest.mark.parametrize("name", TASKS)
def test_demonstrations_are_short_varied_and_not_repeated(name: str) -> None:
    shown = demonstrations(load_task(name))
    assert len({example.input for example, _, _ in shown}) == len(shown)
    for _, rationale, _ in shown:
        assert 5 <= len(rationale.split()) <= 40
        assert 1 <= len(re.findall(r"[.!?](\s|$)", rationale)) <= 2, rationale
    if load_task(name).label.kind == "choice":
        assert len({example.choices.index(label) for example, _, label in shown}) >= 4


@pytest.mark.parametrize("name", TASKS)
def test_generation_stops_where_a_teacher_would_go_on_and_never_inside_an_answer(name: str) -> None:
    task = load_task(name)
    for example, rationale, label in demonstrations(task):
        answer = render_answer(task, example, rationale, label)
        assert not any(stop in answer for stop in task.prompt.stop)
        following = answer + task.prompt.separator + render_question(task, example)
        assert any(stop in following for stop in task.prompt.stop)


def test_the_prompt_is_the_same_bytes_for_every_example_up_to_its_question() -> None:
    task = load_task("cqa")
    prefix = prompt_prefix(task)
    examples = [example for example, _, _ in demonstrations(task)]
    prompts = [render_prompt(task, example, prefix) for example in examples]
    assert all(prompt.startswith(prefix) for prompt in prompts)
    assert prompts[0].removeprefix(prefix) == f"Q: {examples[0].input}\nA:"


def test_the_student_reads_what_the_published_code_gave_it() -> None:
    task = load_task("cqa")
    example = demonstrations(task)[0][0]
    assert example.input == (
        "Where would you keep milk so that it stays fresh for a week?\nAnswer Choices:\n"
        "(a) cupboard\n(b) refrigerator\n(c) windowsill\n(d) oven\n(e) garage"
    )
    assert "</s>" in demonstrations(load_task("anli1"))[0][0].input


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


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("marker: So it is a", "marker: It was"), "demonstration 1"),
        (("kind: class, labels: [bird, mammal]", "kind: class"), "label"),
        (("version: 1", "version: 0"), "version"),
        (("version: 1", "versoin: 1"), "version"),
        (("{{ animal }} {{ sound }}", "{{ beast }}"), "beast"),
        (("{{ animal }}", "{% if %}"), "farm.yaml"),
        (("label: bird}", "label: fish}"), "demonstration 1"),
        (("name: farm", "name: [farm"), "farm.yaml:"),
    ],
)
def test_a_broken_prompt_file_is_told_in_one_line(
    tmp_path, change: tuple[str, str], where: str
) -> None:
    from conftest import FARM

    path = tmp_path / "farm.yaml"
    path.write_text(FARM.replace(*change))
    with pytest.raises(InputError) as caught:
        load_task(str(path))
    assert where in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_template_of_somebody_else_cannot_reach_python(tmp_path) -> None:
    from conftest import FARM

    path = tmp_path / "farm.yaml"
    path.write_text(
        FARM.replace(
            "{{ animal }} {{ sound }}", "{{ animal.__class__.__mro__[1].__subclasses__() }}"
        )
    )
    with pytest.raises(InputError, match="unsafe"):
        load_task(str(path))
