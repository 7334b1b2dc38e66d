"""Answers written as JSON: in a fence, after prose, with a trailing comma, in Python's form."""

import ast
import json
import re
import warnings
from typing import Any, NamedTuple

_LABEL_NAMES = ("label", "answer", "final_answer")
_RATIONALE_NAMES = ("rationale", "reasoning", "explanation", "reason", "thought")
_MAX_OBJECTS = 20
_MAX_CHARS = 20_000
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
_PLACEHOLDER = re.compile(r"[.…\s]*|<.*>|\{.*\}", re.DOTALL)

# Numbers stay as they are written: 1.50 is not 1.5 to a reader of text.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)


class JsonAnswer(NamedTuple):
    """A JSON object with a label."""

    start: int
    end: int
    label: str
    rationale: str


def find_json_answers(text: str) -> list[JsonAnswer]:
    """Every JSON object in the text that has a label, in order; placeholders like "..." are not."""
    text = text[:_MAX_CHARS]
    found = []
    at = text.find("{")
    for _ in range(_MAX_OBJECTS):
        if at < 0:
            break
        value, end = _object(text, at)
        answer = _answer(value, at, end)
        if answer is not None:
            found.append(answer)
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


def _answer(value: Any, start: int, end: int) -> JsonAnswer | None:
    if not isinstance(value, dict):
        return None
    values = {str(name).strip().casefold().replace(" ", "_"): v for name, v in value.items()}
    label = next((values[name] for name in _LABEL_NAMES if name in values), None)
    if isinstance(label, list) and len(label) == 1:
        label = label[0]
    if isinstance(label, bool):
        label = str(label).lower()
    elif isinstance(label, int | float):
        label = str(label)
    if not isinstance(label, str) or _PLACEHOLDER.fullmatch(label.strip()):
        return None
    rationale = next((values[name] for name in _RATIONALE_NAMES if name in values), "")
    return JsonAnswer(start, end, label.strip(), rationale if isinstance(rationale, str) else "")
