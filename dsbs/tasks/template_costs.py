"""What the parts of a template cost: characters and values that it is about to make."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

MOST_WORK = 2_000_000
"""Units of work for a rendering: one per character, 20 per call. They take about a second."""

_MOST_BITS = 10_000
_WIDTHS = re.compile(r"%(?:\([^)]*\))?[-#0 +]*[\d*]*(?:\.[\d*]*)?|:[^{}]*")
"""Where widths stand in a text that `%` or `format` fills in."""


def call_cost(name: str, value: Any, arguments: Iterable[Any], options: Mapping[str, Any]) -> float:
    """Work of a filter or method that may make far more than it is given."""
    given = [*arguments, *options.values()]
    numbers = sum(abs(one) for one in given if isinstance(one, int))
    texts = sum(len(one) for one in given if isinstance(one, str))
    size = size_of(value, most=MOST_WORK)
    match name:
        case "center" | "ljust" | "rjust" | "zfill" | "batch" | "slice" | "to_bytes":
            return numbers
        case "indent" | "expandtabs" | "tojson":
            return size + (numbers + texts) * (1 + str(value).count("\n") + str(value).count("\t"))
        case "wordwrap" | "translate" | "join":
            return size * sum(size_of(one, most=MOST_WORK) for one in (1, *given))
        case "replace":
            old = next((one for one in given if isinstance(one, str)), "")
            return size + (str(value).count(old) if old else size + 1) * texts
        case "round":
            return numbers * 10_000
        case "sum":
            return size * size if any(isinstance(one, list | tuple) for one in given) else size
        case "format" | "format_map":
            return _format_cost(str(value), given)
        case _:
            return 0


def _format_cost(form: str, given: Iterable[Any]) -> float:
    """Work of a text that is filled in: its widths, and its arguments, each at every place."""
    values = list(given)
    written = "".join(found[0] for found in _WIDTHS.finditer(form))
    widths = sum(min(float(number), 1e15) for number in re.findall(r"\d+", written))
    if "*" in written or re.search(r"\{[^{}]*\{", form):  # widths that are arguments
        widths += _largest(values)
    places = form.count("{") + form.count("%")
    return len(form) + widths + places * size_of(values, most=MOST_WORK)


def _largest(values: Iterable[Any]) -> float:
    """The sum of all whole numbers among values and one level below them."""
    found = 0.0
    for value in values:
        parts = value.values() if isinstance(value, Mapping) else value
        for part in parts if isinstance(value, list | tuple | Mapping) else [value]:
            found += min(abs(part), 10**15) if isinstance(part, int) else 0
    return found


def operator_cost(operator: str, left: Any, right: Any) -> float:
    """Work of an operator before it is applied."""
    whole = isinstance(left, int) and isinstance(right, int)
    if operator == "**" and whole:
        return float(left.bit_length() * max(right, 0)) * (MOST_WORK / _MOST_BITS)
    if operator == "*" and not whole:
        for times, value in ((left, right), (right, left)):
            if isinstance(times, int) and isinstance(value, str | bytes | list | tuple):
                return float(len(value)) * max(times, 0)
    if operator == "%" and isinstance(left, str | bytes):
        return _format_cost(str(left), right if isinstance(right, tuple) else (right,))
    return 0


def size_of(value: Any, *, most: float) -> int:
    """Characters and parts of a value and all below it; what is counted stops above `most`."""
    total = 0
    waiting = [value]
    while waiting and total <= most:
        one = waiting.pop()
        total += 1
        if isinstance(one, str | bytes):
            total += len(one)
        elif isinstance(one, int):
            total += int(most) if one.bit_length() > _MOST_BITS else 0
        elif isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            waiting += one
    return int(total)
