"""From the alternatives of an answer's tokens to a distribution over the task's labels.

A server gives the likeliest tokens at each place of an answer. Where the answer states its label,
each alternative begins the writing of one label, of several, or of none. The probability of a label
is that of the tokens that begin it and no other; where the answer's own token begins several, the
next place goes on with them (labels of several tokens). Probabilities are those of the server's
full vocabulary, so labels beyond its alternatives have none, and nothing is put in their place.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

from dsbs.core.records import Completion, Example
from dsbs.labeling.label_place import LabelPlace, find_place
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.task import Task

MOST_SHARED = 0.01
"""Probability on tokens that begin several labels, above which a row is excluded."""
LEAST_READ = 0.5
"""Probability that labels must have together."""

LeftOut = Literal["no_logprobs", "no_label", "no_place", "shared_tokens", "other_text"]
"""Why an answer has no distribution."""

_WHY: Mapping[LeftOut, str] = {
    "no_logprobs": "the server gave no top_logprobs",
    "no_label": "the answer has no usable label",
    "no_place": "the tokens do not show where the label stands",
    "shared_tokens": "several labels begin with the same token",
    "other_text": "other text than labels is likelier at the label's place",
}


class _Read(NamedTuple):
    """What the alternatives at the label's place are worth."""

    labels: Mapping[str, float]
    """Probability of each label that an alternative begins."""
    shared: float
    """Probability of tokens that begin several labels."""


class LogprobReader:
    """Turns completions with tokens into completions with label scores, and counts."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._left_out: Counter[LeftOut] = Counter()
        self._read = 0

    def __call__(self, example: Example, completion: Completion) -> Completion:
        """The completion without its tokens, and with label scores where these can be read."""
        if completion.error is not None:
            return completion
        found = self._scores(example, completion)
        if isinstance(found, str):
            self._left_out[found] += 1
            return replace(completion, tokens=())
        self._read += 1
        return replace(completion, tokens=(), label_scores=found)

    def lines(self) -> Iterator[str]:
        """How many new answers have a distribution, and why others have none."""
        total = self._read + self._left_out.total()
        if not total:
            return
        yield f"label distributions from top_logprobs: {self._read:,} of {total:,} new answers"
        for why, count in self._left_out.most_common():
            yield f"  {count:,} have none: {_WHY[why]}"

    def _scores(self, example: Example, completion: Completion) -> dict[str, float] | LeftOut:
        if not completion.tokens:
            return "no_logprobs"
        answer = parse_answer(self._task, example, completion)
        if not answer.label_usable:
            return "no_label"
        place = find_place(self._task, example, completion, answer)
        read = place and _read(completion, place)
        if not read:
            return "no_place"
        if read.shared > MOST_SHARED:
            return "shared_tokens"
        if sum(read.labels.values()) < LEAST_READ:
            return "other_text"
        return {label: math.log(share) for label, share in read.labels.items() if share > 0}


def _read(completion: Completion, place: LabelPlace) -> _Read | None:
    """The labels' probabilities, from the token in which the label begins onwards."""
    at = _first_token(completion, place.start)
    if at is None:
        return None
    number, lead = at
    labels: dict[str, float] = defaultdict(float)
    shared = 0.0
    path = 0.0  # log-probability of the tokens of the label so far
    written = ""
    for token in completion.tokens[number:]:
        for other, logprob in token.logprobs.items():
            if other == token.text:
                continue
            begun = _begun(written, other, lead, place)
            weight = math.exp(path + logprob)
            if len(begun) == 1:
                labels[begun[0]] += weight
            elif begun:
                shared += weight
        own = _begun(written, token.text, lead, place)
        path += token.logprobs.get(token.text, -math.inf)
        if len(own) < 2:
            if own:
                labels[own[0]] += math.exp(path)
            return _Read(labels, shared) if own else None
        written += _after(token.text, lead) or ""
        lead = ""
    # The answer ends with a label that others begin with too: it is the one that is written whole.
    whole = [label for label, form in place.forms.items() if form.casefold() == written.casefold()]
    if len(whole) != 1:
        return None
    labels[whole[0]] += math.exp(path)
    return _Read(labels, shared)


def _first_token(completion: Completion, start: int) -> tuple[int, str] | None:
    """The number of the token in which a character stands, and its text before it."""
    spelled = b"".join(token.text for token in completion.tokens)
    offset = spelled.find(completion.text.encode(errors="replace"))
    if offset < 0:
        return None
    wanted = offset + len(completion.text[:start].encode(errors="replace"))
    position = 0
    for number, token in enumerate(completion.tokens):
        if position + len(token.text) > wanted:
            return number, token.text[: wanted - position].decode(errors="ignore")
        position += len(token.text)
    return None


def _begun(written: str, token: bytes, lead: str, place: LabelPlace) -> list[str]:
    """The labels that a token goes on with, after what is written of a label."""
    rest = _after(token, lead)
    if rest is None or not rest.strip():
        # A token of spaces alone decides nothing where a label has begun.
        return [y for y, form in place.forms.items() if _ends(form, written)] if written else []
    text = f"{written}{rest}".casefold()
    longer = [y for y, form in place.forms.items() if form.casefold().startswith(text)]
    if longer:
        return longer
    ended = [y for y, form in place.forms.items() if _ends(form, text)]
    longest = max((len(place.forms[label]) for label in ended), default=0)
    return [label for label in ended if len(place.forms[label]) == longest]


def _ends(form: str, text: str) -> bool:
    """Whether a text is the whole form, with no further letter at once behind it."""
    folded = form.casefold()
    behind = text.casefold()[len(folded) :][:1]
    return text.casefold().startswith(folded) and not behind.isalnum()


def _after(token: bytes, lead: str) -> str | None:
    """The part of a token that belongs to the label; None where it begins otherwise."""
    text = token.decode(errors="ignore")
    if text.startswith(lead):
        return text[len(lead) :]
    return text.lstrip() if not lead.strip() else None
