"""Rationales: the text before an answer, without what belonged to the answer's marker."""

import re
from collections.abc import Sequence

from dsbs.tasks.markers import Statement

_CONNECTIVES = (
    "so",
    "thus",
    "therefore",
    "hence",
    "the",
    "my",
    "our",
    "your",
    "correct",
    "right",
    "best",
    ",",
)
_DANGLING_WORDS = re.compile(
    r"(?:\A|(?<=[.!?\n]))\s*(?:(?:(?:and|so|thus|therefore|hence|the|my|our|your|correct|right"
    r"|best)"
    r"\b,?\s*)+|[^.!?\n]{0,60},)\s*\Z",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"[\s*#_>`]*(?:reasoning|rationale|explanation)s?[*_ ]*:[*_\s]*", re.IGNORECASE
)
_DANGLING_MARKS = re.compile(r"[\s*_#>`-]*[*_#>`][\s*_#>`-]*\Z|\s-+\Z")
_OPEN_FENCE = re.compile(r"```\w*\s*\Z")


def rationale_of(text: str, statements: Sequence[Statement], chosen: Statement) -> str | None:
    """The text before the answer; between two statements of it where nothing stands before both."""
    before = clean(text[: chosen.start])
    if not before and len(statements) > 1:
        stated = re.split(r"\n|(?<=[.!])\s", text[chosen.start : statements[-1].start], maxsplit=1)
        before = clean(stated[-1]) if len(stated) > 1 else ""
    return before or None


def clean(rationale: str) -> str:
    """A rationale without the marks and the "So," that belonged to the marker behind it."""
    rationale = rationale.strip()
    if rationale[-1:] in "*_#>`-":
        rationale = _DANGLING_MARKS.sub("", rationale).rstrip()
    if rationale[-12:].lower().endswith(_CONNECTIVES):
        rationale = _DANGLING_WORDS.sub("", rationale).rstrip()
    if ":" in rationale[:20] and (start := _HEADING.match(rationale)):
        rationale = rationale[start.end() :]
    return rationale


def before_json(text: str) -> str:
    """The text before an answer in JSON that has no rationale of its own, if it is a sentence."""
    before = clean(_OPEN_FENCE.sub("", text))
    return before if before.endswith((".", "!")) else ""


def cap_words(rationale: str, limit: int | None) -> str:
    """The first whole sentences of at most `limit` words, or the first words of a long sentence."""
    words = rationale.split()
    if limit is None or len(words) <= limit:
        return rationale
    kept = " ".join(words[:limit])
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s|$)", kept)]
    return kept[: ends[-1]] if ends else kept
