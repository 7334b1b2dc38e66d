"""What holds for every text, tried on thousands of them."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsbs.core.records import OUTCOMES, Completion, Example
from dsbs.tasks import equations
from dsbs.tasks.equation_reader import read_equation
from dsbs.tasks.label_keys import key
from dsbs.tasks.labels import match_label, normalize, same_label
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.prompts import demonstrations, load_task, render_answer, render_question
from dsbs.tasks.task import Task
from dsbs.tasks.undress import undress
from support.places import TASKS
from support.strategies import TEXTS

LOADED = {name: load_task(name) for name in TASKS}
CHOICES = ("ice", "ice cream", "river bank", "bank", "the U.S.")
NLI = ("entailment", "neutral", "contradiction")
RATINGS = ("1", "2", "3", "4", "5")

WORDS = st.from_regex(r"[A-Z][a-z]{1,8}( [a-z]{1,8}){1,8}\.", fullmatch=True)
EXPRESSIONS = st.recursive(
    st.integers(0, 9999).map(str),
    lambda part: st.tuples(part, st.sampled_from("+-*/"), part).map(lambda p: f"( {' '.join(p)} )"),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_every_text_ends_in_one_outcome(text: str) -> None:
    for task in LOADED.values():
        example = Example("x", "train", {}, "What?", choices=CHOICES, gold=None)
        for finish in ("stop", "length", None):
            answer = parse_answer(task, example, Completion("x", text, finish))
            assert answer.outcome in OUTCOMES
            assert (answer.label is None) or answer.match != "none"
            assert answer.outcome != "ok" or (answer.label is not None and answer.reason is None)


@settings(max_examples=100, deadline=None)
@given(rationale=WORDS, at=st.integers(0, 4), expression=EXPRESSIONS)
def test_what_is_rendered_is_read_back(rationale: str, at: int, expression: str) -> None:
    """The demonstrations' form around any rationale, label and continuation."""
    for task in LOADED.values():
        shown = demonstrations(task)[0][0]
        label = {"choice": CHOICES[at], "class": NLI[at % 3], "equation": expression}[
            task.label.kind
        ]
        if task.label.kind == "equation" and equations.normalize(label) is None:
            continue  # it divides by zero
        example = Example("x", "train", shown.fields, shown.input, CHOICES)
        text = render_answer(task, example, rationale, label)
        for end in ("", task.prompt.separator + render_question(task, shown), "</s>", "\n"):
            answer = parse_answer(task, example, Completion("x", text + end, "stop"))
            assert (answer.outcome, answer.rationale, answer.label) == ("ok", rationale, label)


def strict_label(task: Task, example: Example, text: str) -> str | None:
    """The label of a text that ends, to the letter, as a demonstration does; None for any other."""
    if task.label.kind == "equation":
        stated = re.search(r"The answer is ([\d .+*/()-]+)\.\Z", text)
        return equations.normalize(stated[1]) if stated else None
    allowed = task.allowed(example.choices)
    ends = {label: render_answer(task, example, "", label).strip() for label in allowed}
    return next((label for label, end in ends.items() if text.endswith(end)), None)


@settings(max_examples=300, deadline=None)
@given(before=TEXTS, at=st.integers(0, 4), expression=EXPRESSIONS, behind=st.just("") | TEXTS)
def test_no_label_is_learned_that_a_strict_reader_reads_differently(
    before: str, at: int, expression: str, behind: str
) -> None:
    read = 0
    for task in LOADED.values():
        kind = task.label.kind
        label = {"choice": CHOICES[at], "class": NLI[at % 3], "equation": expression}[kind]
        example = Example("x", "train", {}, "What?", CHOICES)
        text = before + render_answer(task, example, "It is so.", label) + behind
        strict = strict_label(task, example, text)
        answer = parse_answer(task, example, Completion("x", text, "stop"))
        if strict is not None and answer.outcome == "ok":
            assert same_label(kind, answer.label, strict), (task.name, text)
            read += 1
    assert read or before or behind or equations.normalize(expression) is None


