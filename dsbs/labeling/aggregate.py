"""From the store to the data set: answers parsed, voted on and written. No teacher is needed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from dsbs.artifacts.answer_dataset import AnswerWriter
from dsbs.artifacts.answer_store import AnswerStore
from dsbs.artifacts.results.generate import SplitSummary
from dsbs.artifacts.store_queries import Asked, Purpose
from dsbs.core.records import Answer, Completion, Example, LabelScores
from dsbs.labeling.summary import SplitCounter
from dsbs.labeling.votes import vote
from dsbs.metrics.distributions import softmax, weighted_mean
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.rationales import cap_words
from dsbs.tasks.task import Task


@dataclass(frozen=True)
class Reading:
    """How answers are read. It changes nothing about the requests, except for label scores."""

    label_scores: LabelScores | None = None
    vote_smoothing: float = 0.0
    """Votes that each allowed label gets besides those of the samples."""
    keep_rationales: int = 1
    """Most rationales of each row."""
    max_rationale_words: int | None = None
    """Longer rationales keep their first whole sentences."""


@dataclass(frozen=True)
class ReadAnswer:
    """The answer to one example."""

    example: Example
    completion: Completion
    """Of the first sample."""
    answer: Answer
    """Of all samples together."""
    capped: bool
    """Whether a rationale was cut."""


def read_answers(
    store: AnswerStore, run: str, task: Task, reading: Reading
) -> Iterator[ReadAnswer]:
    """The answer to every example of a run, in the order of the data."""
    by_position = groupby(store.answers(run), key=lambda pair: pair[0].position)
    for _, pairs in by_position:
        yield _read(list(pairs), task, reading)


def write_dataset(
    answers: Iterable[ReadAnswer], task: Task, writer: AnswerWriter | None
) -> dict[str, SplitSummary]:
    """Hand every answer to the writer, where there is one; returns what is in each split."""
    counters: dict[str, SplitCounter] = {}
    for one in answers:
        split = one.example.split
        counter = counters.setdefault(split, SplitCounter(task, split))
        correct = counter.add(one.example, one.completion, one.answer, capped=one.capped)
        if writer is not None:
            writer.add(one.example, one.completion, one.answer, correct)
    return {split: counter.summary() for split, counter in counters.items()}


_PURPOSES: Mapping[LabelScores, Purpose] = {
    "without": "score_without",
    "after": "score_after",
    "averaged": "score_after",
    "top_logprobs": "answer",
}
"""The requests that hold the label scores."""


def _read(pairs: list[tuple[Asked, Completion]], task: Task, reading: Reading) -> ReadAnswer:
    completions = [completion for asked, completion in pairs if asked.purpose == "answer"]
    example = pairs[0][0].example
    whole = [parse_answer(task, example, completion) for completion in completions]
    answers = [_capped(answer, reading.max_rationale_words) for answer in whole]
    answer = vote(
        answers,
        kind=task.label.kind,
        keep_rationales=reading.keep_rationales,
        allowed=task.allowed(example.choices),
        smoothing=reading.vote_smoothing,
    )
    scores = _distribution(pairs, reading)
    # Shares of votes are another kind of number than probabilities of tokens: they are not mixed.
    if scores or reading.label_scores == "top_logprobs":
        answer = replace(answer, distribution=scores)
    return ReadAnswer(example, completions[0], answer, capped=answers != whole)


def _capped(answer: Answer, limit: int | None) -> Answer:
    if not answer.rationale:
        return answer
    return replace(answer, rationale=cap_words(answer.rationale, limit))


def _distribution(
    pairs: list[tuple[Asked, Completion]], reading: Reading
) -> dict[str, float] | None:
    """The teacher's probabilities of the labels; None where they were not asked for."""
    if reading.label_scores is None:
        return None
    purpose = _PURPOSES[reading.label_scores]
    found = [completion.label_scores for asked, completion in pairs if asked.purpose == purpose]
    distributions = [softmax(scores) for scores in found if scores]
    return weighted_mean(distributions) if distributions else None
