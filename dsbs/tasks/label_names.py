"""The allowed labels by the form in which they are compared, and which of them a text mentions."""

import functools
import re
from typing import NamedTuple

from dsbs.tasks.label_keys import LETTERS, is_number, key, key_of, lower

_MENTIONED_LETTER = re.compile(
    r"\(([A-Za-z])\)|\b(?:option|choice|answer|letter)s?\s+\(?([A-Za-z])\b"
    r"|(?:[,/&]|\band|\bor)\s*\(?([A-Za-z])\)?(?=\s*(?:[.,/&]|$|and\b|or\b))"
    r"|\b([A-Za-z])\b(?=\)?\s*(?:[,/&]|and\b|or\b)\s*\(?[A-Za-z]\b)"
    r"|(?<![\w'.(])([A-HJ-Z])(?![\w'])"
)


class Names(NamedTuple):
    """The allowed labels by their keys."""

    by_key: dict[str, str]
    """Labels that no other has the same key as, those with the longest keys first."""
    shared: frozenset[str]
    """Keys of several labels."""
    highest: float | None
    """The end of a scale: the highest label that is a number."""


@functools.lru_cache(maxsize=1024)
def names_of(allowed: tuple[str, ...]) -> Names:
    """The allowed labels by their keys."""
    by_key: dict[str, str] = {}
    shared = set()
    for label in allowed:
        if by_key.setdefault(key(label), label) != label:
            shared.add(key(label))
    longest_first = sorted(by_key.items(), key=lambda pair: -len(pair[0]))
    unique = {name: label for name, label in longest_first if name not in shared}
    numbers = [float(name) for name in unique if is_number(name)]
    return Names(unique, frozenset(shared), max(numbers, default=None))


def mentioned(text: str, allowed: tuple[str, ...], *, lettered: bool) -> set[str]:
    """Keys of the labels that stand in a text as words of their own, or by their letters."""
    found = set()
    left = " ".join(lower(text).split())
    for label_key in names_of(allowed).by_key:
        if label_key in left and (without := _without_word(left, label_key)) != left:
            found.add(label_key)
            left = without
    if lettered:
        for letter in _MENTIONED_LETTER.finditer(text):
            at = position(letter)
            if at < len(allowed):
                found.add(key_of(allowed[at]))
    return found


def position(letter: re.Match[str]) -> int:
    """The place of the option that a match of a letter names."""
    return LETTERS.index(next(filter(None, letter.groups())).lower())


def _without_word(text: str, word: str) -> str:
    """The text with every occurrence of a word, or of several, as a whole replaced by a bar."""
    at = text.find(word) if word else -1
    while at >= 0:
        end = at + len(word)
        begins = at == 0 or not (text[at - 1].isalnum() or text[at - 1] in "_.")
        if begins and not (text[end : end + 1].isalnum() or text[end : end + 1] == "_"):
            text = f"{text[:at]}|{text[end:]}"
            end = at + 1
        at = text.find(word, end)
    return text
