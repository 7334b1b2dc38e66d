"""The words between the numbers of an equation: signs, units, and those that are neither."""

import re

from dsbs.core.records import Reason
from dsbs.tasks.number_words import BOUND, FRACTIONS, MULTIPLIERS, NUMBERS, TIME_OF_DAY
from dsbs.tasks.tails import NEGATION

UNIT = re.compile(
    r"(?:kg|mg|cm|mm|km|dm|ml|cl|ft|in|yd|mi|lbs?|oz|mph|kph|hrs?|mins?|secs?|sq|km/h|m/s|cents?)\b"
)
"""Units that may stand at a number without a space, or that would else mean something different."""
PER = re.compile(r"\s*(?:hour|hr|minute|min|second|sec|day|week|month|year|person)\b", re.I)
AREA = re.compile(r"(?:square|cubic)\s+(?=[A-Za-z])(?!roots?\b)", re.IGNORECASE)
"""The first word of a unit such as square feet."""
UNIT_POWER = re.compile(r"(?:(?:\^|\*\*)\s*(?:[23]\b|\([23]\))|[²³])(?!\s*\d)")
"""The power of a unit: cm^2."""
_LENGTH = re.compile(
    r"(?:[cmkd]m|ft|in|yd|mi|inch(?:es)?|feet|foot|yards?|miles?"
    r"|(?:centi|milli|kilo)?met(?:er|re)s?|units?)\Z",
    re.IGNORECASE,
)
WORD_SIGN = re.compile(
    r"(?P<sign>divided by|multiplied by|times|plus|minus|x)\s+(?=[$€£]?\s*[\d(.])"
    r"|(?P<tight>x)(?=\d)",
    re.IGNORECASE,
)
WORD_EQUALS = re.compile(
    r"(?:equals|is equal to|is|gives|makes)"
    r"\s+(?=[$€£]?\s*\d)",
    re.IGNORECASE,
)
EXPLAINS = re.compile(r"(?:because|since|as|which|given|where)\b", re.IGNORECASE)
PERCENT = re.compile(r"percent\b|per cent\b|pct\b", re.IGNORECASE)
PERCENT_OF = re.compile(r"\s*(?:of\s+|[*×]\s*)(?=[$€£]?\s*[\d(])", re.IGNORECASE)
_SIGN_OF = {
    "divided by": "/",
    "multiplied by": "*",
    "times": "*",
    "x": "*",
    "plus": "+",
    "minus": "-",
}
_NO_UNIT = re.compile(
    rf"(?:{MULTIPLIERS}|{FRACTIONS}|squared?|cubed?|factorial|mod|modulo|remainder|power|to|of"
    r"|mm|gross|score|am|pm|o'clock|plus|minus|double|triple)s?"
    rf"|{NUMBERS}|point|twice|pi|tau|sin|cos|tan|log|ln|root|sqrt|xy|yz|xyz|ab|bc|abc"
    r"|[b-zA-Z]",
    re.IGNORECASE,
)


def sign_of(found: re.Match[str]) -> str:
    """The sign that a match of `WORD_SIGN` means."""
    return _SIGN_OF[(found["sign"] or "x").lower()]


def no_unit(text: str, at: int, word: str) -> Reason | None:
    """Why the word at this place behind a number is no unit of it; None where it is one."""
    if word.lower() in ("or", "versus", "vs"):
        return "ambiguous"
    if NEGATION.match(text, at) or NEGATION.fullmatch(word):
        return "negated"
    if TIME_OF_DAY.match(text, at) or BOUND.match(text, at):
        return "continues"
    known = not _NO_UNIT.fullmatch(word) or UNIT.fullmatch(word) or AREA.match(text, at)
    return None if known else "continues"


def ends_in_length(text: str) -> bool:
    """Whether the last word is a unit of length, whose powers are units too."""
    return bool(_LENGTH.search(text.rstrip().rpartition(" ")[2].lstrip("0123456789.")))
