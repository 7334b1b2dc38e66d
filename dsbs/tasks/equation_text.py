"""An answer without what is no part of an equation: LaTeX, units' signs, words before it."""

import re

from dsbs.tasks.equations import MAX_CHARS, MAX_DEPTH, NUMBER, SIGNS
from dsbs.tasks.undress import closing_brace, undress, without_courtesy

_FRACTION = re.compile(r"\\[dtc]?frac\s*\{")
_LATEX_POWER = re.compile(r"\^\s*\{\s*(-?\d+)\s*\}")
_LATEX_SIGNS = {
    r"\times": "*",
    r"\cdot": "*",
    r"\ast": "*",
    r"\div": "/",
    r"\approx": "≈",
    "{,}": ",",
}
_LEAD = re.compile(
    r"(?:it is|that is|equal to|equals|simply|exactly|therefore|thus|a total of|is|the (?:equation|"
    r"expression|result|number|total|answer|value)(?: is| of)?)\b[\s:]*|[A-Za-z][A-Za-z ]{0,40}=",
    re.IGNORECASE,
)


def plain_equation(text: str) -> str:
    """An answer without what is no part of an equation, LaTeX fractions and signs as arithmetic."""
    for latex, plain in _LATEX_SIGNS.items():
        text = text.replace(latex, plain)
    text = _LATEX_POWER.sub(r"^(\1)", text)
    text = _plain_fractions(text[: 4 * MAX_CHARS])
    text = without_courtesy(undress(text))[: 2 * MAX_CHARS]
    while lead := _LEAD.match(text):
        text = undress(text[lead.end() :])
    return text.translate(SIGNS).strip()


def _plain_fractions(text: str) -> str:
    r"""`\frac{48}{6}` as ( ( 48 ) / ( 6 ) ), the innermost brackets only where they are needed."""
    for _ in range(MAX_DEPTH):
        fraction = _FRACTION.search(text)
        if fraction is None:
            break
        middle = closing_brace(text, fraction.end())
        second = re.compile(r"\}\s*\{").match(text, middle)
        if second is None:
            break
        end = closing_brace(text, second.end())
        parts = [text[fraction.end() : middle].strip(), text[second.end() : end].strip()]
        above, below = (p if re.fullmatch(NUMBER, p) else f"({p})" for p in parts)
        text = f"{text[: fraction.start()]} ({above} / {below}) {text[end + 1 :]}"
    return text
