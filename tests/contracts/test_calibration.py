"""Which rows a contract may rest on, and why others are left out."""

import pytest

from dsbs.artifacts.results.contract import RowOrigin
from dsbs.contracts.calibration import choose_rows
from dsbs.core.errors import InputError
from dsbs.core.records import Example
from dsbs.tasks.prompts import load_task

ORIGIN = RowOrigin(source="file", found=0)
CLASSES = load_task("esnli")
EQUATIONS = load_task("svamp")


def row(name: str, text: str, group: str | None = None) -> Example:
    fields = {"premise": text, "hypothesis": text, "body": text, "question": text}
    return Example(name, "train", fields, text, group=group)


def measured(start: int) -> list[Example]:
    """Rows that differ in numbers alone."""
    return [
        row(f"{start + at}", f"pressure {7 * at + start} heat {9 * at + start}") for at in range(20)
    ]


def test_every_row_that_is_left_out_is_counted_with_its_reason() -> None:
    seen = [row("a", "one two three four five six", "g"), row("b", "the sea is blue today")]
    candidates = [
        row("c", "nothing of the kind was ever heard", "g"),
        row("d", "six one two three four five"),
        row("e", "a row of a group", "h"),
        row("f", "another row of this group", "h"),
        row("k", "quite new and alone"),
        row("l", "quite new and alone"),
    ]
    chosen = choose_rows(CLASSES, candidates, seen, ORIGIN)
    assert [kept.id for kept in chosen.examples] == ["e", "k"]
    origin = chosen.origin
    assert (origin.found, origin.known_groups) == (6, 1)
    assert (origin.near_duplicates, origin.same_group) == (1, 2)


def test_where_no_row_is_left_the_reasons_are_told() -> None:
    seen = [row("a", "one two three four five six", "g")]
    candidates = [row("b", "six one two three four five"), row("c", "quite new", "g")]
    reasons = "none of 2; out: 1 nearly equal to rows .*, 1 of a group"
    with pytest.raises(InputError, match=reasons):
        choose_rows(CLASSES, candidates, seen, ORIGIN)
    with pytest.raises(InputError, match="none of 0; out: none was found"):
        choose_rows(CLASSES, [], seen, ORIGIN)


def test_numbers_tell_rows_apart_unless_labels_are_equations() -> None:
    assert len(choose_rows(CLASSES, measured(1000), measured(1), ORIGIN).examples) == 20
    with pytest.raises(InputError, match="none of 20; out: 20 nearly equal"):
        choose_rows(EQUATIONS, measured(1000), measured(1), ORIGIN)
