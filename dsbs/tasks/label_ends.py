"""Where a label ends: whether what stands behind it belongs to its own word or number."""

import re

from dsbs.tasks.label_keys import is_number
from dsbs.tasks.number_words import MULTIPLIERS, TIME_OF_DAY

AFTER_OPTION = re.compile(
    r"\s*(?:$|[,;.!?(—–\n]|-\s|(?:is|are|was|were|would|will|can|has|have|because|since|as"
    r"|which|that"
    r"|for|so|or|and|not|but|rather|given|due)\b)",
    re.IGNORECASE,
)
"""What may stand behind the text of an option; another word would make it a different thing."""
_AFTER_NUMBER = re.compile(
    r"[\w%^+*=<>~&{;/|#@°½¼¾²³']|[.,:]\d|\.{2,}\s*\d|-(?!(?:stars?|points?)\b|\s+[A-Za-z])"
    r"|\s*[-–—]\s*\d|\s+(?:[+*/x×÷=<>±^%½¼¾]|\d|to\b|through\b|out of\b|of\b|times\b"
    r"|point\b|and (?:a|one) half\b|or\b"
    rf"|(?:{MULTIPLIERS}|percent|per cent|pct|k|m)s?\b)|\s*[;{{%]|,\s*\d",
    re.IGNORECASE,
)
_AFTER_WORD = re.compile(r"[\w+#&@^~=<>'’\\|%*$-]|[.:]\w|\s*\{")
_OUT_OF = re.compile(
    r"\s*(?:stars?|points?)?\s*\(?\s*(?:/|out of)\s*(\d+)(?:\.0+)?\)?(?![\d:/]|[.,]\d)",
    re.IGNORECASE,
)


def after_rating(label: str, tail: str, highest: float | None) -> str:
    """What stands behind a rating such as "4/5" or "4 out of 5" on a scale that ends in 5."""
    rating = _OUT_OF.match(tail) if is_number(label) and highest is not None else None
    return tail[rating.end() :] if rating and float(rating[1]) == highest else tail


def goes_on(label: str, tail: str, *, option: bool) -> bool:
    """Whether what follows belongs to the label's own word or number.

    Args:
        label: the label that the text starts with.
        tail: what follows it.
        option: whether the label is the text of an option, behind which hardly a word may stand.
    """
    if is_number(label):
        return bool(_AFTER_NUMBER.match(tail) or TIME_OF_DAY.match(tail.lstrip()))
    return bool(_AFTER_WORD.match(tail)) or (option and not AFTER_OPTION.match(tail))
