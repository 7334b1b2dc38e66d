"""Rows of like length together: little padding, any memory."""

import numpy as np

from dsbs.student.length_groups import padded_tokens, split_by_length
from support.lengths import lengths, share_of_padding


def test_groups_are_cut_where_it_pays_and_until_they_fit() -> None:
    rows = lengths(64)
    assert len(split_by_length(rows)) == 1
    for limits in (
        {"max_tokens": 600.0},
        {"min_saved": 100.0},
        {"min_saved": 0.0},
        {"max_tokens": 1.0},
    ):
        groups = split_by_length(rows, **limits)
        assert sorted(np.concatenate(groups).tolist()) == list(range(64))
        if "max_tokens" in limits:
            assert all(
                padded_tokens(rows[group]) <= limits["max_tokens"] or len(group) == 1
                for group in groups
            )
    before, after = (
        share_of_padding(rows, split_by_length(rows, min_saved=worth)) for worth in (np.inf, 30)
    )
    assert after < 0.1 < before
    alike = np.array([[10, 5]] * 32 + [[50, 5]] * 32)
    assert [len(group) for group in split_by_length(alike, min_saved=0)] == [32, 32], (
        "one cut removes all padding"
    )
