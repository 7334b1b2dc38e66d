"""Tables and figures of `plan cost`."""

from collections.abc import Sequence

from dsbs.core.sizes import show_size
from dsbs.planning.cost_plan import CostPlan
from dsbs.planning.hardware import TrainingMemory
from dsbs.plots.figure import Figure, Series
from dsbs.plots.table import Table

_PARTS = TrainingMemory._fields


def tables(plan: CostPlan) -> list[Table]:
    """Tokens of the teacher, memory of the student's training, time and energy of both."""
    found = [_tokens(plan), _memory(plan), _time(plan)]
    return [*found, _break_even(plan)] if plan.break_even else found


def figures(plan: CostPlan) -> list[Figure]:
    """Device-hours by accelerator, and what fills the memory."""
    names = [device.name for device in plan.accelerators]
    teacher = [device.teacher_h for device in plan.accelerators]
    student = [device.student_h for device in plan.accelerators]
    hours = [
        Series("teacher", names, teacher, kind="bar"),
        Series("student", names, student, kind="bar", color=1),
    ]
    parts = [part.replace("_", " ") for part in _PARTS]
    memory = [
        Series(
            _sharding(one.devices),
            parts,
            [getattr(one, part) / 1e9 for part in _PARTS],
            kind="bar",
            color=at,
        )
        for at, one in enumerate(plan.memory)
    ]
    return [
        Figure("hours", "Device-hours", "", "hours", hours, horizontal=True),
        Figure("memory", "Memory on each device", "", "GB", memory, horizontal=True),
    ]


def _tokens(plan: CostPlan) -> Table:
    each = plan.tokens_per_request
    total = plan.tokens
    fresh = total.prompt_tokens - total.cached_tokens
    rows = [
        ["shared prefix, read once", round(each.shared), None],
        ["shared prefix, found in the cache", round(total.cached_tokens), round(each.shared)],
        ["questions", round(fresh - each.shared), round(each.question)],
        ["answers (as in the demonstrations)", round(total.completion_tokens), round(each.answer)],
    ]
    samples = f", {plan.samples} answers each" if plan.samples > 1 else ""
    title = f"Tokens of the teacher for {plan.rows:,} rows of {plan.task}{samples}"
    return Table("tokens", title, ["", "tokens", "per request"], rows)


def _memory(plan: CostPlan) -> Table:
    columns = ["on", *(part.replace("_", " ") for part in _PARTS), "total"]
    rows = [
        [
            _sharding(one.devices),
            *(f"{getattr(one, part) / 1e9:.3g}" for part in (*_PARTS, "total")),
        ]
        for one in plan.memory
    ]
    student = f"{plan.student.name} ({show_size(plan.student.params)})"
    return Table("memory", f"Memory on each device for {student}, GB", columns, rows)


def _time(plan: CostPlan) -> Table:
    columns = ["accelerator", "teacher, hours", "teacher needs", "student, hours", "student fits"]
    columns += ["energy, kWh", "money", "from"]
    rows = [
        [
            device.name,
            device.teacher_h,
            device.teacher_devices,
            device.student_h,
            _fits(device.fits),
            device.energy_kwh,
            device.money,
            device.source,
        ]
        for device in plan.accelerators
    ]
    title = "Device-hours (divide by the number of devices that share the work)"
    return Table("time", title, columns, rows)


def _break_even(plan: CostPlan) -> Table:
    columns = ["against", "its price per call", "student per call", "spent once"]
    columns += ["calls per month from which the student pays"]
    rows = [
        [
            one.against,
            f"{one.price_per_call:.3g}",
            f"{one.student_price_per_call:.3g}",
            f"{one.one_off:.4g}",
            "never" if one.calls_per_month is None else round(one.calls_per_month),
        ]
        for one in plan.break_even
    ]
    months = plan.break_even[0].months
    return Table("break-even", f"Break-even within {months:g} months", columns, rows)


def _fits(devices: Sequence[int]) -> str:
    if not devices:
        return "no"
    return "yes" if 1 in devices else _sharding(devices[0])


def _sharding(devices: int) -> str:
    return "one device" if devices == 1 else f"sharded over {devices}"
