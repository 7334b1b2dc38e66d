"""From the answers of several samples to one answer: their vote, its shares, its rationales."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from dsbs.core.records import Answer
from dsbs.tasks.labels import LabelKind, meaning


def vote(
    answers: Sequence[Answer], *, kind: LabelKind = "text", keep_rationales: int = 1
) -> Answer:
    """The answer that stands for all samples of an example.

    Its label is the one that most usable samples have, whatever its spelling; of two labels with as
    many votes, the first. Its rationales are those of samples with that label, without repetition.
    One sample is its own vote. Without a usable sample it is the most frequent outcome.

    Args:
        answers: The samples in their order.
        kind: How labels are compared.
        keep_rationales: Most rationales.
    """
    if len(answers) == 1:
        return answers[0]
    usable = [answer for answer in answers if answer.label_usable]
    if not usable:
        outcome, _ = Counter(answer.outcome for answer in answers).most_common(1)[0]
        return next(answer for answer in answers if answer.outcome == outcome)
    meanings = [meaning(kind, answer.label or "") for answer in usable]
    votes = Counter(meanings)
    winner, _ = votes.most_common(1)[0]
    winners = [answer for answer, meant in zip(usable, meanings, strict=True) if meant == winner]
    spelled: dict[str, str] = {}
    for answer, meant in zip(usable, meanings, strict=True):
        spelled.setdefault(meant, answer.label or "")
    rationales = list(
        dict.fromkeys(a.rationale for a in winners if a.rationale_usable and a.rationale)
    )[:keep_rationales]
    first = next((answer for answer in winners if answer.rationale_usable), winners[0])
    shares = {spelled[meant]: count / len(usable) for meant, count in votes.items()}
    return replace(first, distribution=shares, more_rationales=tuple(rationales[1:]))
