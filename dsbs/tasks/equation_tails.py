"""What stands behind an equation or within its brackets, and whether it may change it."""

import re

from dsbs.tasks import tails
from dsbs.tasks.equation_sides import Refused
from dsbs.tasks.equation_words import EXPLAINS
from dsbs.tasks.equations import normalize, same_value
from dsbs.tasks.number_words import MULTIPLIERS

ONLY_ARITHMETIC = re.compile(r"[\d\s.()*/+-]+")
_CHANGES = re.compile(rf"\b(?:{MULTIPLIERS})s?\b|\b[ap]\.?\s?m\b", re.IGNORECASE)
_HARMLESS = re.compile(
    r"\s*(?:$|[,.!\n\"')\]}]|[-—]\s*[A-Za-z]|(?:because|since|as|which|given|where)\b)", re.I
)


def check_tail(tail: str, expression: str) -> bool:
    """Whether words stand behind an expression. Raises Refused where they may change it."""
    statement, *later = tails.SENTENCE_END.split(tail)
    if re.match(r"\s+\.\s*\d", tail) or any(_contradicts(line, expression) for line in later):
        raise Refused("ambiguous")
    if not _HARMLESS.match(tail):
        raise Refused("ambiguous" if tail.lstrip().startswith("?") else "continues")
    explained = re.search(EXPLAINS, statement)
    before = statement[: explained.start()] if explained else statement
    if re.search(r"\d", before):
        raise Refused("continues")
    verdict = tails.judge(tail, lambda part: False)
    if verdict.reason:
        raise Refused(verdict.reason)
    return bool(statement.strip(" ."))


def check_note(note: str, expression: str) -> None:
    """Check brackets behind a number: they hold its unit, or the same value again.

    Raises:
        Refused: they hold anything else.
    """
    same = same_value(note, expression)
    if _CHANGES.search(note):
        raise Refused("continues")
    if (re.search(r"[\d=]", note) and not same) or tails.NEGATION.search(note):
        raise Refused("continues")
    if re.search(r"\bor\b", note):
        raise Refused("ambiguous")


def _contradicts(line: str, expression: str) -> bool:
    """Whether a line or sentence is an expression of another value."""
    if not ONLY_ARITHMETIC.fullmatch(line) or not line.strip():
        return False
    other = normalize(line)
    return other is not None and not same_value(other, expression)
