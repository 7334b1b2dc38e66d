"""Arithmetic that a model or a person wrote, read and evaluated within bounds.

Python's own parser reads it; only numbers, brackets and the operators + - * / ** are evaluated.
"""

import ast
import math
import operator
import re
from collections.abc import Callable

MAX_CHARS = 300
MAX_DEPTH = 50
MAX_EXPONENT = 64
MAX_VALUE = 1e15
"""Far beyond any school problem. Within them no text makes parsing slow or overflows."""

SIGNS = str.maketrans(
    {
        **dict.fromkeys("×·∗⋅•", "*"),
        "÷": "/",
        **dict.fromkeys("−–", "-"),
        "[": "(",
        "]": ")",
        **dict.fromkeys("$€£¥₹°", " "),
    }
)
NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+\.?\d*|\.\d+"
_STRICT = re.compile(rf"\s*(?:({NUMBER})|(\*\*|[-+*/^()]))")

_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


class NotAnEquation(ValueError):
    """The text is not arithmetic within the limits."""


def evaluate(text: str) -> float:
    """The value of an expression.

    Raises:
        NotAnEquation: The text is anything else, divides by zero, or exceeds the limits.
    """
    return value_of(_tokens(text))


def normalize(text: str) -> str | None:
    """The expression with one space between tokens; None if the text is none. Idempotent.

    >>> normalize("(84 / 2).")
    '( 84 / 2 )'
    """
    try:
        tokens = _tokens(text.rstrip(". \n"))
        value_of(tokens)
    except NotAnEquation:
        return None
    return " ".join(tokens)


def same_value(left: str, right: str) -> bool:
    """Whether both are expressions of one value, with its sign, within rounding of doubles."""
    try:
        return math.isclose(evaluate(left), evaluate(right), rel_tol=1e-9, abs_tol=1e-9)
    except NotAnEquation:
        return False


def last_bracket(text: str) -> str | None:
    """From the first opening to the last closing bracket, as the published code reads an answer."""
    first = text.find("(")
    last = text.rfind(")")
    return text[first : last + 1] if -1 < first < last else None


def _tokens(text: str) -> list[str]:
    if len(text) > MAX_CHARS:
        raise NotAnEquation(f"{len(text)} characters; at most {MAX_CHARS}")
    text = text.translate(SIGNS).strip()
    tokens = []
    at = 0
    while match := _STRICT.match(text, at):
        tokens.append(match[1] or match[2])
        at = match.end()
    if rest := text[at:].strip():
        raise NotAnEquation(f"unexpected {rest[0]!r}")
    return tokens


def value_of(tokens: list[str]) -> float:
    """The value of an expression given as numbers, operators and brackets."""
    if tokens.count("(") > MAX_DEPTH:  # even if they are not nested, it is no school problem
        raise NotAnEquation(f"more than {MAX_DEPTH} brackets")
    source = " ".join(tokens).replace(",", "").replace("^", "**")
    try:
        tree = ast.parse(source, mode="eval")
        return _evaluated(tree.body, MAX_DEPTH * 2)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        raise NotAnEquation(str(error)) from None


def _evaluated(node: ast.expr, depth: int) -> float:
    if depth == 0:
        raise NotAnEquation("nested too deeply")
    match node:
        case ast.Constant(value=int() | float() as number):
            return _bounded(float(number))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluated(operand, depth - 1)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _evaluated(operand, depth - 1)
        case ast.BinOp(op=sign, left=left, right=right) if type(sign) in _OPERATORS:
            right_value = _evaluated(right, depth - 1)
            if isinstance(sign, ast.Pow) and abs(right_value) > MAX_EXPONENT:
                raise NotAnEquation(f"exponent {right_value:g}; at most {MAX_EXPONENT}")
            left_value = _evaluated(left, depth - 1)
            return _bounded(_OPERATORS[type(sign)](left_value, right_value))
    raise NotAnEquation("no arithmetic")


def _bounded(value: float) -> float:
    if isinstance(value, complex):
        raise NotAnEquation("a root of a negative number")
    if not abs(value) <= MAX_VALUE:
        raise NotAnEquation("a number too large")
    return value
