"""The exception for input that a user can mend. Any other is a bug and shows its traceback."""

import reprlib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from dsbs.core.known_secrets import printable
from dsbs.core.redaction import public_addresses

_MOST_CHARS = 2000
"""Characters of each part of an error."""
_MOST_BITS = 10_000
"""Of a whole number that is written out. Python refuses longer ones."""


class InputError(Exception):
    """Bad input as one line: where it is, what was got, what was expected, what to do.

    Secrets are hidden, control characters removed and long texts cut.

    >>> print(InputError("rows.csv", got="no column 'label'", expected="text, label", fix="add it"))
    rows.csv: got no column 'label'; expected text, label; add it
    """

    def __init__(self, where: object, *, got: object, expected: object, fix: str) -> None:
        self.where = one_line(where)
        self.got = one_line(got)
        self.expected = one_line(expected)
        self.fix = one_line(fix)
        super().__init__(f"{self.where}: got {self.got}; expected {self.expected}; {self.fix}")


def one_line(value: object) -> str:
    """The text of a value for a message: on one line, cut, without secrets."""
    text = str(value)
    if len(text) > _MOST_CHARS:
        text = f"{text[:_MOST_CHARS]}..."
    return printable(public_addresses(text)).replace("\n", " ")


class _Brief(reprlib.Repr):
    """Cuts values before it formats them: long texts, many items, deep ones."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.maxstring = most
        self.maxother = most
        self.maxlong = most

    def repr_int(self, x: int, level: int) -> str:
        """A whole number, or how long it is."""
        bits = x.bit_length()
        return super().repr_int(x, level) if bits < _MOST_BITS else f"a number of {bits:,} bits"


def brief(value: object, most: int = 80) -> str:
    """A value as Python writes it, at most so many characters. It is cut before it is formatted.

    >>> brief("a" * 10**6, most=9)
    "'aa...aa'"
    """
    return _Brief(most).repr(value)[:most]


def nearest(name: str, known: Iterable[str]) -> str:
    """What an error about an unknown name ends with: "did you mean 'x'?", or all known names."""
    known = sorted(known)
    close = get_close_matches(name[:_MOST_CHARS], known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"choose one of: {', '.join(known) or '(none)'}"


def check_positive(where: str, **sizes: Any) -> None:
    """Raise InputError for the first number or array that is not above 0 everywhere."""
    for name, size in sizes.items():
        # Not `size <= 0`, which nan passes.
        if not (size > 0 if isinstance(size, int | float) else (size > 0).all()):
            raise InputError(
                f"{where}: {name}",
                got=size,
                expected="numbers above 0",
                fix="correct that argument",
            )
