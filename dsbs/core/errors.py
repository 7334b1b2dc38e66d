"""The one exception for what a user can mend. Anything else is a bug and shows its traceback."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class InputError(Exception):
    """Bad input, told in one line: where it is, what was got, what was expected, what to do.

    >>> print(InputError("rows.jsonl:3", got="no column 'label'", expected="columns id, text", fix="rename the column"))
    rows.jsonl:3: got no column 'label'; expected columns id, text; rename the column
    """

    def __init__(self, where: object, *, got: object, expected: object, fix: str) -> None:
        self.where, self.got, self.expected, self.fix = str(where), str(got), str(expected), fix
        super().__init__(
            f"{self.where}: got {self.got}; expected {self.expected}; {self.fix}".replace("\n", " ")
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """ "did you mean 'x'?", or the list of what is known: the last part of an error about an unknown name."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1)
    return (
        f"did you mean {close[0]!r}?" if close else f"choose one of: {', '.join(known) or '(none)'}"
    )


def check_positive(where: str, **sizes: Any) -> None:
    """InputError naming the first argument that is not above 0 everywhere; numbers and arrays."""
    for name, size in sizes.items():
        # Not `size <= 0`, which nan passes.
        if not (size > 0 if isinstance(size, int | float) else (size > 0).all()):
            raise InputError(
                f"{where}: {name}",
                got=size,
                expected="numbers above 0",
                fix="correct that argument",
            )
