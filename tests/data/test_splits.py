"""How rows are cut into splits and fractions."""

import itertools
import random
from collections import Counter

import numpy as np
import pytest

from dsbs.data.splits import cut_80_10_10, cut_validation, occurrences, take_fraction


def test_the_validation_cut_is_that_of_datasets() -> None:
    datasets = pytest.importorskip("datasets")
    for n in (11, 800, 9741):
        split = datasets.Dataset.from_dict({"row": list(range(n))}).train_test_split(
            test_size=0.1, seed=0
        )
        assert np.flatnonzero(cut_validation(range(n))).tolist() == sorted(split["test"]["row"])


def test_rows_without_splits_are_cut_80_10_10_by_seed() -> None:
    cut = cut_80_10_10(range(1000))
    assert [cut.count(split) for split in ("train", "validation", "test")] == [800, 100, 100]
    assert cut == cut_80_10_10(range(1000))
    assert cut != cut_80_10_10(range(1000), seed=1)


def test_appending_rows_moves_no_old_row() -> None:
    for n in (7, 10, 95, 1000):
        assert cut_80_10_10(range(n + 53))[:n] == cut_80_10_10(range(n))


def test_rows_of_one_group_stay_together() -> None:
    groups = [row % 37 for row in range(1000)]
    cut = cut_80_10_10(groups)
    assert all(
        len({split for split, g in zip(cut, groups, strict=True) if g == group}) == 1
        for group in range(37)
    )
    assert {"train", "validation", "test"} <= set(cut)
    held = cut_validation(groups, grouped=True)
    assert all(
        len({h for h, g in zip(held, groups, strict=True) if g == group}) == 1
        for group in range(37)
    )
    assert 0 < sum(held) < 300


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_fractions_are_nested_and_rounded(seed: int) -> None:
    rows = list(range(8766))
    taken = [take_fraction(rows, frac, seed) for frac in (0.125, 0.25, 0.5, 0.75, 1.0)]
    assert [len(t) for t in taken] == [1096, 2192, 4383, 6574, 8766]
    for smaller, larger in itertools.pairwise(taken):
        assert larger[: len(smaller)] == smaller
    assert sorted(taken[-1]) == rows
    assert taken[0] != take_fraction(rows, 0.125, seed + 1)


def test_units_are_counted_and_cut_alike_as_texts_and_as_numbers() -> None:
    units = [random.Random(row).randrange(50) for row in range(400)]
    seen: Counter[int] = Counter()
    for unit, before in zip(units, occurrences(units), strict=True):
        assert before == seen[unit]
        seen[unit] += 1
    assert cut_80_10_10(units) == cut_80_10_10([f"unit {unit}" for unit in units])
    assert cut_80_10_10([]) == []
    assert occurrences([]).tolist() == []
