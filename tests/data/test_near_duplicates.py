"""Near-duplicates between splits: on the published release, whose numbers are known, and on small
cases for each trap.
"""

import sys
from pathlib import Path

import pytest

from dsbs.core.records import Example, Split
from dsbs.data.load import load_data
from dsbs.data.near_duplicates import describe, find_duplicates
from dsbs.tasks.prompts import load_task


def example(name: str, text: str, split: Split = "train") -> Example:
    return Example(name, split, {}, text)


def test_svamp_repeats_105_of_200_bodies_but_for_their_numbers(published: Path) -> None:
    splits = load_data(load_task("svamp"), published).splits
    found = find_duplicates(splits)
    assert found is not None
    assert (found.but_for_numbers, found.test_rows) == (105, 200)
    inputs = {e.id: e.input for rows in splits.values() for e in rows}
    for pair in found.pairs:
        if pair.how == "but_for_numbers":
            bodies = [inputs[part].split("\n")[0] for part in (pair.test, pair.train)]
            masked = [
                "".join(c for c in body if not c.isdigit()).casefold().split() for body in bodies
            ]
            assert masked[0] == masked[1]


def test_near_duplicates_are_those_of_comparing_every_pair(published: Path) -> None:
    splits = load_data(load_task("svamp"), published).splits
    found = find_duplicates(splits)
    assert found is not None

    def words(text: str) -> set[str]:
        import re

        return set(re.findall(r"\w+", re.sub(r"\d+(?:[.,]\d+)*", "0", text.casefold())))

    seen = [words(e.input) for e in splits["train"]]
    near = {
        e.id
        for e in splits["test"]
        if any(len(words(e.input) & s) >= 0.8 * len(words(e.input) | s) for s in seen)
    }
    proposed = {pair.test for pair in found.pairs if pair.how == "near"}
    assert proposed <= near
    assert len(proposed) >= 0.97 * len(near)


def test_digits_of_a_name_are_no_number() -> None:
    train = [example("a", "pump B12 of plant K3"), example("b", "12kg of rice for 3 days")]
    test = [
        example("c", "pump B99 of plant K4", "test"),
        example("d", "15kg of rice for 9 days", "test"),
    ]
    found = find_duplicates({"train": train, "test": test})
    assert found is not None
    assert {pair.test for pair in found.pairs} == {"d"}
    numbers_count = find_duplicates({"train": train, "test": test}, mask_numbers=False)
    assert numbers_count is not None
    assert not numbers_count.pairs


def test_lines_without_numbers_and_short_lines_are_no_templates() -> None:
    train = [
        example("a", "Answer the question below.\n(1) yes"),
        example("b", "Tom has 3 red apples today\nHow many?"),
    ]
    test = [
        example("c", "Answer the question below.\n(2) no", "test"),
        example("d", "Tom has 14 red apples today\nWho?", "test"),
    ]
    found = find_duplicates({"train": train, "test": test})
    assert found is not None
    assert [(p.test, p.train, p.how) for p in found.pairs if p.how == "but_for_numbers"] == [
        ("d", "b", "but_for_numbers")
    ]


def test_the_search_is_left_out_where_it_is_not_wanted_or_not_possible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [example("a", "one two three")]
    assert find_duplicates({"train": rows, "test": rows}, "never") is None
    assert find_duplicates({"train": rows}) is None
    many = [example("a", "one")] * 50_000
    assert find_duplicates({"train": many, "test": rows}, "auto") is None
    monkeypatch.setitem(sys.modules, "datasketch", None)
    found = find_duplicates({"train": rows, "test": rows})
    assert found is not None
    assert found.near is None
    assert describe(found) == [
        "near-duplicates of test inputs were not looked for: pip install datasketch"
    ]


def test_the_count_is_the_same_before_and_after_validation_is_cut(published: Path) -> None:
    loaded = load_data(load_task("svamp"), published)
    before = find_duplicates(loaded.splits)
    after = find_duplicates(loaded.with_validation().splits)
    assert before is not None
    assert after is not None
    assert len(loaded.with_validation().splits["validation"]) == 80
    assert (before.but_for_numbers, before.near) == (after.but_for_numbers, after.near)
    assert sorted(before.tests) == sorted(after.tests)
