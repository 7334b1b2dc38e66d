"""What stands behind a label, and whether it leaves the label as it was read.

A part is never taken for the whole: a label counts only where the words behind it are shown to be
harmless. They are looked at in three parts: the statement itself ("or", a negation, another label),
its explanation ("because ..."), and later sentences.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from dsbs.core.records import Reason

SENTENCE_END = re.compile(r"[.!]+[\"')\]*]*(?=\s|$)|\n")
EXPLANATION = re.compile(
    r"\b(?:because|since|as|which|who|where|given|considering|due to|for the reason|based on"
    r"|according to|so that|while|whereas)\b|\((?![A-Za-z]\))|[—–]|\s-\s",
    re.IGNORECASE,
)
NEGATION = re.compile(
    r"\b(?:not|never|neither|nor|cannot|none|wrong|incorrect|untrue|unlikely|excluded|except"
    r"|rule[ds]? out|hardly)\b|n't\b|\bno\b(?!\s+doubt)",
    re.IGNORECASE,
)
_SAYS_NO = re.compile(r"\b(?:no|not|none|never|neither|nor|false|incorrect|wrong)\b|n't\b|\bnon")
_ALTERNATIVE = re.compile(r"\b(?:or|versus|vs)\b|/", re.IGNORECASE)
_HEDGE = re.compile(
    r"\b(?:or|also|too(?=\s*(?:[.,;!)]|$))|as well|either|equally|both|could|might|may|maybe"
    r"|perhaps|possibly|possible"
    r"|plausible|alternatively|however|but|although|though|unless|otherwise|second|likewise)\b",
    re.IGNORECASE,
)
_REJECTION = re.compile(
    r"\b(?:not|neither|nor|cannot|wrong|incorrect|rather than|instead of|unlike|fails?"
    r"|rule[ds]? out"
    r"|eliminat\w+|exclud\w+|irrelevant|unrelated|contradicts?)\b|n't\b",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"(?:^|[.!?\n]\s*)(?:oh|oops|hmm|but)?[,.\s]*(?:wait|actually|correction|scratch that|no[,.:!]"
    r"|on (?:second thought|(?:further )?reflection|closer inspection)|then again|sorry"
    r"|let me re\w*|i was wrong|my mistake)\b"
    r"|\b(?:made|making) an? (?:mistake|error)\b"
    r"|\b(?:that|this|it|which)(?:'s| is| was) (?:wrong|incorrect|not (?:right|correct|true"
    r"|the))\b",
    re.IGNORECASE,
)
_NOT_RIGHT = re.compile(
    r"(?:\bnot|\bnever|n't)\s+(?:\w+\s+){0,2}?(?:correct|right|true|answer|best|likely|choice"
    r"|option)\b",
    re.IGNORECASE,
)
_ASSERTION = re.compile(
    r"\b(?:correct|right|true|answer|better|best|likely|choice|option|label|choose|pick|prefer\w*"
    r"|go(?:ing)? with|settle|conclude|it is|it's|it would be)\b",
    re.IGNORECASE,
)
_VERB = re.compile(r"\b(?:is|are|was|were)\b", re.IGNORECASE)
_NO = re.compile(r"[\s(—–-]*(?:no|wait|actually)\b", re.IGNORECASE)
_OTHER_REJECTED = (
    r"[,;]?\s*(?:and\s+|but\s+)?(?:not|neither|rather than|instead of|as opposed to|over|unlike)\s+"
)

Mentions = Callable[[str], bool]
"""Whether a text names another allowed label."""


class Verdict(NamedTuple):
    """Whether the words behind a label are harmless: there is no reason.

    A label that `counts` in spite of a reason is scored and not learned.
    """

    reason: Reason | None = None
    counts: bool = True


HARMLESS = Verdict()


def says_no(label: str) -> bool:
    """Whether a label is itself a negation, with which one behind it agrees: "No, it is not"."""
    return bool(_SAYS_NO.search(label.lower()))


def judge(tail: str, mentions: Mentions, *, agrees: bool = False) -> Verdict:
    """Judge what stands behind a label, up to a few hundred characters of it.

    Args:
        tail: what stands behind the label.
        mentions: whether a text names another label.
        agrees: whether a negation agrees with the label; see `says_no`.
    """
    if not tail.strip(" .!\"')]*"):
        return HARMLESS
    end = SENTENCE_END.search(tail)
    sentence = tail[: end.start()] if end else tail
    later = tail[end.end() :] if end else ""
    because = EXPLANATION.search(sentence)
    statement = sentence[: because.start()] if because else sentence
    explanation = sentence[because.start() :] if because else ""
    reason = _statement(statement, mentions)
    if reason and not (reason == "negated" and agrees):
        return Verdict(reason, counts=False)
    return _afterwords(explanation, later, mentions)


def _statement(statement: str, mentions: Mentions) -> Reason | None:
    if "?" in statement:
        return "ambiguous"
    for part in re.split(_OTHER_REJECTED, statement, flags=re.IGNORECASE)[1:]:
        if mentions(part) and not _ALTERNATIVE.search(part):
            statement = statement.replace(part, "")
            statement = re.sub(_OTHER_REJECTED + r"$", "", statement, flags=re.IGNORECASE)
    if _ALTERNATIVE.search(statement) or mentions(statement):
        return "ambiguous"
    return "negated" if NEGATION.search(statement) else None


def _afterwords(explanation: str, later: str, mentions: Mentions) -> Verdict:
    if _NO.match(explanation) or _TAKEN_BACK.search(later) or _TAKEN_BACK.search(explanation):
        return Verdict("negated", counts=False)
    doubt = HARMLESS
    for sentence in [explanation, *SENTENCE_END.split(later)]:
        if not sentence.strip() or not mentions(sentence):
            continue
        if _HEDGE.search(sentence):
            return Verdict("ambiguous", counts=False)
        if not _explains(sentence):
            doubt = Verdict("ambiguous")
    return doubt


def _explains(sentence: str) -> bool:
    """Whether a sentence that names another label speaks against it, or only about it."""
    sentence = _NOT_RIGHT.sub("", sentence)
    if _ASSERTION.search(sentence):
        return False
    says_something = len(re.findall(r"\w+", sentence)) > 3 or _VERB.search(sentence)
    return bool(says_something or _REJECTION.search(sentence))
