"""What a cell says: text, a number, nothing, or an error that names row and column."""

import datetime
import uuid
from decimal import Decimal
from typing import Any

import pytest

from dsbs.core.errors import InputError
from dsbs.data.values import is_missing, name_of, read_value


@pytest.mark.parametrize(
    "value", [None, float("nan"), "", " \t\n", "\u00a0", "\u200b \ufeff", Decimal("nan")]
)
def test_nothing_is_none_nan_or_empty_text(value: Any) -> None:
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, 0.0, False, "None", "nan", "null", "-1", -1, [], {}])
def test_whatever_else_is_there_is_not_missing(value: Any) -> None:
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("text", "text"),
        (7, 7),
        (1.5, 1.5),
        (True, "true"),
        (False, "false"),
        (Decimal("1.50"), "1.50"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        (datetime.datetime(2024, 1, 2, 3, 4, 5, 600), "2024-01-02T03:04:05.000600"),
        (datetime.time(9, 10), "09:10:00"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("Größe".encode(), "Größe"),
        ("half \ud83d of an emoji", "half \ufffd of an emoji"),
    ],
)
def test_what_has_one_way_to_be_written_is_written_so(value: Any, read: Any) -> None:
    found = read_value(value, "rows.jsonl:1", "text")
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"de": "Spät"}, 'an object {"de": "Spät"}'),
        (["a", None], 'a list ["a", null]'),
        (b"\xff", "bytes that are not UTF-8"),
        (datetime.timedelta(1), "a value of type timedelta"),
        (float("inf"), "infinity"),
        (object(), "a value of type object"),
    ],
)
def test_anything_else_is_refused_with_row_and_column(value: Any, shown: str) -> None:
    with pytest.raises(InputError) as caught:
        read_value(value, "rows.jsonl:3", "text")
    assert str(caught.value).startswith(f"rows.jsonl:3: column 'text': got {shown}; expected text")


def test_the_error_shows_the_template_that_takes_a_part() -> None:
    with pytest.raises(InputError, match=r"\{\{ text\['de'\] \}\}"):
        read_value({"de": "Spät"}, "rows.jsonl:3", "text")


def test_whole_numbers_as_names_have_no_decimals() -> None:
    assert [name_of(value) for value in (1, 1.0, -1.0, 1.5, "1.0")] == [
        "1",
        "1",
        "-1",
        "1.5",
        "1.0",
    ]
