"""Gold labels: what is none, what is one, and what could be two."""

from typing import Any

import pytest

from dsbs.core.errors import InputError
from dsbs.data.choices import Options
from dsbs.data.gold import read_gold
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Columns, LabelForm, Task

CHOICE = load_task("cqa")
CLASS = load_task("anli1")
NLI = ("entailment", "neutral", "contradiction")


def gold(
    task: Task,
    value: Any,
    *,
    options: Options = Options(),  # noqa: B008 - it is immutable
    names: tuple[str, ...] = (),
    spec: str = "answer",
) -> str | None:
    columns = Columns(fields={"x": "x"}, gold=spec, gold_names=names)
    return read_gold(task, columns, options, {"answer": value}, "rows.jsonl:1")


def labeled(kind: str, labels: tuple[str, ...] = ()) -> Task:
    return CLASS.model_copy(update={"label": LabelForm(kind=kind, labels=labels)})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [None, float("nan"), "", "  ", []])
def test_missing_labels_are_no_labels(value: Any) -> None:
    assert gold(CLASS, value) is None
    assert gold(labeled("text"), value) is None


@pytest.mark.parametrize("value", [-1, -1.0, "-1"])
def test_minus_one_is_no_label_only_where_integers_have_names(value: Any) -> None:
    assert gold(CLASS, value, names=NLI) is None
    assert gold(labeled("text"), value) == "-1"
    assert gold(labeled("equation"), value) in ("-1", "- 1")
    assert gold(labeled("class", ("-1", "0", "1")), value) == "-1"
    with pytest.raises(InputError, match="got label '-1'"):
        gold(CLASS, value)


@pytest.mark.parametrize("value", [1, 1.0, "1", " 1 ", ["neutral"], "neutral", "Neutral"])
def test_integers_names_and_lists_of_one_are_the_same_label(value: Any) -> None:
    assert gold(CLASS, value, names=NLI) == "neutral"


@pytest.mark.parametrize("value", [3, -2, "7", 1.5, "²", ["neutral", "entailment"], {"label": 1}])
def test_what_names_no_label_is_an_error(value: Any) -> None:
    with pytest.raises(InputError, match=r"rows.jsonl:1"):
        gold(CLASS, value, names=NLI)


def test_true_and_yes_are_two_texts() -> None:
    assert gold(labeled("class", ("true", "false")), True) == "true"
    with pytest.raises(InputError, match="got label 'true'; expected one of yes, no"):
        gold(labeled("class", ("yes", "no")), True)


NUMBERS = ("1", "2", "3", "4")
WORDS = ("fire", "ice", "steam")


@pytest.mark.parametrize("value", [0, 1, 2, 4, 2.0])
@pytest.mark.parametrize("texts", [NUMBERS, WORDS])
def test_a_whole_number_may_count_options_and_is_refused(
    value: Any, texts: tuple[str, ...]
) -> None:
    if value > len(texts):
        return
    with pytest.raises(InputError, match=r"gold_names: \[A, B, C, D\].*\{\{ answer \}\}"):
        gold(CHOICE, value, options=Options(texts))


def test_a_csv_cannot_say_whether_digits_are_text() -> None:
    with pytest.raises(InputError, match="the number of an option or its text"):
        gold(CHOICE, "2", options=Options(NUMBERS, typed=False))
    assert gold(CHOICE, "2", options=Options(NUMBERS)) == "2"
    assert gold(CHOICE, "41", options=Options(("40", "41"), typed=False)) == "41"


def test_every_way_out_of_the_error_works() -> None:
    letters = ("A", "B", "C", "D")
    assert gold(CHOICE, 2, options=Options(NUMBERS), names=letters) == "3"
    assert gold(CHOICE, 2, options=Options(NUMBERS), names=("-", *letters)) == "2"
    assert gold(CHOICE, 2, options=Options(NUMBERS), spec="{{ answer }}") == "2"
    assert gold(CHOICE, -1, options=Options(NUMBERS), names=letters) is None
    assert gold(CHOICE, 2, options=Options(("Java", "C", "Go")), names=letters) == "Go"


def test_a_row_that_names_its_options_is_believed() -> None:
    arc = Options(("2", "4", "6"), ("1", "2", "3"))
    assert gold(CHOICE, "2", options=arc) == "4"
    assert gold(CHOICE, 2, options=arc) == "4"
    assert gold(CHOICE, "B", options=Options(WORDS, ("A", "B", "C"))) == "ice"


def test_text_comes_before_letters() -> None:
    assert gold(CHOICE, "a", options=Options(("O", "AB", "A", "B"))) == "A"
    assert gold(CHOICE, "B", options=Options(WORDS)) == "ice"
    assert gold(CHOICE, "ICE", options=Options(WORDS)) == "ice"


def test_templates_reach_into_a_row() -> None:
    export = [{"result": [{"value": {"choices": ["neutral"]}}]}]
    spec = "{{ answer[0].result[0].value.choices }}"
    assert gold(CLASS, export, spec=spec) == "neutral"
    assert gold(CLASS, [], spec=spec) is None
