"""One normalizer per label kind, used alike on gold labels, teacher answers and student output."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from dsbs.core.records import LabelMatch
from dsbs.tasks import equations

LabelKind = Literal["choice", "class", "equation", "text"]

LETTERS = "abcdefghijklmnopqrstuvwxyz"

_OPTION = re.compile(r"\(([a-z])\)|^([a-z])[.):](?=\s|$)|^([a-z])$", re.IGNORECASE)


class Matched(NamedTuple):
    """The allowed label that a text names, how it was recognised, and the text that stood for it."""

    label: str | None
    match: LabelMatch
    text: str


def fold(text: str) -> str:
    """Case and runs of white space do not count."""
    return " ".join(text.casefold().split())


def match_label(kind: LabelKind, text: str, allowed: Sequence[str] = ()) -> Matched:
    """Read a label from a text that should hold nothing else. Never raises; `label` is None where nothing fits.

    `allowed` are the row's choices (`choice`) or the task's labels (`class`); the other kinds have no closed set.

    >>> match_label("choice", " (D) Math  problem.", ["park", "math problem"]).label
    'math problem'
    >>> match_label("equation", "(84 / 2) dollars").label
    '( 84 / 2 )'
    """
    match kind:
        case "choice":
            return _match_choice(text, allowed)
        case "class":
            return _match_class(text, allowed)
        case "equation":
            return _match_equation(text)
        case "text":
            stripped = " ".join(text.split())
            return Matched(stripped or None, "exact" if stripped else "none", stripped)


def normalize(kind: LabelKind, text: str, allowed: Sequence[str] = ()) -> str | None:
    """`match_label`, label only. Idempotent."""
    return match_label(kind, text, allowed).label


def same_label(kind: LabelKind, left: str | None, right: str | None) -> bool:
    """Whether two normalized labels mean the same: by value for equations, by folded text otherwise."""
    if left is None or right is None:
        return False
    if kind == "equation":
        return left == right or equations.same_value(left, right)
    return fold(left) == fold(right)


def published_label(kind: LabelKind, text: str) -> str:
    """How the published code reads the text behind the answer phrase; compared by exact text (equations: by value).

    Choices: what stands behind the first "(x)" and before the next, less a final full stop. Equations: the last bracket.
    """
    if kind == "equation":
        return equations.last_bracket(text) or ""
    parts = re.split(r"\(.\)", text)
    stated = (
        parts[1] if kind == "choice" and len(parts) > 1 else "" if kind == "choice" else text
    ).strip()
    return stated.removesuffix(".")


def _match_choice(text: str, choices: Sequence[str]) -> Matched:
    text = text.strip()
    if text in choices:
        return Matched(text, "exact", text)
    option = _OPTION.search(text)
    stated = (text[option.end() :] if option else text).strip().removesuffix(".")
    if stated in choices:
        return Matched(stated, "exact", stated)
    by_fold = {fold(choice): choice for choice in reversed(choices)}
    if fold(stated) in by_fold:
        return Matched(by_fold[fold(stated)], "folded", stated)
    if option:
        position = LETTERS.index(next(filter(None, option.groups())).lower())
        if position < len(choices):
            return Matched(choices[position], "letter", stated)
    return Matched(None, "none", stated)


def _match_class(text: str, labels: Sequence[str]) -> Matched:
    """A label with a capital, a full stop or words behind it is that label; a label inside a sentence is not."""
    stated = text.strip().strip("\"'*`").removesuffix(".").strip()
    if stated in labels:
        return Matched(stated, "exact", stated)
    folded = fold(stated)
    for label in sorted(labels, key=len, reverse=True):
        if folded == fold(label) or re.match(re.escape(fold(label)) + r"(?![\w-])", folded):
            return Matched(label, "folded", stated)
    return Matched(None, "none", stated)


def _match_equation(text: str) -> Matched:
    """The longest expression that the first line starts with."""
    stated = next(iter(text.strip().splitlines()), "")[: equations.MAX_CHARS].strip()
    whole = equations.normalize(stated)
    if whole is not None:
        return Matched(whole, "exact", stated)
    leading = equations.leading_expression(stated)
    return Matched(leading, "folded" if leading else "none", stated)
