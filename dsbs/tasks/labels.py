"""One reader per label kind, used alike on gold labels, teachers' answers and students' outputs."""

import re
from collections.abc import Sequence
from typing import Literal

from dsbs.tasks import equations
from dsbs.tasks.closed_sets import Matched, read_closed
from dsbs.tasks.equation_reader import read_equation
from dsbs.tasks.label_keys import LETTERS, fold, key
from dsbs.tasks.undress import undress, without_courtesy

LabelKind = Literal["choice", "class", "equation", "text"]

_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:\w\.){2,}$")


def match_label(kind: LabelKind, text: str, allowed: Sequence[str] = ()) -> Matched:
    """Read a label from a text that should hold nothing else. Never raises.

    A label counts only where everything around it is harmless; `Matched.reason` says what is not.

    Args:
        kind: The task's label kind.
        text: What stands behind the answer marker, a gold label, or a student's output.
        allowed: The row's choices (`choice`) or the task's labels (`class`); the other kinds have
            no closed set.

    >>> match_label("choice", " (D) Math  problem.", ["park", "math problem"]).label
    'math problem'
    >>> match_label("class", "neutral or contradiction", ["neutral", "contradiction"]).reason
    'ambiguous'
    >>> match_label("equation", "48 rolls / 6 trays = 8 rolls").label
    '48 / 6'
    """
    match kind:
        case "choice" | "class":
            return read_closed(text, allowed, lettered=kind == "choice")
        case "equation":
            found = read_equation(text)
            if found.expression is None:
                return Matched(None, "none", text.strip(), found.reason)
            return Matched(found.expression, "exact" if found.exact else "folded", text.strip())
        case "text":
            stated = " ".join(without_courtesy(undress(text)).split())
            while stated.endswith(".") and not _ABBREVIATION.search(stated):
                stated = undress(stated[:-1])
            return Matched(stated or None, "exact" if stated else "none", stated)


def normalize(kind: LabelKind, text: str, allowed: Sequence[str] = ()) -> str | None:
    """The label of `match_label`. Normalizing twice is normalizing once."""
    return match_label(kind, text, allowed).label


def gold_label(kind: LabelKind, text: str, allowed: Sequence[str] = ()) -> str | None:
    """A label from a column of gold labels, read like any other. Nothing may stand beside it."""
    matched = match_label(kind, text, allowed)
    if matched.label is None or matched.reason:
        return None
    closed = kind in ("choice", "class")
    if closed and matched.text and key(matched.text) != key(matched.label):
        return None
    return matched.label


def meaning(kind: LabelKind, label: str) -> str:
    """What labels are grouped by: two labels with the same meaning have the same one.

    >>> meaning("equation", "( 36 / 3 )") == meaning("equation", "12.0")
    True
    """
    if kind == "equation":
        try:
            return f"{round(equations.evaluate(label), 9) + 0.0:.12g}"
        except equations.NotAnEquation:
            return fold(label)
    return key(label) if kind == "text" else fold(label)


def counted_as(kind: LabelKind, label: str, allowed: Sequence[str] = ()) -> str | None:
    """What labels of different rows are counted under: their meaning; of options, their letter.

    None for an option that the row does not have.

    >>> counted_as("choice", "Ice", ("fire", "ice"))
    'b'
    """
    if kind != "choice":
        return meaning(kind, label)
    wanted = fold(label)
    return next((LETTERS[at] for at, choice in enumerate(allowed) if fold(choice) == wanted), None)


def same_label(kind: LabelKind, left: str | None, right: str | None) -> bool:
    """Whether two labels mean the same."""
    if left is None or right is None:
        return False
    if left == right:
        return True
    if kind == "equation" and equations.same_value(left, right):
        return True
    return meaning(kind, left) == meaning(kind, right)


def published_label(kind: LabelKind, text: str) -> str:
    """How the published code reads the text behind the answer phrase.

    Choices: what stands behind the first "(x)" and before the next, without a final full stop.
    Equations: from the first opening to the last closing bracket. The result is compared by exact
    text, equations by value.
    """
    if kind == "equation":
        return equations.last_bracket(text) or ""
    if kind != "choice":
        return text.strip().removesuffix(".")
    parts = re.split(r"\(.\)", text)
    return parts[1].strip().removesuffix(".") if len(parts) > 1 else ""


def correct_as_published(kind: LabelKind, text: str, gold: str) -> bool:
    """Whether the published code counts a student's text as right.

    Source: metrics.py of google-research/distilling-step-by-step. Equations are right if the whole
    text is an expression of the gold value, others if they are the gold label character by
    character.
    """
    return equations.same_value(text, gold) if kind == "equation" else text == gold
