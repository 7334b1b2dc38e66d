"""A part of a row stands in a column or in a template, which never writes Python's notation."""

from typing import Any

import pytest

from dsbs.core.errors import InputError
from dsbs.data.columns import Lacking, columns_of, look_up, near_column

ROW = {
    "text": "Late",
    "n": 3,
    "nothing": None,
    "nan": float("nan"),
    "flag": True,
    "choices": {"label": ["A", "B"], "text": ["fire", "ice"]},
    "annotations": [],
    "spaced name": "x",
}


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("text", "Late"),
        ("spaced name", "x"),
        ("{{ choices.text }}", ["fire", "ice"]),
        ("{{ choices['label'][1] }}", "B"),
        ("{{ n }}", 3),
        ("{{ nothing }}", None),
        ("{{ text }} {{ n }}", "Late 3"),
        ("{{ text }}: {{ flag }}", "Late: true"),
        ("{{ nothing or '' }}{{ text }}", "Late"),
        ("{% if flag %}{{ text }}{% endif %}", "Late"),
        ("{{ 'AB'[n - 2] }}", "B"),
    ],
)
def test_a_column_or_a_template_is_found(spec: str, found: Any) -> None:
    assert look_up(spec, ROW, "rows.jsonl:1") == found


@pytest.mark.parametrize(
    "spec",
    [
        "other",
        "{{ other }}",
        "{{ annotations[0].result }}",
        "{{ choices.other }} {{ text }}",
        "{{ text }} {{ nothing }}",
        "{{ text }} {{ nan }}",
    ],
)
def test_a_part_that_is_not_there_is_lacking(spec: str) -> None:
    with pytest.raises(Lacking):
        look_up(spec, ROW, "rows.jsonl:1")


@pytest.mark.parametrize(
    "spec",
    [
        "{{ text",
        "{{ 1 + text }}",
        "{{ n / 0 }}",
        "x {{ choices }}",
        "{{ text.__class__.__mro__ }}",
        "{% for x in range(10 ** 9) %}{% endfor %}",
    ],
)
def test_a_template_that_cannot_be_filled_in_is_an_error(spec: str) -> None:
    with pytest.raises((InputError, Lacking)):
        look_up(spec, ROW, "rows.jsonl:1")


def test_templates_tell_which_columns_they_use() -> None:
    assert columns_of("{{ 'ABC'[answer | int] }} {{ range(3) }}") == {"answer"}
    assert columns_of("a b") == {"a b"}


@pytest.mark.parametrize(
    ("name", "columns", "near"),
    [
        ("Kind", ["id", "kind"], "kind"),
        ("ID", ["id", "text"], "id"),
        ("gold_label", ["gold label"], "gold label"),
        ("lable", ["label", "text"], "label"),
        ("kind", ["text", "message"], None),
    ],
)
def test_a_misspelled_column_is_recognized(name: str, columns: list[str], near: str | None) -> None:
    assert near_column(name, columns) == near
