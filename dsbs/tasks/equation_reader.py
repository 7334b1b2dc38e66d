"""Equations as answers state them: with units, words, LaTeX, and their value behind "="."""

import math
import re
from typing import NamedTuple

from dsbs.core.records import Reason
from dsbs.tasks import tails
from dsbs.tasks.equation_text import plain_equation
from dsbs.tasks.equations import NotAnEquation, normalize, same_value, value_of

_ONLY_ARITHMETIC = re.compile(r"[\d\s.()*/+-]+")
_PIECE = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"|(?P<equals>=|≈)"
    r"|(?P<sign>\*\*|[-+*/^()])"
    r"|(?P<percent>%)"
    r"|(?P<word>[A-Za-z][A-Za-z'’]*(?:[-/][A-Za-z]+)*)"
)
_NUMBER_GOES_ON = re.compile(r"[.,:'’_]\d|[\d½¼¾²³!{;#@&~|\\]")
_UNIT = re.compile(
    r"(?:kg|mg|cm|mm|km|dm|ml|cl|ft|in|yd|mi|lbs?|oz|mph|kph|hrs?|mins?|secs?|sq|km/h|m/s|cents?)\b"
)
_WORD_SIGNS = re.compile(
    r"(?P<sign>divided by|multiplied by|times|plus|minus|x)\s+(?=[$€£]?\s*[\d(.])"
    r"|(?P<tight>x)(?=\d)",
    re.IGNORECASE,
)
_WORD_EQUALS = re.compile(
    r"(?:equals|is equal to|is|gives|makes)"
    r"\s+(?=[$€£]?\s*\d)",
    re.IGNORECASE,
)
_SIGN_OF = {
    "divided by": "/",
    "multiplied by": "*",
    "times": "*",
    "x": "*",
    "plus": "+",
    "minus": "-",
}
_NO_UNIT = re.compile(
    r"(?:hundred|thousand|million|billion|trillion|dozen|hal(?:f|ves)|third|quarter|fourth|fifth"
    r"|tenth|hundredth|thousandth|squared?|cubed?|factorial|mod|modulo|remainder|power|to|of|bn"
    r"|mn|mm"
    r"|lakh|crore|gross|score|ten|am|pm|o'clock|plus|minus)s?"
    r"|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty"
    r"|[b-zA-Z]",
    re.IGNORECASE,
)
_EXPLAINS = re.compile(r"(?:because|since|as|which|given|where)\b", re.IGNORECASE)
_PER = re.compile(r"\s*(?:hour|hr|minute|min|second|sec|day|week|month|year|person)\b", re.I)
_PERCENT = re.compile(r"percent\b|per cent\b", re.IGNORECASE)
_OF = re.compile(r"\s*(?:of\s+|[*×]\s*)(?=[$€£]?\s*[\d(])", re.IGNORECASE)
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
    if _ONLY_ARITHMETIC.fullmatch(text) and (whole := normalize(text)) is not None:
        return Found(whole, exact=True)
    return _Reader(plain_equation(text)).read()


