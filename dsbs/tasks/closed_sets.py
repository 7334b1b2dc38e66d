"""Labels of a closed set, read from a text: first whole, then by letter, then at its beginning."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from dsbs.core.records import LabelMatch, Reason
from dsbs.tasks import tails
from dsbs.tasks.label_ends import AFTER_OPTION, after_rating, goes_on
from dsbs.tasks.label_keys import LETTERS, NUMBER, fold, key_of, lower
from dsbs.tasks.label_names import mentioned, names_of, position
from dsbs.tasks.undress import undress, without_courtesy

_SPACES = re.compile(r"[^\S\n]+")
_MAX_CHARS = 600
"""More of a label's text is not looked at, except for kind `text`."""

_MAX_LEADS = 6
"""Phrases such as "most likely" that may stand before a label."""

_LETTER = re.compile(
    r"\((?P<round>[A-Za-z])\)|\[(?P<square>[A-Za-z])\]"
    r"|(?P<marked>[A-Za-z])\s?[.):](?=[\s(*\"'\[]|$)"
    r"|(?P<bare>[A-Za-z])(?=\s*$|\s*\n|\s+[-–—(]|\s*—|[,;!]\s)"
    r"|(?P<word>[A-Z])(?=\s+(?:because|since|as|for|is|was|would)\b)"
)
_RANGE = re.compile(r"\s*(?:[-–—]|to\b|through\b)\s*\(?[A-Za-z]\)?\s*(?:[.,;\n]|$)")
_LEAD = re.compile(
    r"(?:it is|it's|it would be|it must be|that is|that it is|that it's|definitely|certainly"
    r"|clearly"
    r"|obviously|most likely|likely|probably|simply|therefore|thus|indeed|the|an?"
    r"|(?:correct |right |best |final )?(?:option|choice|letter|answer|label|class|category|rating"
    r"|score)(?:\s+(?:is|must be|would be))?)(?:\s*:)?\s+(?![.)])",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"(?:\w+\s+){0,3}?(?:not|neither|none|never|cannot|anything but|all but|other than"
    r"|except|hardly|barely|un|non)\b|\w+n't\b|no\b",
    re.IGNORECASE,
)


class Matched(NamedTuple):
    """What a text says about the label."""

    label: str | None
    match: LabelMatch
    """How it was recognized."""
    text: str
    """The words that stood for it; empty where nothing but a letter did."""
    reason: Reason | None = None
    """Why it must not be learned."""


def read_closed(text: str, allowed: Sequence[str], *, lettered: bool) -> Matched:
    """The allowed label that a text names, with `lettered` also by the letter of its option."""
    text = text.strip()
    glance = read_at_a_glance(text, allowed, lettered=lettered)
    return glance or _Closed(tuple(allowed), lettered=lettered).read(text)


def read_at_a_glance(text: str, allowed: Sequence[str], *, lettered: bool) -> Matched | None:
    """A label that stands there to the letter, alone or behind its letter, as most do."""
    if text in allowed:
        return Matched(text, "exact", text)
    if lettered and text[:1] == "(" and text[2:3] == ")":
        at = LETTERS.find(text[1].lower())
        stated = text[3:].lstrip()
        if 0 <= at < len(allowed) and allowed[at] in (stated, stated.removesuffix(".")):
            return Matched(allowed[at], "exact", allowed[at])
    return None


