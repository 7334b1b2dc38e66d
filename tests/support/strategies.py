"""Inputs that nobody would think of: JSON, rows, texts of teachers, and files that were damaged."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_subnormal=False)  # a training in the same process flushes them to zero
    | st.text(st.characters(codec=None), max_size=8)
    | st.sampled_from(["A", "1", "-1", "['a', 'b']", "[1, 2]", "entailment"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
COLUMNS = (
    "id", "uid", "question", "choices", "answer", "premise", "hypothesis", "label", "input", "text",
    "custom_id", "response", "messages", "request", "data", "annotations", "labels", "result", "body",
)  # fmt: skip
ROWS = st.lists(st.dictionaries(st.sampled_from(COLUMNS), JSON, max_size=6), min_size=1, max_size=4)

PIECES = st.sampled_from(
    """So the answer is|The answer is|Answer:|Final answer:|(a)|(b)|B|b.|A|ice|ice cream|bank|the
    U.S.|or|and
    |not|neutral|contradiction|entailment|because|4|5|4.5|/|-|*|**|x|=|8|48|6|%|,|;|:|.|!|?|{|}|(|)|\\boxed{
    |\\frac{|$|"|'|`|<think>|</think>|</s>|\n|\n\n|I hope this helps!|Wait,|{"label": "ice"}|"label":|é|ı|²
    """.replace("\n    ", "").split("|")
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(PIECES, max_size=12).map(" ".join),
    st.lists(PIECES, max_size=9).map("".join),
)
"""What a teacher may say."""

_KINDS = ("replace", "insert", "delete", "repeat", "cut off")
_PARTS = (
    b"{",
    b"[",
    b'"',
    b"\n",
    b"\0",
    b"null",
    b"9" * 30,
    b"-1",
    b"\xff",
    b"\\ud800",
    b": ",
    b"- ",
)


def damaged(files: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """These contents with a few places changed, without an end. Faster than Hypothesis by far."""
    rng = random.Random(seed)
    while True:
        content = rng.choice(files)
        for _ in range(rng.randint(1, 4)):
            content = _edited(content, rng)
        yield content


def _edited(content: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(content))
    new = rng.choice(_PARTS) if rng.random() < 0.5 else rng.randbytes(rng.randint(1, 4))
    before = content[:at]
    after = content[at:]
    match rng.choices(_KINDS, weights=(5, 3, 3, 2, 1))[0]:
        case "replace":
            return before + new + after[len(new) :]
        case "insert":
            return before + new + after
        case "delete":
            return before + after[rng.randint(1, 20) :]
        case "repeat":
            return before + after[: rng.randint(1, 40)] * rng.randint(2, 4) + after
    return before


def varied(values: Sequence[Any], seed: int) -> Iterator[Any]:
    """These values with a few places changed, without an end. Text gets pieces of other text, and
    parts of lists and mappings give way to parts of other values.
    """
    rng = random.Random(seed)
    parts = [part for value in values for part in _parts_of(value)]
    while True:
        value = rng.choice(values)
        for _ in range(rng.randint(1, 3)):
            new = _varied(value, parts, rng)
            if type(new) is type(value):  # a list of rows stays one
                value = new
        yield value


def _parts_of(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list | tuple):
        return [value]
    return [part for one in inner for part in _parts_of(one)] + [value] * (not inner)


def _varied(value: Any, parts: Sequence[Any], rng: random.Random) -> Any:
    match value:
        case str():
            others = [part for part in rng.choices(parts, k=4) if isinstance(part, str)]
            return _spliced(value, rng.choice(others) if others else "\n", rng)
        case bytes():
            return _edited(value, rng)
        case tuple():  # of a fixed length
            at = rng.randrange(len(value))
            return (*value[:at], _varied(value[at], parts, rng), *value[at + 1 :])
        case list() | dict() if value:
            changed = value.copy()
            key = rng.choice(range(len(value)) if isinstance(value, list) else list(value))
            if rng.random() < 0.1:
                del changed[key]
            else:
                changed[key] = _varied(value[key], parts, rng)
            return changed
        case list() | dict():
            return value
    return rng.choice(parts)


def _spliced(text: str, other: str, rng: random.Random) -> str:
    """A piece of the other in the text, in place of another piece or beside it."""
    start = rng.randint(0, len(text))
    end = min(len(text), start + rng.choice((0, 0, 1, 5, 20)))
    first = rng.randint(0, len(other))
    return text[:start] + other[first : first + rng.randint(0, 12)] + text[end:]
