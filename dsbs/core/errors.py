"""The exception for input that a user can mend. Any other is a bug and shows its traceback."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class InputError(Exception):
    """Bad input as one line: where it is, what was got, what was expected, what to do.

    >>> print(InputError("rows.csv", got="no column 'label'", expected="text, label", fix="add it"))
    rows.csv: got no column 'label'; expected text, label; add it
    """

    def __init__(self, where: object, *, got: object, expected: object, fix: str) -> None:
        self.where = str(where)
        self.got = str(got)
        self.expected = str(expected)
        self.fix = fix
        super().__init__(
            f"{self.where}: got {self.got}; expected {self.expected}; {self.fix}".replace("\n", " ")
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """What an error about an unknown name ends with: "did you mean 'x'?", or all known names."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1)
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
