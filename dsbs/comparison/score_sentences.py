"""An accuracy with its interval, in words. Light, since every command that shows one loads it."""

from dsbs.artifacts.results.base import Score
from dsbs.core.tables import percent, span


def over_examples(score: Score) -> str:
    """The interval of an accuracy, or why there is none."""
    if score.ci95_examples is None:
        return f"no interval: {score.ci95_withheld}"
    return f"95 % over examples {span(score.ci95_examples)}"


def teacher_sentence(score: Score | None, name: str = "") -> str:
    """The teacher's own accuracy on the test rows that it answered, with its interval.

    Its name is given where there are several.
    """
    who = f"The teacher {name} itself" if name else "The teacher itself"
    if score is None:
        return f"{who}: –"
    right = f"{score.correct:,}/{score.n:,}"
    return f"{who}: {percent(score.share)} ({right}), {over_examples(score)}"
