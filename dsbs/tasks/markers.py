"""Where a text announces its answer: a task's markers, written as people and models write them.

A marker is found in any case, with bold, commas or line breaks between its words. One that ends in
a colon may also be a heading. Every marker has an anchor, its longest word: most texts are
dismissed by looking for the anchors alone, which is fast.
"""

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from dsbs.tasks.label_keys import lower
from dsbs.tasks.undress import characters_in_place

_MAX_CHARS = 600
"""What stands farther behind a marker is not looked at."""
_GAP = r"[\s*_`,]{1,8}"
_GAP_BEFORE_PUNCTUATION = r"[\s*_`]{0,8}"


class Statement(NamedTuple):
    """A place in a text that states the answer."""

    start: int
    """Where it begins: the rationale is the text before it."""
    marker: str
    """What announced it."""
    text: str
    """The text that should hold the label."""


class _Anchored(NamedTuple):
    """The markers with one anchor."""

    anchor: str
    after: re.Pattern[str]
    """The anchor and what follows it; a group for each way to go on."""
    before: list[re.Pattern[str]]
    """For each group, what stands before the anchor, for reversed text."""


class _Markers(NamedTuple):
    anchored: list[_Anchored]
    reach: int
    """How far before its anchor a marker may begin."""
    first_alone: bool
    """Whether no other marker ends in the first one."""


def find_statements(markers: Sequence[str], text: str) -> list[Statement]:
    """Every place where a marker stands, with the text up to the next one."""
    places = _places(markers, lower(characters_in_place(text)))
    if len(places) == 1:  # most texts
        ((start, end),) = places
        return [Statement(start, text[start:end], text[end : end + _MAX_CHARS])]
    found = []
    for at, (start, end) in enumerate(places):
        limit = places[at + 1][0] if at + 1 < len(places) else len(text)
        stated = text[end : min(limit, end + _MAX_CHARS)]
        found.append(Statement(start, text[start:end], stated))
    return found


def last_statement(markers: Sequence[str], text: str) -> Statement | None:
    """The only statement of a text that ends in the first marker, to the letter, and its label.

    None for any other text, whatever it states. Most answers are as they were asked for, and this
    is twice as fast as `find_statements`.
    """
    start = text.rfind(markers[0])
    end = start + len(markers[0])
    if start < 1 or not (text[start - 1].isspace() and text[end : end + 1] == " "):
        return None
    known = _compiled(tuple(markers))
    others = lower(characters_in_place(f"{text[:start]}\n{text[end:]}"))
    for anchor, after, _ in known.anchored:
        if anchor in others and after.search(others):
            return None
    return Statement(start, markers[0], text[end:]) if known.first_alone else None


def _places(markers: Sequence[str], text: str) -> list[tuple[int, int]]:
    """Start and end of every marker, in order, none inside another."""
    known = _compiled(tuple(markers))
    reach = known.reach
    found = []
    for anchor, after, before in known.anchored:
        if anchor not in text:
            continue
        for match in after.finditer(text):
            at = match.start()
            preceding = text[at - reach : at] if at > reach else "\n" + text[:at]
            begins = before[(match.lastindex or 1) - 1].match(preceding[::-1])
            if begins:
                found.append((max(0, at - begins.end()), match.end()))
    return found if len(found) < 2 else _apart(found)


def _apart(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    apart: list[tuple[int, int]] = []
    for start, end in sorted(places, key=lambda place: (place[0], -place[1])):
        if not apart or start >= apart[-1][1]:
            apart.append((start, end))
    return apart


@functools.lru_cache(maxsize=64)
def _compiled(markers: tuple[str, ...]) -> _Markers:
    befores: dict[tuple[str, str], list[str]] = {}
    for marker in sorted(markers, key=len, reverse=True):
        words = re.findall(r"[\w'’]+|[^\w\s]+", lower(characters_in_place(marker)))
        at = max(range(len(words)), key=lambda place: len(words[place]))
        after = "".join(_gap(word) + re.escape(word) for word in words[at + 1 :])
        after += r"(?![\w'’])" if words[-1][-1].isalnum() else f"(?!{re.escape(words[-1][-1])})"
        befores.setdefault((words[at], after), []).append(_reversed(words, at))
        if words[-1] == ":" and at == len(words) - 2:
            heading = (words[at], r"[ *_`]*(?=\n|\Z)")
            befores.setdefault(heading, []).append(_reversed(words, at) + r"[ #*_>`]*\n")
    anchored = []
    for anchor in dict.fromkeys(anchor for anchor, _ in befores):
        ways = {after: before for (word, after), before in befores.items() if word == anchor}
        follows = re.compile(
            re.escape(anchor) + "(?:" + "|".join(f"({after})" for after in ways) + ")"
        )
        anchored.append(
            _Anchored(anchor, follows, [re.compile("|".join(b)) for b in ways.values()])
        )
    first, *rest = map(lower, markers)
    alone = not any(other.endswith(first) for other in rest)
    return _Markers(anchored, max(map(len, markers)) + 80, alone)


def _gap(word: str) -> str:
    return _GAP if word[0].isalnum() else _GAP_BEFORE_PUNCTUATION


def _reversed(words: list[str], anchor: int) -> str:
    """A pattern of the words before the anchor, for reversed text."""
    pattern = ""
    for at in range(anchor, 0, -1):
        pattern += _gap(words[at]) + re.escape(words[at - 1][::-1])
    return pattern + (r"(?!\w)" if words[0][0].isalnum() else "")
