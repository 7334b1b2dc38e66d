"""What a distillation reads, writes and learns: rows, sequences, operations and time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.core.errors import InputError
from dsbs.core.records import LABEL, RATIONALE, Example, Method, Rationale
from dsbs.distillation.methods import make_pair, student_input
from dsbs.labeling.request_tokens import CountTokens, RequestTokens
from dsbs.planning.hardware import Accelerator
from dsbs.scaling.encoder_decoder import generation_flops, training_flops
from dsbs.scaling.flops import decoder_flops_per_token
from dsbs.scaling.single_stack import SingleStack, StudentShape
from dsbs.tasks.prompts import demonstrations
from dsbs.tasks.task import Task

Array = NDArray[Any]

PREFIXES = {LABEL: "[label] ", RATIONALE: "[rationale] "}


class RowSample(NamedTuple):
    """Examples to measure on."""

    examples: Sequence[Example]
    rows: int | None
    """How many rows the data has to label; None where the examples are the demonstrations."""


class SequenceLengths(NamedTuple):
    """Tokens of the sequences that one example teaches."""

    inputs: Array
    """(kinds, samples), where the kinds are label and rationale."""
    targets: Array
    """(kinds, demonstrations)."""


class TeacherTime(NamedTuple):
    """Device-seconds of reading prompts and of writing answers."""

    reading: float
    writing: float


def sample_rows(task: Task, data: Path | None, size: int) -> RowSample:
    """Evenly spaced rows of those that `generate` labels; without data the demonstrations.

    As `generate` does by default, training and validation rows are labeled and test rows are not.
    """
    if data is None:
        return RowSample([example for example, _, _ in demonstrations(task)], None)
    from dsbs.data.load import load_data

    splits = load_data(task, data, skip_incomplete=True).with_validation().splits
    rows = [*splits.get("train", ()), *splits.get("validation", ())]
    if not rows:
        expected = "rows to measure on"
        fix = "name a file with training rows"
        raise InputError("--data", got="no training rows", expected=expected, fix=fix)
    return RowSample(rows[:: max(1, len(rows) // size)][:size], len(rows))


def student_sequences(
    task: Task,
    examples: Sequence[Example],
    method: Method,
    count: CountTokens,
    *,
    max_input_tokens: int,
    max_target_tokens: int,
) -> SequenceLengths:
    """Lengths with the end token that T5 adds, cut to the student's limits."""
    pairs = [
        make_pair(
            example, label, [Rationale(rationale)], method=method, alpha=0.5, prefixes=PREFIXES
        )
        for example, rationale, label in demonstrations(task)
    ]
    kinds = [target.task for target in pairs[0].targets]
    (_, rationale, _), *_ = demonstrations(task)
    read = [student_input(method, e.input, rationale, PREFIXES) for e in examples]
    inputs = [count([PREFIXES[kind] + text for text in read]) for kind in kinds]
    targets = [count([pair.targets[at].text for pair in pairs]) for at in range(len(kinds))]
    return SequenceLengths(
        np.minimum(np.array(inputs) + 1, max_input_tokens),
        np.minimum(np.array(targets) + 1, max_target_tokens),
    )


def student_flops(shape: StudentShape, lengths: SequenceLengths, examples_seen: int) -> float:
    """Training operations: the mean over every sampled input with every demonstration's target.

    A decoder-only student computes an input once for all of its targets.
    """
    if isinstance(shape, SingleStack):
        written = lengths.targets.sum(axis=0)[None].astype(float)
        rows = lengths.inputs[0][:, None] + written
        return float(examples_seen * shape.training_flops(rows, predicted_tokens=written).mean())
    inputs = lengths.inputs[:, :, None]
    flops = training_flops(shape, inputs, target_tokens=lengths.targets[:, None, :])
    return float(examples_seen * flops.mean(axis=(1, 2)).sum())


def student_call_flops(shape: StudentShape, lengths: SequenceLengths) -> float:
    """Operations of one call in use: an input read, and the first kind of target written."""
    inputs = lengths.inputs[0][:, None]
    outputs = lengths.targets[0][None, :]
    if isinstance(shape, SingleStack):
        written = outputs.astype(float)
        return float(shape.forward_flops(inputs + written, predicted_tokens=written).mean())
    return float(generation_flops(shape, inputs, output_tokens=outputs).mean())


def teacher_time(
    params: float,
    each: RequestTokens,
    requests: int,
    device: Accelerator,
    *,
    utilization: float,
    concurrency: int,
) -> TeacherTime:
    """Device-seconds on one kind of device, in bfloat16.

    Reading takes F(N) operations per token that the cache does not hold, at `utilization` of the
    peak. Writing goes in steps of `concurrency` tokens. A step takes as long as their operations,
    or as reading all weights (2 N bytes) once, whichever is longer. A model that is split over
    devices takes as many device-seconds. Reading the keys and values of the context is not counted;
    it matters for long prompts.
    """
    tokens = each.total(requests)
    fresh = tokens.prompt_tokens - tokens.cached_tokens
    forward = decoder_flops_per_token(params, n_ctx=each.prompt + each.answer)
    speed = utilization * device.flops
    step = max(concurrency * forward / speed, 2 * params / device.bandwidth)
    return TeacherTime(
        reading=fresh * forward / speed, writing=tokens.completion_tokens / concurrency * step
    )
