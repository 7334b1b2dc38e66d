"""Rows of like length together: little padding, any memory."""

import numpy as np

from dsbs.student.length_groups import padded_tokens, split_alike, split_evenly
from support.lengths import lengths, share_of_padding


def test_groups_are_cut_where_it_pays_and_until_they_fit() -> None:
    rows = lengths(64)
    assert len(split_alike(rows)) == 1
    for limits in ({"most": 600.0}, {"worth": 100.0}, {"worth": 0.0}, {"most": 1.0}):
        groups = split_alike(rows, **limits)
        assert sorted(np.concatenate(groups).tolist()) == list(range(64))
        if "most" in limits:
            assert all(
                padded_tokens(rows[group]) <= limits["most"] or len(group) == 1 for group in groups
            )
    before, after = (
        share_of_padding(rows, split_alike(rows, worth=worth)) for worth in (np.inf, 30)
    )
    assert after < 0.1 < before
    alike = np.array([[10, 5]] * 32 + [[50, 5]] * 32)
    assert [len(group) for group in split_alike(alike, worth=0)] == [32, 32], (
        "one cut removes all padding"
    )
    assert sorted(map(len, split_evenly(rows, 7))) == [1] + [7] * 9