@settings(max_examples=300, deadline=None)
@given(before=TEXTS, at=st.integers(0, 4), behind=st.just("") | TEXTS)
def test_a_plain_answer_is_read_as_any_other_would_be(before: str, at: int, behind: str) -> None:
    for name in ("cqa", "anli1", "esnli"):
        task = LOADED[name]
        label = CHOICES[at] if name == "cqa" else NLI[at % 3]
        example = Example("x", "train", {}, "What?", CHOICES)
        text = before + render_answer(task, example, "It is so.", label) + behind
        fast = parse_answer(task, example, Completion("x", text, "stop"))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("dsbs.tasks.parsing._plain_answer", lambda *unused: None)
            assert parse_answer(task, example, Completion("x", text, "stop")) == fast


@settings(max_examples=500, deadline=None)
@given(TEXTS)
def test_undressing_and_reading_twice_change_nothing(text: str) -> None:
    assert undress(undress(text)) == undress(text)
    for kind, allowed in (("choice", CHOICES), ("class", NLI), ("equation", ()), ("text", ())):
        label = normalize(kind, text, allowed)  # type: ignore[arg-type]
        if label is not None:
            assert normalize(kind, label, allowed) == label  # type: ignore[arg-type]


@settings(max_examples=1000, deadline=None)
@given(TEXTS)
def test_a_label_that_is_learned_stands_in_the_text(text: str) -> None:
    """A strict reader finds the label of an "ok" as a whole word, and no other one beside "or"."""
    found = match_label("class", text, NLI)
    if found.label is not None and found.reason is None:
        words = re.findall(r"[a-z]+", key(text))
        assert found.label in words
        assert not ("or" in words and len({*words} & {*NLI}) > 1)
    found = match_label("class", text, RATINGS)
    if found.label is not None and found.reason is None:
        numbers = re.findall(r"\d+(?:\.\d+)?", text)
        assert float(numbers[0]) == float(found.label)
        assert not re.match(r"\W*\d+[.,:]0*[1-9]", text)


@settings(max_examples=1000, deadline=None)
@given(TEXTS)
def test_an_equation_uses_every_number_of_its_statement(text: str) -> None:
    found = read_equation(text)
    if found.expression is None or "<" in text:  # behind an end token stands nothing
        return
    equations.evaluate(found.expression)
    stated = re.findall(r"\d+", re.split(r"[.!](?:\s|$)|\n|because|=|\(|%", text)[0])
    used = re.findall(r"\d+", found.expression)
    assert not stated or set(stated) <= set(used) or "=" in text


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS)
def test_values_are_those_of_python(expression: str) -> None:
    try:
        expected = eval(expression)  # made here, of digits and signs
    except ZeroDivisionError:
        assert equations.normalize(expression) is None
        return
    if abs(expected) < equations.MAX_VALUE:
        found = equations.normalize(expression)  # None where an intermediate value is too large
        if found is not None:
            assert equations.evaluate(found) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", TASKS)
def test_long_texts_take_no_time(name: str) -> None:
    task = LOADED[name]
    example = Example("x", "train", {}, "What?", choices=CHOICES, gold=None)
    parts = [
        *(
            "{",
            "(",
            "*",
            "**a ",
            "_a ",
            "'",
            '"a',
            "\\boxed{",
            "\\frac{",
            "$1",
            "<",
            "<think>",
            "[",
            "-",
        ),
        *(
            "1 ",
            "1+",
            "a\n",
            "(a) ",
            "or ",
            "ice ",
            "So the answer is ice. ",
            "The answer is 4 ",
            "Answer: ",
        ),
        *('{"label": "a"} ', "answer ", " ", "\n", "`", "~~", "1,000", "Wait, ", "neutral "),
    ]
    started = time.monotonic()
    for part in parts:
        for before in ("", f"{task.answer.marker[0]} "):
            text = before + part * (50_000 // len(part))
            parse_answer(task, example, Completion("x", text, "stop"))
    assert time.monotonic() - started < 0.25 * 2 * len(parts)
