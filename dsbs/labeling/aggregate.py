"""From the store to the data set: what a run asked for, parsed, voted on, and written down. No teacher is needed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from dsbs.artifacts.answer_dataset import AnswerWriter
from dsbs.artifacts.answer_store import AnswerStore, Asked
from dsbs.artifacts.results.generate import SplitSummary
from dsbs.core.records import Answer, Completion, Example
from dsbs.labeling.summary import SplitCounter
from dsbs.labeling.votes import vote
from dsbs.metrics.distributions import softmax, weighted_mean
from dsbs.tasks.parsing import cap_words, parse_answer
from dsbs.tasks.task import Task


@dataclass(frozen=True)
class Reading:
    """How answers are read. None of it changes what was asked, except that label scores must have been asked for."""

    label_scores: Literal["without", "after", "averaged"] | None = None
    keep_rationales: int = 1
    max_rationale_words: int | None = None


@dataclass(frozen=True)
class Harvested:
    """One example with the first completion to it and the answer that all completions make together."""

    example: Example
    completion: Completion
    answer: Answer
    capped: bool


def read_answers(store: AnswerStore, run: str, task: Task, reading: Reading) -> Iterator[Harvested]:
    """Every example of a run once, in the order of the data."""
    by_position = groupby(store.answers(run), key=lambda pair: pair[0].position)
    for _, pairs in by_position:
        yield _harvest(list(pairs), task, reading)


def write_dataset(
    harvested: Iterable[Harvested], task: Task, writer: AnswerWriter | None
) -> dict[str, SplitSummary]:
    """Write every answer, where there is a writer; the results of each split."""
    counters: dict[str, SplitCounter] = {}
    for one in harvested:
        if one.example.split not in counters:
            counters[one.example.split] = SplitCounter(task)
        correct = counters[one.example.split].add(
            one.example, one.completion, one.answer, capped=one.capped
        )
        if writer is not None:
            writer.add(one.example, one.completion, one.answer, correct)
    if writer is not None:
        writer.close()
    return {split: counter.summary() for split, counter in counters.items()}


def _harvest(pairs: list[tuple[Asked, Completion]], task: Task, reading: Reading) -> Harvested:
    said = [completion for asked, completion in pairs if asked.purpose == "answer"]
    example = pairs[0][0].example
    whole = [parse_answer(task, example, completion) for completion in said]
    answers = [
        replace(a, rationale=cap_words(a.rationale, reading.max_rationale_words))
        if a.rationale
        else a
        for a in whole
    ]
    answer = vote(answers, kind=task.label.kind, keep_rationales=reading.keep_rationales)
    if scores := _distribution(pairs, reading):
        answer = replace(answer, distribution=scores)
    return Harvested(example, said[0], answer, capped=answers != whole)


def _distribution(
    pairs: list[tuple[Asked, Completion]], reading: Reading
) -> dict[str, float] | None:
    """The teacher's probabilities of the labels in the form that is wanted; None where they were not asked for."""
    purpose = "score_without" if reading.label_scores == "without" else "score_after"
    if reading.label_scores is None:
        return None
    found = [pair for pair in pairs if pair[0].purpose == purpose]
    distributions = [
        softmax(completion.label_scores) for _, completion in found if completion.label_scores
    ]
    return weighted_mean(distributions) if distributions else None
