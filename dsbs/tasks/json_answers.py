"""Answers written as JSON: in a fence, after prose, with a trailing comma, in Python's form."""

import ast
import json
import re
import warnings
from typing import Any, NamedTuple

_LABEL_NAMES = ("label", "answer", "final_answer")
_RATIONALE_NAMES = ("rationale", "reasoning", "explanation", "reason", "thought")
_MAX_OBJECTS = 20
_MAX_DEPTH = 3
"""Objects within objects that are looked at."""
_MAX_CHARS = 20_000
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
_PLACEHOLDER = re.compile(r"[.…\s]*|<.*>|\{.*\}", re.DOTALL)

# Numbers stay as they are written: 1.50 is not 1.5 to a reader of text.
_NUMBERS: Any = {"parse_int": str, "parse_float": str, "parse_constant": str}


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. A name that comes twice keeps both values, in a list."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        found[name] = [found[name], value] if name in found and found[name] != value else value
    return found


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_object_of, **_NUMBERS)


class JsonAnswer(NamedTuple):
    """A JSON object with a label."""

    start: int
    end: int
    label: str
    rationale: str


def find_json_answers(text: str) -> list[JsonAnswer]:
    """Every label of a JSON object in the text, in order; placeholders like "..." are none.

    An object without a label may hold one that has it. One with several labels gives several.
    """
    text = text[:_MAX_CHARS]
    found = []
    at = text.find("{")
    for _ in range(_MAX_OBJECTS):
        if at < 0:
            break
        value, end = _object(text, at)
        found += _answers(value, at, end, _MAX_DEPTH)
        at = text.find("{", end)
    return found


def _object(text: str, start: int) -> tuple[Any, int]:
    """The object that starts here and where it ends; None and the next place if there is none."""
    try:
        return _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        pass
    end = _closing(text, start)
    if end is None:
        return None, start + 1
    written = text[start:end]
    try:
        return _DECODER.decode(_TRAILING_COMMA.sub("", written)), end
    except (ValueError, RecursionError):
        pass
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd escapes in strings
            return ast.literal_eval(written), end
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None, start + 1


def _closing(text: str, start: int) -> int | None:
    """The end of the braces that open here, strings skipped."""
    depth = 0
    quote = ""
    at = start
    while at < len(text):
        character = text[at]
        if quote:
            if character == "\\":
                at += 1
            elif character == quote:
                quote = ""
        elif character == '"' or (character == "'" and not text[at - 1].isalnum()):
            quote = character
        elif character in "{}":
            depth += 1 if character == "{" else -1
            if depth == 0:
                return at + 1
        at += 1
    return None


def _answers(value: Any, start: int, end: int, depth: int) -> list[JsonAnswer]:
    """The labels of an object, that of the first known name last; else those of its parts."""
    if isinstance(value, list) and depth:
        return [found for part in value for found in _answers(part, start, end, depth - 1)]
    if not isinstance(value, dict):
        return []
    values = {str(name).strip().casefold().replace(" ", "_"): v for name, v in value.items()}
    labels = [t for name in _LABEL_NAMES[::-1] if name in values for t in _texts(values[name])]
    if not labels:
        return _answers(list(value.values()), start, end, depth)
    rationale = next((values[name] for name in _RATIONALE_NAMES if name in values), "")
    stated = " ".join(_texts(rationale)) if isinstance(rationale, str | list) else ""
    return [JsonAnswer(start, end, label, stated) for label in dict.fromkeys(labels)]


def _texts(value: Any) -> list[str]:
    """A value, or those of a list, as texts."""
    found = []
    for one in value if isinstance(value, list) else [value]:
        text = str(one).lower() if isinstance(one, bool) else one
        text = str(text) if isinstance(text, int | float) else text
        if isinstance(text, str) and not _PLACEHOLDER.fullmatch(text.strip()):
            found.append(text.strip())
    return found
