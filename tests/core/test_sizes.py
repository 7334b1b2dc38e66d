"""Sizes as people write them."""

import pytest

from dsbs.core.sizes import parse_size, show_size

SIZES = {
    "7B": 7e9,
    "770M": 770e6,
    "2.2e8": 2.2e8,
    "10k": 1e4,
    "1_000": 1e3,
    " 1.5 b": 1.5e9,
    "3T": 3e12,
    "0.07B": 7e7,
}


@pytest.mark.parametrize("text", SIZES)
def test_sizes_read_as_people_write_them(text: str) -> None:
    assert parse_size(text) == SIZES[text]
    assert parse_size(show_size(SIZES[text])) == SIZES[text]


@pytest.mark.parametrize(
    "text", ["0", "-7B", "7X", "B", "", "nan", "inf", "1e400", "7 B B", "seven"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a number above 0"):
        parse_size(text)