class _Closed:
    """Reads a label of a closed set: its whole text first, then its letter, then its beginning."""

    def __init__(self, allowed: tuple[str, ...], *, lettered: bool) -> None:
        self._allowed = allowed
        self._lettered = lettered

    def read(self, text: str) -> Matched:
        return self._closely(_SPACES.sub(" ", without_courtesy(undress(text[:_MAX_CHARS]))))

    def _closely(self, text: str) -> Matched:
        rest = text
        for _ in range(_MAX_LEADS):
            if (whole := self._whole(rest)) is not None:
                return whole
            if self._lettered and (option := self._option(rest)) is not None:
                return option
            if (start := self._start(rest)) is not None:
                return start
            lead = _LEAD.match(rest)
            if lead is None or lead.end() == len(rest):
                break
            rest = undress(rest[lead.end() :])
        return Matched(None, "none", text, self._why_unread(text))

    def _whole(self, text: str) -> Matched | None:
        """The text is a label and nothing else."""
        for stated in (text, text.rstrip(".!").rstrip()):
            if stated in self._allowed:
                return Matched(stated, "exact", stated)
        stated = key_of(text)
        names = names_of(self._allowed)
        if stated in names.by_key:
            if self._lettered and self._is_other_letter(text, names.by_key[stated]):
                return Matched(None, "none", text, "ambiguous")
            return Matched(names.by_key[stated], "folded", text)
        return Matched(None, "none", text, "ambiguous") if stated in names.shared else None

    def _is_other_letter(self, text: str, label: str) -> bool:
        """Whether "(a)" is the text of one choice and the letter of another."""
        letter = _LETTER.fullmatch(text.rstrip(".!"))
        if letter is None or not text.startswith(("(", "[")):
            return False
        at = position(letter)
        return at < len(self._allowed) and self._allowed[at] != label

    def _option(self, text: str) -> Matched | None:
        """A letter at the start: alone, or before the text of its option."""
        letter = _LETTER.match(text)
        if letter is None or position(letter) >= len(self._allowed):
            return None
        label = self._allowed[position(letter)]
        rest = undress(text[letter.end() :].lstrip(" .):-–—"))
        if (stated := self._stated(rest)) is not None:
            return self._with_text(label, *stated)
        if self._begins_another(letter, label):
            return self._start(text) or Matched(None, "none", text, "ambiguous")
        if not letter["word"] and rest and not self._stands_alone(text[letter.end() :]):
            if self._mentions_other(rest, label):
                return Matched(None, "none", rest, "ambiguous")
            if tails.NEGATION.search(rest):
                return Matched(None, "none", rest, "negated")
            return Matched(label, "letter", rest, "mismatch")
        if _RANGE.match(text, letter.end()):
            return Matched(None, "none", text, "ambiguous")
        verdict = self._judge(label, text[letter.end() :])
        if not verdict.counts:
            return Matched(None, "none", text, verdict.reason)
        alone = not text[letter.end() :].strip(" .!:)")
        return Matched(label, "letter", "" if alone else text, verdict.reason)

    def _begins_another(self, letter: re.Match[str], label: str) -> bool:
        """Whether a letter is or begins another option's text: "(i) only", or blood group A."""
        stated = letter[0].casefold().rstrip(" .):]").lstrip("([")
        return any(
            fold(other).startswith(letter[0].casefold()) or key_of(other) == stated
            for other in self._allowed
            if other != label and (letter["round"] or letter["square"] or len(other) == 1)
        )

    def _with_text(self, label: str, named: str, match: LabelMatch, tail: str) -> Matched:
        """A letter before the text of an option. Where they differ, a whole text is the label."""
        verdict = self._judge(named, tail)
        if not verdict.counts:
            return Matched(None, "none", named, verdict.reason)
        if named != label:
            # Text comes before letters: small models copy a letter and choose the text.
            whole = f"({LETTERS[self._allowed.index(label)]}) {named}"
            return Matched(named, "folded", whole, "ambiguous" if tail.strip(" .") else None)
        return Matched(named, match, named, verdict.reason)

    def _stated(self, text: str) -> tuple[str, LabelMatch, str] | None:
        """The option that the words behind a letter name, and what follows it."""
        for stated in (text, _LEAD.sub("", text, count=1) if _LEAD.match(text) else text):
            whole = self._whole(stated)
            if whole is not None and whole.label is not None:
                return whole.label, whole.match, ""
            if text.startswith("(") and text.rstrip(". ").endswith(")"):
                inner = self._whole(text.rstrip(". ")[1:-1])
                if inner is not None and inner.label is not None:
                    return inner.label, "folded", ""
            found = self._longest_start(stated)
            if found is not None and AFTER_OPTION.match(found[1]):
                return found[0], "folded", found[1]
        return None

    def _stands_alone(self, rest: str) -> bool:
        """Whether a letter is followed by an explanation and not by the words of an option."""
        return bool(
            re.match(
                r"\s*(?:[.,;)*:]*\s*\n|[,;—–]|-\s|\(|[.)*:]*\s*$)|\s+(?:and|or|not|because"
                r"|since|as|for|is|was|would|which)\b",
                rest,
            )
        )

    def _start(self, text: str) -> Matched | None:
        """A label at the start, with harmless words behind it."""
        found = self._longest_start(text)
        if found is None:
            return None
        label, tail = found
        highest = None if self._lettered else names_of(self._allowed).highest
        tail = after_rating(label, tail, highest)
        reason = self._continues(label, tail)
        if reason is not None:
            return Matched(None, "none", text, reason)
        verdict = self._judge(label, tail)
        if not verdict.counts:
            return Matched(None, "none", text, verdict.reason)
        return Matched(label, "folded", text if tail.strip(" .!") else label, verdict.reason)

    def _longest_start(self, text: str) -> tuple[str, str] | None:
        """The longest label that the text starts with, and what follows."""
        if number := NUMBER.match(text):
            named = names_of(self._allowed).by_key.get(key_of(number[0]))
            if named is not None:
                return named, text[number.end() :]
        folded = lower(text)
        for label_key, label in names_of(self._allowed).by_key.items():
            if label_key and folded.startswith(label_key):
                tail = text[len(label_key) :]
                if not (tail[:1].isalnum() or tail[:1] == "_") or label_key[-1:].isdigit():
                    return label, tail
        return None

    def _continues(self, label: str, tail: str) -> Reason | None:
        """Whether what follows belongs to the label's own word or number."""
        if not goes_on(label, tail, option=self._lettered or label.lower() == "no"):
            return None
        others = not tail[:1].isalnum() and self._mentions_other(tail[:40], label)
        return "ambiguous" if others else "continues"

    def _judge(self, label: str, tail: str) -> tails.Verdict:
        agrees = tails.says_no(label)
        return tails.judge(tail, lambda part: self._mentions_other(part, label), agrees=agrees)

    def _why_unread(self, text: str) -> Reason | None:
        end = tails.SENTENCE_END.search(text)
        sentence = text[: end.start()] if end else text
        if len(self._mentioned(sentence)) > 1:
            return "ambiguous"
        return "negated" if _NEGATED.match(sentence) else None

    def _mentions_other(self, text: str, label: str) -> bool:
        return bool(self._mentioned(text) - {key_of(label)})

    def _mentioned(self, text: str) -> set[str]:
        return mentioned(text, self._allowed, lettered=self._lettered)
