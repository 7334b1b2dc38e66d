"""The form in which labels are compared, and the letters of options."""

import re

from dsbs.tasks.undress import undress

LETTERS = "abcdefghijklmnopqrstuvwxyz"
"""The names of options, in order."""

NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+(?![\d])|\d+)(\.\d+)?")
"""A plain number, with or without thousands marks."""


def fold(text: str) -> str:
    """The text in lower case, with single spaces."""
    return " ".join(text.casefold().split())


def key(text: str) -> str:
    """The form in which labels are compared: undressed and folded, numbers by value.

    >>> key("**The U.S.**") == key("the  u.s")
    True
    """
    return key_of(undress(text))


def key_of(text: str) -> str:
    """The key of an undressed text."""
    if text.replace(" ", "").isalpha():
        return fold(text)
    folded = fold(text).replace('"', "").replace("`", "").strip("' ")
    folded = folded.rstrip(".!").rstrip() or folded
    if folded.startswith("(") and folded.endswith(")") and "(" not in folded[1:]:
        folded = folded[1:-1].strip() or folded
    if folded.startswith("[") and folded.endswith("]") and "[" not in folded[1:]:
        folded = folded[1:-1].strip() or folded
    if number := NUMBER.fullmatch(folded):
        return f"{float(number[0].replace(',', '')):.15g}" if len(folded) < 15 else folded
    return folded


def is_number(label: str) -> bool:
    """Whether a label is a plain number, such as a rating."""
    return bool(NUMBER.fullmatch(label.strip()))


def lower(text: str) -> str:
    """The text in lower case, character by character, so that places in both are the same."""
    lowered = text.casefold()
    if len(lowered) == len(text):
        return lowered
    return "".join(c.casefold() if len(c.casefold()) == 1 else c for c in text)
