"""Equations as answers state them: with units, words, LaTeX, and their value behind "="."""

import re
from typing import NamedTuple

from dsbs.core.records import Reason
from dsbs.tasks import tails
from dsbs.tasks.equation_sides import Refused, Side, agreed
from dsbs.tasks.equation_tails import ONLY_ARITHMETIC, check_note, check_tail
from dsbs.tasks.equation_text import plain_equation
from dsbs.tasks.equation_words import (
    AREA,
    EXPLAINS,
    PER,
    PERCENT,
    PERCENT_OF,
    UNIT,
    UNIT_POWER,
    WORD_EQUALS,
    WORD_SIGN,
    ends_in_length,
    no_unit,
    sign_of,
)
from dsbs.tasks.equations import NotAnEquation, normalize

_PIECE = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"|(?P<equals>=|≈)"
    r"|(?P<sign>\*\*|[-+*/^()])"
    r"|(?P<percent>%)"
    r"|(?P<word>[A-Za-z][A-Za-z'’]*(?:[-/][A-Za-z]+)*)"
)
_NUMBER_GOES_ON = re.compile(r"[.,:'’_]\d|[\d½¼¾²³!{;#@&~|\\]")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}([-/])\d{1,2}\1\d{4}")
_NOTE = re.compile(r"\(([^()]*)\)")


class Found(NamedTuple):
    """An expression within an answer."""

    expression: str | None
    exact: bool = False
    """Whether the answer is nothing but the expression."""
    reason: Reason | None = None
    """Why there is none, where there seemed to be one."""


def read_equation(text: str) -> Found:
    r"""The expression that an answer states, whatever units, LaTeX or plain words it is written
    with.

    Whatever cannot be shown to be harmless makes it no expression: a number that goes on, a letter
    that multiplies, a list, a value behind "=" that is not that of the expression.

    >>> read_equation(r"$48 \div 6$ rolls").expression
    '48 / 6'
    >>> read_equation("5 or 6")
    Found(expression=None, exact=False, reason='ambiguous')
    """
    text = text.strip()
    if _DATE.fullmatch(text.rstrip(" .")):
        return Found(None, reason="continues")
    if ONLY_ARITHMETIC.fullmatch(text) and (whole := normalize(text)) is not None:
        return Found(whole, exact=True)
    return _Reader(plain_equation(text)).read()