class _Side:
    """What stands on one side of an equals sign."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.depth = 0
        self.complete = False
        self.percent = False
        self.rounded_to: int | None = None
        """Decimals of the last number."""

    def value(self) -> float:
        if not self.complete or self.depth:
            raise NotAnEquation("it ends too early")
        return value_of(self.tokens)


class _Refused(Exception):
    def __init__(self, reason: Reason | None) -> None:
        self.reason = reason


class _Reader:
    """Reads the sides of an equation off a prepared text, up to the end of the statement."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._sides = [_Side()]
        self._plain = True
        """Whether there was nothing but arithmetic."""

    def read(self) -> Found:
        try:
            while self._step():
                pass
            self._check_tail(self._text[self._at :])
            return Found(self._agreed(), self._plain)
        except _Refused as refused:
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
            opened = len(self._sides) > 1 and not side.tokens  # "48 / 6 =" and nothing more
            if (side.complete or opened) and not side.depth:
                return False
            raise _Refused(self._why_none())
        kind = piece.lastgroup
        if kind == "space":
            self._at = piece.end()
        elif kind == "number":
            self._number(side, piece)
        elif kind == "equals":
            side.value()
            self._sides.append(_Side())
            self._plain = False
            self._at = piece.end()
        elif kind == "percent":
            self._percent(side, piece.end())
        elif kind == "word":
            return self._word(side, piece)
        else:
            return self._sign(side, piece)
        return True

    def _ends_here(self) -> bool:
        rest = self._text[self._at :]
        end = tails.SENTENCE_END.match(rest)
        if end is None:
            return not rest.strip()
        # A line that goes on with a sign belongs to the same statement.
        return not (rest[0] == "\n" and re.match(r"\s*[=≈*/^+]", rest))

    def _number(self, side: _Side, piece: re.Match[str]) -> None:
        if side.complete:
            raise _Refused("continues")
        number = piece["number"]
        rest = self._text[piece.end() :]
        if re.match(r"0\d", number) or (
            _NUMBER_GOES_ON.match(rest) and not re.match(r"!(?:\s*$|\s+[A-Za-z\"'])", rest)
        ):
            raise _Refused("continues")
        if (
            re.match(r"[A-Za-z]", rest)
            and not _UNIT.match(rest)
            and not re.match(r"[xX]\s*\d", rest)
        ):
            raise _Refused("continues")
        side.tokens.append(number)
        side.complete = True
        side.rounded_to = len(number.partition(".")[2])
        self._at = piece.end()

    def _percent(self, side: _Side, end: int) -> None:
        """20 % alone is the number 20; of something, or as a factor, it is 20 / 100."""
        if not side.complete or side.tokens[-1] == ")":
            raise _Refused("continues")
        of = _OF.match(self._text, end)
        factor = len(side.tokens) > 1 and side.tokens[-2] == "*"
        if of or factor:
            side.tokens[-1:] = ["(", side.tokens[-1], "/", "100", ")"]
            if of:
                side.tokens.append("*")
                side.complete = False
        elif len(side.tokens) > 1 or re.match(r"\s*[-+*/^(]|\s*\d", self._text[end:]):
            raise _Refused("continues")
        else:
            side.percent = True
        self._plain = False
        self._at = of.end() if of else end

    def _sign(self, side: _Side, piece: re.Match[str]) -> bool:
        sign = piece["sign"]
        if sign == "(":
            if side.complete:
                return self._note(side)
            side.depth += 1
        elif sign == ")":
            if not side.depth:
                return self._closing_mark(side, piece.end())
            side.depth -= 1
        elif sign in ("^", "**") and self._behind_unit():
            raise _Refused("continues")
        elif side.complete and re.match(r"\s*[A-Za-z]", self._text[piece.end() :]):
            return self._sign_before_word(side, sign, piece.end())
        elif not side.complete and sign not in "+-":
            raise _Refused("continues" if side.tokens else None)
        else:
            side.complete = False
        if sign == ")" and not side.complete:
            raise _Refused("continues")
        side.tokens.append(sign)
        self._at = piece.end()
        return True

    def _behind_unit(self) -> bool:
        """Whether a power is that of a unit, such as cm^2."""
        return self._text[: self._at].rstrip()[-1:].isalpha()

    def _closing_mark(self, side: _Side, end: int) -> bool:
        if not side.complete:
            raise _Refused("continues")
        self._plain = False
        self._at = end
        return True

    def _sign_before_word(self, side: _Side, sign: str, end: int) -> bool:
        """ "8 km / hour" is a unit, "8 - that is all" a remark, "8 - some" no arithmetic."""
        unit = _PER.match(self._text, end)
        if sign == "/" and unit and not side.depth:
            self._plain = False
            self._at = unit.end()
            return True
        if side.depth or sign != "-" or re.search(r"\d", self._sentence(end)):
            raise _Refused("continues")
        if len(self._sentence(end).split()) < 2:
            raise _Refused("continues")
        return False

    def _note(self, side: _Side) -> bool:
        """Brackets behind a number: its unit, or the same value again."""
        note = _NOTE.match(self._text, self._at)
        if note is None or side.depth:
            raise _Refused("continues")
        same = same_value(note[1], " ".join(side.tokens))
        if (re.search(r"[\d=]", note[1]) and not same) or tails.NEGATION.search(note[1]):
            raise _Refused("continues")
        if re.search(r"\bor\b", note[1]):
            raise _Refused("ambiguous")
        self._plain = False
        self._at = note.end()
        return True

    def _word(self, side: _Side, piece: re.Match[str]) -> bool:
        word_sign = _WORD_SIGNS.match(self._text, self._at)
        if side.complete and word_sign:
            self._plain = False
            side.tokens.append(_SIGN_OF[(word_sign["sign"] or "x").lower()])
            side.complete = False
            self._at = word_sign.end()
            return True
        if not side.complete:
            raise _Refused(self._why_none() if not side.tokens else "continues")
        if percent := _PERCENT.match(self._text, self._at):
            self._percent(side, percent.end())
            return True
        if equals := _WORD_EQUALS.match(self._text, self._at):
            side.value()
            self._sides.append(_Side())
            self._at = equals.end()
            return True
        word = piece["word"]
        if word.lower() in ("or", "versus", "vs"):
            raise _Refused("ambiguous")
        if tails.NEGATION.match(self._text, self._at) or tails.NEGATION.fullmatch(word):
            raise _Refused("negated")
        if _EXPLAINS.match(word) and not side.depth:
            return False
        if _NO_UNIT.fullmatch(word) and not _UNIT.fullmatch(word):
            raise _Refused("continues")
        self._plain = False
        self._at = piece.end()
        return True

    def _why_none(self) -> Reason | None:
        return "negated" if tails.NEGATION.match(self._text) else None

    def _sentence(self, start: int) -> str:
        end = tails.SENTENCE_END.search(self._text, start)
        return self._text[start : end.start() if end else len(self._text)]

    def _check_tail(self, tail: str) -> None:
        """Nothing behind the equation may change it."""
        statement, *later = tails.SENTENCE_END.split(tail)
        if re.match(r"\s+\.\s*\d", tail) or any(map(self._contradicts, later)):
            raise _Refused("ambiguous")
        if not re.match(
            r"\s*(?:$|[,.!\n\"')\]}]|[-—]\s*[A-Za-z]|(?:because|since|as|which|given|where)\b)",
            tail,
            re.I,
        ):
            raise _Refused("ambiguous" if tail.lstrip().startswith("?") else "continues")
        explained = re.search(_EXPLAINS, statement)
        before = statement[: explained.start()] if explained else statement
        if re.search(r"\d", before):
            raise _Refused("continues")
        verdict = tails.judge(tail, lambda part: False)
        if verdict.reason:
            raise _Refused(verdict.reason)
        if statement.strip(" ."):
            self._plain = False

    def _contradicts(self, line: str) -> bool:
        """Whether a line or sentence is an expression of another value."""
        if not _ONLY_ARITHMETIC.fullmatch(line) or not line.strip():
            return False
        other = normalize(line)
        return other is not None and not same_value(other, " ".join(self._sides[0].tokens))

    def _agreed(self) -> str:
        """The first side that computes something, once all sides have one value."""
        sides = self._sides
        if len(sides) > 1 and not sides[-1].tokens:
            sides = sides[:-1]
        values = [side.value() for side in sides]
        for side, value in zip(sides[1:], values[1:], strict=True):
            if not _agrees(values[0], value, side):
                raise _Refused("ambiguous")
        if sides[0].percent and len(sides) > 1:
            raise _Refused("ambiguous")
        computing = [side for side in sides if any(token in "+-*/^**" for token in side.tokens[1:])]
        return " ".join((computing or sides)[0].tokens)


def _agrees(value: float, stated: float, side: _Side) -> bool:
    """Whether a stated value is that of the expression, rounded to the decimals it has."""
    stated_values = [stated, stated / 100] if side.percent else [stated]
    decimals = side.rounded_to or 0
    for one in stated_values:
        if math.isclose(value, one, rel_tol=1e-9, abs_tol=1e-9):
            return True
        if len(side.tokens) == 1 and decimals and abs(value - one) <= 0.5000001 * 10**-decimals:
            return True
    return False
