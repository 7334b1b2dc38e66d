"""Options of a row in the layouts of hubs and files."""

from typing import Any

import pytest

from dsbs.core.errors import InputError
from dsbs.data.choices import Options, read_choices
from dsbs.data.columns import Lacking

TWO = ("fire", "ice")


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        (["fire", "ice"], ()),
        ({"label": ["A", "B"], "text": ["fire", "ice"]}, ("A", "B")),
        ({"text": ["fire", "ice"]}, ()),
        ([{"label": "A", "text": "fire"}, {"label": "B", "text": "ice"}], ("A", "B")),
        ([{"text": "fire"}, {"text": "ice"}], ()),
        ({"A": "fire", "B": "ice"}, ("A", "B")),
        ('["fire", "ice"]', ()),
        ("['fire', 'ice']", ()),
        ("{'label': ['A', 'B'], 'text': ['fire', 'ice']}", ("A", "B")),
    ],
)
def test_every_known_layout_gives_the_same_options(cell: Any, labels: tuple[str, ...]) -> None:
    found = read_choices("choices", {"choices": cell}, "rows.jsonl:1")
    assert (found.texts, found.labels, found.typed) == (TWO, labels, not isinstance(cell, str))


def test_options_stand_in_columns_of_their_own_or_in_a_template() -> None:
    row = {"one": "fire", "two": "ice", "q": {"choices": {"text": ["fire", "ice"]}}}
    assert read_choices(("one", "two"), row, "rows.csv:2").texts == TWO
    assert read_choices("{{ q.choices.text }}", row, "rows.csv:2").texts == TWO
    assert read_choices(None, row, "rows.csv:2") == Options()


@pytest.mark.parametrize(
    "cell",
    [
        "fire, ice",
        "['fire' 'ice']",
        "['fire' 'ice', 'steam']",
        "[fire, ice]",
        ["fire"],
        [],
        {},
        {"label": ["A"], "text": ["fire", "ice"]},
        {"B": "fire", "C": "ice"},
        [["fire"], ["ice"]],
        7,
        "__import__('os')",
        "[" * 10_000,
    ],
)
def test_anything_else_is_refused_as_it_is(cell: Any) -> None:
    with pytest.raises(InputError, match="column 'choices'"):
        read_choices("choices", {"choices": cell}, "rows.jsonl:1")


@pytest.mark.parametrize("cell", [None, "", float("nan"), ["fire", None], '["fire", ""]'])
def test_a_missing_option_makes_the_row_incomplete(cell: Any) -> None:
    with pytest.raises(Lacking):
        read_choices("choices", {"choices": cell}, "rows.jsonl:1")
