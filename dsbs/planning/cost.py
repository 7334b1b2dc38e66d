"""`plan cost`: tokens, money, operations, memory, hours and energy of a distillation before anything runs."""

from collections.abc import Mapping
from typing import Any

from dsbs.config.plan import CostPlanConfig
from dsbs.config.presets import preset_of
from dsbs.core.errors import InputError
from dsbs.core.progress import duration
from dsbs.core.sizes import show_size
from dsbs.planning.hardware import (
    ACCELERATORS,
    Accelerator,
    TrainingMemory,
    accelerators,
    training_memory,
)
from dsbs.planning.model_sizes import known_shape, teacher_params
from dsbs.planning.workload import (
    TeacherTokens,
    counter,
    sample_rows,
    student_flops,
    student_sequences,
    teacher_time,
    teacher_tokens,
)
from dsbs.plots.charts import Chart, Series, Table
from dsbs.tasks.prompts import load_task

_MICRO_BATCH = 8


def answer(config: CostPlanConfig) -> dict[str, Any]:
    """`tokens`, `money` (None without prices), `teacher` and `student` with their operations, `memory`, and hours and energy
    on each of `accelerators`.
    """
    task, devices = load_task(config.task), accelerators(config.accelerators)
    examples, found = sample_rows(task, config.data, config.sample)
    rows = int(config.rows or found or 0)
    if rows < 1:
        raise InputError(
            "--rows",
            got="nothing",
            expected="rows to label, such as 10k",
            fix="give --rows, or --data to count",
        )
    params, shape, settings = (
        teacher_params(config.teacher),
        known_shape(config.student, "--student"),
        preset_of(config.student),
    )
    of_teacher = counter("teacher", config.teacher, config.tokenizer)
    of_student = counter("student", config.student, config.student_tokenizer)
    tokens = teacher_tokens(task, examples, rows, of_teacher)
    sequences = student_sequences(task, examples, config.method, of_student, settings)
    steps, batch = config.max_steps or settings.max_steps, config.batch_size or settings.batch_size
    flops = student_flops(shape, sequences, steps * batch)
    longest = {
        "input_tokens": int(sequences.inputs.max()),
        "target_tokens": int(sequences.targets.max()),
    }
    known: dict[str, Any] = {
        "optimizer": config.optimizer,
        "batch": config.micro_batch_size or _MICRO_BATCH,
        **longest,
    }
    memory = {
        n: training_memory(shape, devices=n, **known) for n in dict.fromkeys((1, config.devices))
    }
    results: dict[str, Any] = {
        "task": task.name,
        "rows": rows,
        "tokens": tokens._asdict(),
        "money": _money(config, tokens),
        "teacher": {"name": config.teacher, "params": params, "weights_bytes": 2 * params},
        "student": {
            "name": config.student,
            "params": shape.parameters,
            "train_flops": flops,
            "steps": steps,
            "batch": batch,
        },
        "memory": [{"devices": n, **m._asdict(), "total": m.total} for n, m in memory.items()],
        "accelerators": [
            _hours(config, params, tokens, flops, memory, device) for device in devices
        ],
    }
    assumed = [of_teacher.says, of_student.says, *_rests_on(config, len(examples), found)]
    return results | {"sentence": _sentence(results), "rests_on": assumed}


def tables(results: Mapping[str, Any]) -> list[Table]:
    """Tokens and money of the teacher, memory of the student's training, time and energy of both."""
    tokens, per_row = results["tokens"], results["rows"]
    counted = [
        ["shared prefix, read once", tokens["prefix"], None],
        [
            "shared prefix, found in the cache",
            round(tokens["cached"]),
            round(tokens["cached"] / per_row),
        ],
        ["questions", round(tokens["questions"]), round(tokens["questions"] / per_row)],
        [
            "answers (as long as the demonstrations')",
            round(tokens["answers"]),
            round(tokens["answers"] / per_row),
        ],
    ]
    memory = [
        [
            _sharding(m["devices"]),
            *[f"{m[key] / 1e9:.3g}" for key in (*TrainingMemory._fields, "total")],
        ]
        for m in results["memory"]
    ]
    columns = ["on", *(name.replace("_", " ") for name in TrainingMemory._fields), "total"]
    student = results["student"]
    title = f"memory on each device for {student['name']} ({show_size(student['params'])}), GB"
    return [
        Table(
            f"the teacher's tokens for {per_row:,} rows of {results['task']}",
            ["", "tokens", "a row"],
            counted,
        ),
        Table(title, columns, memory),
        _time_table(results),
    ]


