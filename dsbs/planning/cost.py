"""`plan cost`: tokens, money, operations, memory, hours and energy before anything runs."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from dsbs.core.errors import InputError
from dsbs.core.records import Method
from dsbs.labeling.request_tokens import RequestTokens, TotalTokens, tokens_per_request
from dsbs.planning.break_even import Service, Spent, against_prices
from dsbs.planning.cost_plan import (
    Assumed,
    CostPlan,
    DeviceMemory,
    DeviceTime,
    StudentTraining,
    TeacherSize,
)
from dsbs.planning.hardware import Accelerator, Optimizer, training_memory
from dsbs.planning.token_counter import TokenCounter
from dsbs.planning.workload import (
    RowSample,
    SequenceLengths,
    student_call_flops,
    student_flops,
    student_sequences,
    teacher_time,
)
from dsbs.scaling.single_stack import StudentShape
from dsbs.tasks.prompts import prompt_prefix, render_prompt
from dsbs.tasks.task import Task

_USABLE = 0.9  # of a device's memory; the rest is for kernels and fragmentation


class Teacher(NamedTuple):
    """The teacher and what it charges."""

    name: str
    params: float
    counter: TokenCounter
    price_in: float = 0.0
    """Per million prompt tokens."""
    price_out: float = 0.0
    """Per million answer tokens."""
    price_cached: float | None = None
    """Per million prompt tokens from the cache. Default: `price_in`."""


class Student(NamedTuple):
    """The student and how it is trained."""

    name: str
    shape: StudentShape
    counter: TokenCounter
    method: Method
    max_steps: int
    batch_size: int
    micro_batch_size: int
    max_input_tokens: int
    max_target_tokens: int
    optimizer: Optimizer


class Machines(NamedTuple):
    """What the work may run on."""

    accelerators: Sequence[Accelerator]
    devices: int
    """Devices that share the work, and the states where they are sharded."""
    price_per_hour: float | None
    """Of one accelerator."""


def estimate_cost(
    task: Task,
    sample: RowSample,
    *,
    rows: int | None = None,
    samples: int = 1,
    teacher: Teacher,
    student: Student,
    machines: Machines,
    service: Service,
    assumed: Assumed,
) -> CostPlan:
    """What it costs to label `rows` (default: those of the data) and to train the student.

    Args:
        task: Its prompts are rendered and its demonstrations stand for the answers.
        sample: The examples to measure on.
        rows: Rows to label.
        samples: Answers per row.
        teacher: The teacher and its prices.
        student: The student and its training.
        machines: Accelerators to compare.
        service: What the student is to replace.
        assumed: Rates that were not measured.
    """
    known_rows = _rows(rows, sample)
    each = _request(task, sample, teacher)
    tokens = each.total(known_rows * samples)
    lengths = _lengths(task, sample, student)
    flops = student_flops(student.shape, lengths, student.max_steps * student.batch_size)
    memory = [_memory(student, lengths, n) for n in dict.fromkeys((1, machines.devices))]
    work = _Work(teacher.params, each, known_rows * samples, flops, memory)
    money = _money(tokens, teacher)
    times = [
        _device_time(device, work, assumed, machines.price_per_hour)
        for device in machines.accelerators
    ]
    spent = Spent(
        tokens=money,
        requests=known_rows * samples,
        teacher_h=times[0].teacher_h,
        training_h=times[0].student_h,
        call_flops=student_call_flops(student.shape, lengths),
        speed=assumed.utilization * machines.accelerators[0].flops,
        device=times[0].name,
        per_hour=machines.price_per_hour,
    )
    return CostPlan(
        task=task.name,
        rows=known_rows,
        samples=samples,
        tokens_per_request=each,
        tokens=tokens,
        money=money,
        teacher=TeacherSize(
            name=teacher.name, params=teacher.params, weights_bytes=2 * teacher.params
        ),
        student=_training(student, flops),
        memory=memory,
        accelerators=times,
        break_even=against_prices(spent, service),
        assumed=assumed,
        counted_by=[teacher.counter.basis, student.counter.basis],
        measured_on=_measured_on(sample),
    )


class _Work(NamedTuple):
    """What some accelerator has to do."""

    teacher_params: float
    each: RequestTokens
    requests: int
    train_flops: float
    memory: Sequence[DeviceMemory]


def _rows(given: int | None, sample: RowSample) -> int:
    rows = given or sample.rows
    if not rows:
        expected = "rows to label, such as 10k"
        fix = "give --rows, or --data to count"
        raise InputError("--rows", got="nothing", expected=expected, fix=fix)
    return rows


def _request(task: Task, sample: RowSample, teacher: Teacher) -> RequestTokens:
    prefix = prompt_prefix(task)
    prompts = [render_prompt(task, example, prefix) for example in sample.examples]
    return tokens_per_request(task, prompts, teacher.counter.count, shared=prefix)


def _money(tokens: TotalTokens, teacher: Teacher) -> float | None:
    """The price of the teacher's tokens; None without prices."""
    if not teacher.price_in and not teacher.price_out:
        return None
    return tokens.money(
        price_in=teacher.price_in, price_out=teacher.price_out, price_cached=teacher.price_cached
    )


def _lengths(task: Task, sample: RowSample, student: Student) -> SequenceLengths:
    return student_sequences(
        task,
        sample.examples,
        student.method,
        student.counter.count,
        max_input_tokens=student.max_input_tokens,
        max_target_tokens=student.max_target_tokens,
    )


def _training(student: Student, flops: float) -> StudentTraining:
    return StudentTraining(
        name=student.name,
        params=student.shape.parameters,
        train_flops=flops,
        steps=student.max_steps,
        batch=student.batch_size,
        micro_batch=student.micro_batch_size,
        optimizer=student.optimizer,
    )


def _memory(student: Student, lengths: SequenceLengths, devices: int) -> DeviceMemory:
    """The memory of each device, for a batch of the longest sequences."""
    memory = training_memory(
        student.shape,
        optimizer=student.optimizer,
        batch=student.micro_batch_size,
        input_tokens=int(lengths.inputs.max()),
        target_tokens=int(lengths.targets.max()),
        devices=devices,
    )
    return DeviceMemory(devices=devices, **memory._asdict(), total=memory.total)


def _device_time(
    device: Accelerator, work: _Work, assumed: Assumed, price_per_hour: float | None
) -> DeviceTime:
    """Device-hours of teacher and student, energy at the board's full power, and what fits."""
    seconds = teacher_time(
        work.teacher_params,
        work.each,
        work.requests,
        device,
        utilization=assumed.teacher_utilization,
        concurrency=assumed.concurrency,
    )
    teacher_h = sum(seconds) / 3600
    student_h = work.train_flops / (assumed.utilization * device.flops) / 3600
    hours = teacher_h + student_h
    usable = _USABLE * device.memory_bytes
    return DeviceTime(
        name=device.name,
        teacher_h=teacher_h,
        student_h=student_h,
        energy_kwh=hours * device.power_w / 1000,
        money=None if price_per_hour is None else hours * price_per_hour,
        teacher_devices=math.ceil(2 * work.teacher_params / usable),
        fits=[one.devices for one in work.memory if one.total < usable],
        source=device.source,
    )


def _measured_on(sample: RowSample) -> str:
    count = len(sample.examples)
    if sample.rows is None:
        return f"the {count} demonstrations, because there is no --data"
    return f"{count:,} of {sample.rows:,} rows"
