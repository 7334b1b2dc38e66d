"""Arithmetic written by a model, read safely: a bounded recursive-descent parser, never Python's evaluator.

Grammar: sum = product (("+" | "-") product)*; product = unary (("*" | "/") unary)*; unary = ("+" | "-") unary | power;
power = atom (("^" | "**") unary)?; atom = number | "(" sum ")".
"""

import math
import re
from collections.abc import Callable

MAX_CHARS, MAX_DEPTH, MAX_EXPONENT, MAX_VALUE = 300, 50, 64, 1e15
"""Far beyond any school problem, and small enough that no text can make parsing slow or overflow."""

_TOKEN = re.compile(r"\s*(?:(\d+(?:,\d{3})+(?:\.\d+)?|\d+\.?\d*|\.\d+)|(\*\*|[-+*/^()]))")
_SIGNS = str.maketrans(
    {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "[": "(", "]": ")", "$": " "}
)


class NotAnEquation(ValueError):
    """The text is not arithmetic within the limits."""


def evaluate(text: str) -> float:
    """The value of the expression; raises NotAnEquation for anything else, division by zero and too large included."""
    return _Parser(_tokens(text)).value()


def normalize(text: str) -> str | None:
    """The expression with one space between tokens, "(84 / 2)." -> "( 84 / 2 )"; None if it is not one. Idempotent."""
    try:
        found = _tokens(text.strip().removesuffix("."))
        _Parser(found).value()
        return " ".join(found)
    except NotAnEquation:
        return None


def leading_expression(text: str) -> str | None:
    """The longest expression that the text starts with, normalized: "(3 * 8) + 9 apples" -> "( 3 * 8 ) + 9"."""
    found, _ = _lex(text[:MAX_CHARS])
    for length in range(len(found), 0, -1):
        try:
            _Parser(found[:length]).value()
            return " ".join(found[:length])
        except NotAnEquation:
            continue
    return None


def same_value(left: str, right: str) -> bool:
    """Whether both are equations of the same value, sign included, within rounding of double precision."""
    try:
        return math.isclose(evaluate(left), evaluate(right), rel_tol=1e-9, abs_tol=1e-9)
    except NotAnEquation:
        return False


def last_bracket(text: str) -> str | None:
    """From the first opening to the last closing bracket: how the published code reads an answer."""
    first, last = text.find("("), text.rfind(")")
    return text[first : last + 1] if -1 < first < last else None


def _lex(text: str) -> tuple[list[str], str]:
    """The numbers and operators that the text starts with, and the rest from the first other character on."""
    text, found, at = text.translate(_SIGNS).strip(), [], 0
    while match := _TOKEN.match(text, at):
        found.append(match[1] or match[2])
        at = match.end()
    return found, text[at:].strip()


def _tokens(text: str) -> list[str]:
    if len(text) > MAX_CHARS:
        raise NotAnEquation(f"{len(text)} characters; at most {MAX_CHARS}")
    found, rest = _lex(text)
    if rest:
        raise NotAnEquation(f"unexpected {rest[0]!r}")
    return found


class _Parser:
    """Recursive descent over a token list; every nesting costs depth, so that no text overflows the stack."""

    def __init__(self, found: list[str]) -> None:
        self.tokens, self.at, self.depth = found, 0, 0

    def value(self) -> float:
        result = self._sum()
        if self.at < len(self.tokens):
            raise NotAnEquation(f"unexpected {self.tokens[self.at]!r}")
        return result

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def _nested(self, rule: Callable[[], float]) -> float:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotAnEquation(f"nested deeper than {MAX_DEPTH}")
        result = rule()
        self.depth -= 1
        return result

    def _sum(self) -> float:
        result = self._product()
        while self._peek() in ("+", "-"):
            result = _checked(
                result + self._product() if self._take() == "+" else result - self._product()
            )
        return result

    def _product(self) -> float:
        result = self._unary()
        while self._peek() in ("*", "/"):
            if self._take() == "*":
                result = _checked(result * self._unary())
            else:
                divisor = self._unary()
                if divisor == 0:
                    raise NotAnEquation("division by zero")
                result = _checked(result / divisor)
        return result

    def _unary(self) -> float:
        if self._peek() in ("+", "-"):
            sign = -1.0 if self._take() == "-" else 1.0
            return sign * self._nested(self._unary)
        return self._power()

    def _power(self) -> float:
        base = self._atom()
        if self._peek() in ("^", "**"):
            self._take()
            return _power(base, self._nested(self._unary))
        return base

    def _atom(self) -> float:
        token = self._take()
        if token == "(":
            result = self._nested(self._sum)
            if self._take() != ")":
                raise NotAnEquation("a bracket is not closed")
            return result
        if not token or not (token[0].isdigit() or token[0] == "."):
            raise NotAnEquation(f"unexpected {token!r}" if token else "it ends too early")
        return _checked(float(token.replace(",", "")))


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > MAX_EXPONENT:
        raise NotAnEquation(f"exponent {exponent:g}; at most {MAX_EXPONENT}")
    try:
        result = base**exponent
    except (ZeroDivisionError, OverflowError) as error:
        raise NotAnEquation(str(error)) from None
    if isinstance(result, complex):
        raise NotAnEquation("a root of a negative number")
    return _checked(result)


def _checked(value: float) -> float:
    if not abs(value) <= MAX_VALUE:
        raise NotAnEquation("a number too large")
    return value
