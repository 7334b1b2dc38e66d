"""From several answers to one example to one: the vote, its shares, and rationales that argue for the winner."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from dsbs.core.records import Answer


def vote(answers: Sequence[Answer], *, keep_rationales: int = 1) -> Answer:
    """The answer that stands for all samples of an example, in their order.

    The label is the one that most usable samples gave (the first to be given, of two with as many); rationales are those of
    samples that gave it, without repetition. With one sample it is that sample; without a usable one, the most frequent
    outcome.
    """
    if len(answers) == 1:
        return answers[0]
    usable = [answer for answer in answers if answer.label_usable]
    if not usable:
        outcome, _ = Counter(answer.outcome for answer in answers).most_common(1)[0]
        return next(answer for answer in answers if answer.outcome == outcome)
    votes = Counter(answer.label for answer in usable)
    label, _ = votes.most_common(1)[0]
    winners = [answer for answer in usable if answer.label == label]
    rationales = list(
        dict.fromkeys(a.rationale for a in winners if a.rationale_usable and a.rationale)
    )[:keep_rationales]
    first = next((answer for answer in winners if answer.rationale_usable), winners[0])
    shares = (
        {str(name): count / len(usable) for name, count in votes.items()}
        if len(answers) > 1
        else None
    )
    return replace(first, distribution=shares, more_rationales=tuple(rationales[1:]))
