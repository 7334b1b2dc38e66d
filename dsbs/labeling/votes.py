"""From the answers of several samples to one answer: their vote, its shares, its rationales."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from dsbs.core.records import Answer
from dsbs.metrics.distributions import smoothed_shares
from dsbs.tasks.labels import LabelKind, meaning


def vote(
    answers: Sequence[Answer],
    *,
    kind: LabelKind,
    keep_rationales: int = 1,
    allowed: Sequence[str] = (),
    smoothing: float = 0.0,
) -> Answer:
    """The answer that stands for all samples of an example.

    Its label is the one that most usable samples have, whatever its writing. Of labels with as many
    votes it is the one that was sampled first, and the answer is `tied`. Its rationales are those
    of samples with that label, without repetition. One sample is its own vote. Without a usable
    sample it is the most frequent outcome.

    Args:
        answers: The samples in their order.
        kind: How labels are compared.
        keep_rationales: Most rationales.
        allowed: The labels that the example may have; () where they cannot be listed.
        smoothing: Votes that each allowed label gets besides those that were cast.
    """
    if len(answers) == 1:
        return answers[0]
    usable = [answer for answer in answers if answer.label_usable]
    if not usable:
        outcome, _ = Counter(answer.outcome for answer in answers).most_common(1)[0]
        return next(answer for answer in answers if answer.outcome == outcome)
    meanings = [meaning(kind, answer.label or "") for answer in usable]
    votes = Counter(meanings)
    winner, most = votes.most_common(1)[0]  # of equal ones the first that was counted
    winners = [answer for answer, meant in zip(usable, meanings, strict=True) if meant == winner]
    first = next((answer for answer in winners if answer.rationale_usable), winners[0])
    written = {winner: first.label or ""}
    for answer, meant in zip(usable, meanings, strict=True):
        written.setdefault(meant, answer.label or "")
    rationales = list(
        dict.fromkeys(a.rationale for a in winners if a.rationale_usable and a.rationale)
    )[:keep_rationales]
    counts = {written[meant]: count for meant, count in votes.items()}
    known = {meaning(kind, label) for label in counts}
    others = [label for label in dict.fromkeys(allowed) if meaning(kind, label) not in known]
    # Without a list of labels there is nothing to smooth over.
    added = smoothing if allowed else 0.0
    return replace(
        first,
        distribution=smoothed_shares(counts, others, added),
        more_rationales=tuple(rationales[1:]),
        tied=list(votes.values()).count(most) > 1,
    )