class _Reader:
    """Reads the sides of an equation off a prepared text, up to the end of the statement."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._sides = [Side()]
        self._plain = True
        """Whether there was nothing but arithmetic."""

    def read(self) -> Found:
        try:
            while self._step():
                pass
            if check_tail(self._text[self._at :], self._sides[0].expression):
                self._plain = False
            return Found(agreed(self._sides), self._plain)
        except Refused as refused:
            return Found(None, reason=refused.reason)
        except NotAnEquation:
            return Found(None, reason="continues" if self._sides[0].tokens else None)

    def _step(self) -> bool:
        """Read one piece; False where the statement ends."""
        side = self._sides[-1]
        if side.complete and self._ends_here():
            return False
        piece = _PIECE.match(self._text, self._at)
        if piece is None:
            return self._unknown(side)
        kind = piece.lastgroup
        if kind == "space":
            self._at = piece.end()
        elif kind == "number":
            self._number(side, piece)
        elif kind == "equals":
            self._equals(side, piece.end())
        elif kind == "percent":
            self._percent(side, piece.end())
        elif kind == "word":
            return self._word(side, piece)
        else:
            return self._sign(side, piece)
        return True

    def _unknown(self, side: Side) -> bool:
        """What is no piece of an equation ends it, but for the power of a unit."""
        power = UNIT_POWER.match(self._text, self._at)
        if power and side.complete and ends_in_length(self._text[: self._at]):
            return self._skip(power.end())
        opened = len(self._sides) > 1 and not side.tokens  # "48 / 6 =" and nothing more
        if (side.complete or opened) and not side.depth:
            return False
        raise Refused(self._why_none())

    def _ends_here(self) -> bool:
        rest = self._text[self._at :]
        end = tails.SENTENCE_END.match(rest)
        if end is None:
            return not rest.strip()
        # A line that goes on with a sign belongs to the same statement.
        return not (rest[0] == "\n" and re.match(r"\s*[=≈*/^+]", rest))

    def _number(self, side: Side, piece: re.Match[str]) -> None:
        rest = self._text[piece.end() :]
        goes_on = _NUMBER_GOES_ON.match(rest) and not re.match(r"!(?:\s*$|\s+[A-Za-z\"'])", rest)
        letters = re.match(r"[A-Za-z]", rest) and not re.match(r"[xX]\s*\d", rest)
        if side.complete or goes_on or re.match(r"0\d", piece["number"]):
            raise Refused("continues")
        if letters and not UNIT.match(rest):
            raise Refused("continues")
        side.tokens.append(piece["number"])
        side.complete = True
        side.rounded_to = len(piece["number"].partition(".")[2])
        self._at = piece.end()

    def _equals(self, side: Side, end: int) -> None:
        side.value()
        self._sides.append(Side())
        self._skip(end)

    def _percent(self, side: Side, end: int) -> None:
        """20 % alone is the number 20; of something, or as a factor, it is 20 / 100."""
        if not side.complete or side.tokens[-1] == ")":
            raise Refused("continues")
        of = PERCENT_OF.match(self._text, end)
        factor = len(side.tokens) > 1 and side.tokens[-2] == "*"
        if of or factor:
            side.tokens[-1:] = ["(", side.tokens[-1], "/", "100", ")"]
            if of:
                side.tokens.append("*")
                side.complete = False
        elif len(side.tokens) > 1 or re.match(r"\s*[-+*/^(]|\s*\d", self._text[end:]):
            raise Refused("continues")
        else:
            side.percent = True
        self._skip(of.end() if of else end)

    def _sign(self, side: Side, piece: re.Match[str]) -> bool:
        sign = piece["sign"]
        if sign == "(":
            if side.complete:
                return self._note(side)
            side.depth += 1
        elif sign == ")":
            if not side.complete:
                raise Refused("continues")
            if not side.depth:
                return self._skip(piece.end())
            side.depth -= 1
        elif sign in ("^", "**") and self._text[: self._at].rstrip()[-1:].isalpha():
            return self._unit_power()
        elif side.complete and re.match(r"\s*[A-Za-z]", self._text[piece.end() :]):
            return self._sign_before_word(side, sign, piece.end())
        elif not side.complete and sign not in "+-":
            raise Refused("continues" if side.tokens else None)
        else:
            side.complete = False
        side.tokens.append(sign)
        self._at = piece.end()
        return True

    def _unit_power(self) -> bool:
        """The power of a unit, such as cm^2; that of any other word is refused."""
        power = UNIT_POWER.match(self._text, self._at)
        if power is None or not ends_in_length(self._text[: self._at]):
            raise Refused("continues")
        return self._skip(power.end())

    def _skip(self, end: int) -> bool:
        """Pass what is no arithmetic and changes nothing."""
        self._plain = False
        self._at = end
        return True

    def _sign_before_word(self, side: Side, sign: str, end: int) -> bool:
        """ "8 km / hour" is a unit, "8 - that is all" a remark, "8 - some" no arithmetic."""
        unit = PER.match(self._text, end)
        if sign == "/" and unit and not side.depth:
            return self._skip(unit.end())
        sentence = self._sentence(end)
        if side.depth or sign != "-" or re.search(r"\d", sentence) or len(sentence.split()) < 2:
            raise Refused("continues")
        return False

    def _note(self, side: Side) -> bool:
        """Brackets behind a number: its unit, or the same value again."""
        note = _NOTE.match(self._text, self._at)
        if note is None or side.depth:
            raise Refused("continues")
        check_note(note[1], side.expression)
        return self._skip(note.end())

    def _word(self, side: Side, piece: re.Match[str]) -> bool:
        """A sign in words, a unit, or the beginning of an explanation."""
        if not side.complete:
            raise Refused("continues" if side.tokens else self._why_none())
        if word_sign := WORD_SIGN.match(self._text, self._at):
            side.tokens.append(sign_of(word_sign))
            side.complete = False
            return self._skip(word_sign.end())
        if percent := PERCENT.match(self._text, self._at):
            self._percent(side, percent.end())
            return True
        if equals := WORD_EQUALS.match(self._text, self._at):
            self._equals(side, equals.end())
            return True
        if EXPLAINS.match(piece["word"]) and not side.depth:
            return False
        if reason := no_unit(self._text, self._at, piece["word"]):
            raise Refused(reason)
        area = AREA.match(self._text, self._at)
        return self._skip(area.end() if area else piece.end())

    def _why_none(self) -> Reason | None:
        return "negated" if tails.NEGATION.match(self._text) else None

    def _sentence(self, start: int) -> str:
        end = tails.SENTENCE_END.search(self._text, start)
        return self._text[start : end.start() if end else len(self._text)]
