"""The sides of an equation, and the one value that they must have."""

import math
from collections.abc import Sequence

from dsbs.core.records import Reason
from dsbs.tasks.equations import NotAnEquation, value_of

_OPERATORS = frozenset(["+", "-", "*", "/", "^", "**"])


class Refused(Exception):
    """What is read is no equation, for this reason."""

    def __init__(self, reason: Reason | None) -> None:
        self.reason = reason


class Side:
    """What stands on one side of an equals sign."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.depth = 0
        """Brackets that are open."""
        self.complete = False
        """Whether it may end here."""
        self.percent = False
        self.rounded_to: int | None = None
        """Decimals of the last number."""

    @property
    def expression(self) -> str:
        """The tokens as text."""
        return " ".join(self.tokens)

    @property
    def computes(self) -> bool:
        """Whether it is more than a number."""
        return not _OPERATORS.isdisjoint(self.tokens[1:])

    def value(self) -> float:
        """Its value. Raises NotAnEquation where it is not complete."""
        if not self.complete or self.depth:
            raise NotAnEquation("it ends too early")
        return value_of(self.tokens)


def agreed(sides: Sequence[Side]) -> str:
    """The first side that computes something, once all sides have one value.

    Raises:
        Refused: they have not.
        NotAnEquation: one of them has no value.
    """
    if len(sides) > 1 and not sides[-1].tokens:
        sides = sides[:-1]
    value = sides[0].value()
    for side in sides[1:]:
        if not _agrees(value, side.value(), side):
            raise Refused("ambiguous")
    if sides[0].percent and len(sides) > 1:
        raise Refused("ambiguous")
    return next((side for side in sides if side.computes), sides[0]).expression


def _agrees(value: float, stated: float, side: Side) -> bool:
    """Whether a stated value is that of the expression, rounded to the decimals it has."""
    decimals = side.rounded_to or 0
    for one in [stated, stated / 100] if side.percent else [stated]:
        if math.isclose(value, one, rel_tol=1e-9, abs_tol=1e-9):
            return True
        if len(side.tokens) == 1 and decimals and abs(value - one) <= 0.5000001 * 10**-decimals:
            return True
    return False