def charts(results: Mapping[str, Any]) -> list[Chart]:
    """Device-hours by accelerator, and what fills the memory."""
    devices = results["accelerators"]
    hours = [
        Series(
            who,
            [f"{row['name']}, {who}" for row in devices],
            [row[f"{who}_h"] for row in devices],
            kind="bars",
            colour=at,
        )
        for at, who in enumerate(("teacher", "student"))
    ]
    parts = {name: name.replace("_", " ") for name in TrainingMemory._fields}
    memory = [
        Series(
            _sharding(m["devices"]),
            [f"{part}, {_sharding(m['devices'])}" for part in parts.values()],
            [m[name] / 1e9 for name in parts],
            kind="bars",
            colour=at,
        )
        for at, m in enumerate(results["memory"])
    ]
    return [
        Chart("device-hours", "hours", "", hours),
        Chart("memory on each device", "GB", "", memory),
    ]


def _money(config: CostPlanConfig, tokens: TeacherTokens) -> float | None:
    """What the teacher's tokens cost at the prices that were given."""
    if config.price_in is None or config.price_out is None:
        return None
    cached = config.price_in if config.price_cached is None else config.price_cached
    return (
        _fresh(tokens._asdict()) * config.price_in
        + tokens.cached * cached
        + tokens.answers * config.price_out
    ) / 1e6


def _hours(
    config: CostPlanConfig,
    params: float,
    tokens: TeacherTokens,
    flops: float,
    memory: Mapping[int, TrainingMemory],
    device: Accelerator,
) -> dict[str, Any]:
    """Device-hours of teacher and student, energy at the board's full power, and which of it fits."""
    given = {"utilisation": config.teacher_utilisation, "concurrency": config.concurrency}
    teacher = sum(teacher_time(params, tokens, device, **given)) / 3600  # type: ignore[arg-type]
    student = flops / (config.utilisation * device.flops) / 3600
    price = config.price_per_hour
    return {
        "name": device.name,
        "teacher_h": teacher,
        "student_h": student,
        "energy_kwh": (teacher + student) * device.power_w / 1000,
        "money": None if price is None else (teacher + student) * price,
        "teacher_devices": int(-(-2 * params // (0.9 * device.memory_bytes))),
        "fits": [n for n, m in memory.items() if m.total < 0.9 * device.memory_bytes],
        "source": device.source,
    }


def _time_table(results: Mapping[str, Any]) -> Table:
    columns = [
        "accelerator",
        "teacher, hours",
        "teacher needs",
        "student, hours",
        "student fits",
        "energy, kWh",
        "money",
        "from",
    ]
    keys = (
        "name",
        "teacher_h",
        "teacher_devices",
        "student_h",
        "fits",
        "energy_kwh",
        "money",
        "source",
    )
    rows = [
        [_fits(row[key]) if key == "fits" else row[key] for key in keys]
        for row in results["accelerators"]
    ]
    return Table("device-hours (divide by the devices that share the work)", columns, rows)


def _fits(devices: list[int]) -> str:
    return "no" if not devices else "yes" if 1 in devices else _sharding(devices[0])


def _sharding(devices: int) -> str:
    return "one device" if devices == 1 else f"sharded over {devices}"


def _sentence(results: Mapping[str, Any]) -> str:
    tokens, first = results["tokens"], results["accelerators"][0]
    read, cached, written = (
        show_size(max(size, 1)) for size in (_fresh(tokens), tokens["cached"], tokens["answers"])
    )
    money = "" if results["money"] is None else f" for {results['money']:,.2f}"
    teacher, student = (duration(3600 * first[key]) for key in ("teacher_h", "student_h"))
    return (
        f"{results['rows']:,} rows take {read} prompt tokens ({cached} more come from the cache) and {written} answer "
        f"tokens{money}; training takes {results['student']['train_flops']:.3g} FLOPs: on one {first['name']} about {teacher} "
        f"for the teacher and {student} for the student, if the assumed utilisation holds."
    )


def _fresh(tokens: Mapping[str, float]) -> float:
    """Prompt tokens that the cache does not hold."""
    return tokens["prefix"] + tokens["questions"]


def _rests_on(config: CostPlanConfig, sampled: int, rows: int | None) -> list[str]:
    measured = (
        f"{sampled} of {rows:,} training rows"
        if rows
        else f"the {sampled} demonstrations, for no --data was given"
    )
    return [
        f"prompt tokens measured on {measured}; answers and rationales as long as the demonstrations'; no chat template",
        f"ASSUMED share of the peak in bf16: training {config.utilisation:g}, reading prompts {config.teacher_utilisation:g}; "
        f"{config.concurrency} answers written at once; measure yours: --utilisation, --teacher-utilisation, --concurrency",
        "student operations: counted from the T5's shape without padding; teacher's: eq 9 of Busbridge et al. 2025",
        f"memory: fp32 weights with bf16 copies, fp32 gradients, {config.optimizer} states; activations of "
        f"{config.micro_batch_size or _MICRO_BATCH} of the longest sequences; formulas in dsbs/planning/hardware.py",
        f"energy: the board's full power, without host and cooling; makers' figures ({len(ACCELERATORS)} accelerators known)",
    ]
