"""How long a student takes, from text to label, by length of input, size of batch and threads."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dsbs.artifacts.results.export import Latency
from dsbs.core.records import Example
from dsbs.environment.devices import cores
from dsbs.student.predict import predict
from dsbs.student.predictor import Predictor

LENGTHS = (16, 64, 256)
BATCHES = (1, 8, 32)
_MOST_S = 2.0
"""Seconds for one number, once there are three repeats."""

Open = Callable[[int], Predictor]
"""Opens a student with a number of threads."""


def measure(opened: Open, examples: Sequence[Example], repeats: int) -> list[Latency]:
    """Times of batches of real rows, cut or repeated to each length.

    Args:
        opened: Opens the student.
        examples: Rows of its task.
        repeats: Batches to time for each number.
    """
    found = []
    for threads in dict.fromkeys((1, cores())):
        student = opened(threads)
        longest = student.card.max_input_tokens
        for length in dict.fromkeys(min(length, longest) for length in LENGTHS):
            for batch in BATCHES:
                times = times_of(student, examples, length, batch, repeats)
                found.append(
                    Latency(
                        input_tokens=length,
                        batch=batch,
                        threads=threads,
                        repeats=len(times),
                        p50_ms=round(1000 * float(np.quantile(times, 0.5)), 3),
                        p95_ms=round(1000 * float(np.quantile(times, 0.95)), 3),
                    )
                )
    return found


def times_of(
    student: Predictor, examples: Sequence[Example], length: int, batch: int, repeats: int
) -> list[float]:
    """Seconds of each of at most `repeats` batches, after one that is not timed."""
    sized = _cut_to(student, length)
    rows = [_long(examples, at, length) for at in range(batch)]
    times: list[float] = []
    predict(sized, rows, batch_size=batch)
    while len(times) < repeats and (len(times) < 3 or sum(times) < _MOST_S):
        started = time.perf_counter()
        predict(sized, rows, batch_size=batch)
        times.append(time.perf_counter() - started)
    return times


def _cut_to(student: Any, length: int) -> Predictor:
    """The same student with this limit of input tokens."""
    card = student.card.model_copy(update={"max_input_tokens": length})
    cut: Predictor = dataclasses.replace(student, card=card)
    return cut


def _long(examples: Sequence[Example], at: int, length: int) -> Example:
    """An example whose input has at least this many tokens: its own, then those that follow."""
    first = examples[at % len(examples)]
    texts = [first.input]
    while len(" ".join(texts).split()) < length:
        texts.append(examples[(at + len(texts)) % len(examples)].input or "and")
    return dataclasses.replace(first, input=" ".join(texts))
