"""`plan teacher`: the best teacher for a student by two laws that disagree, and the user's candidates ranked by each."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dsbs.config.plan import TeacherPlanConfig
from dsbs.core.errors import InputError
from dsbs.core.sizes import show_size
from dsbs.planning import fitted_range
from dsbs.planning.candidates import rank, read_candidates
from dsbs.planning.model_sizes import student_size
from dsbs.plots.charts import Chart, Series, Table
from dsbs.scaling import laws

_RATIOS = (
    20,
    100,
    400,
    2000,
)  # student tokens a parameter, from compute-optimal to what small models are trained on
_FLAT_NATS = 0.01


def answer(config: TeacherPlanConfig) -> dict[str, Any]:
    """`capacity_gap` and `scaling_law`, each with `teacher_params` and what it rests on; never merged into one.

    Either is None where its law says nothing: a student below 7.7M, or one so strong that no teacher is too good.
    """
    student = student_size(config.student)
    n, ratio = student.non_embedding, config.tokens_per_param
    tokens = config.student_tokens or laws.TOKENS_PER_PARAM * n
    gap, optimum = _capacity_gap(student.params), _scaling_law(n, tokens, ratio)
    gap["student_loss"] = gap["teacher_params"] and _student_loss(
        n, tokens, gap["teacher_params"], ratio
    )
    results: dict[str, Any] = {
        "student": student._asdict(),
        "student_tokens": tokens,
        "student_tokens_given": config.student_tokens is not None,
        "tokens_per_param": ratio,
        "supervised_loss": laws.supervised_loss(n, tokens),
        "capacity_gap": gap,
        "scaling_law": optimum,
        "optimum_by_tokens": [
            {"student_tokens_per_param": m, "teacher_params": _optimum(n, m * n, ratio)}
            for m in _RATIOS
        ],
    }
    if config.candidates is not None:
        found = read_candidates(config.candidates)
        known = {
            "n_student": n,
            "d_student": tokens,
            "tokens_per_param": ratio,
            "gap_teacher": gap["teacher_params"],
        }
        results["candidates"] = rank(found, **known)
    return results | {"sentence": _sentence(results), "rests_on": _rests_on(results)}


def tables(results: Mapping[str, Any]) -> list[Table]:
    """Both laws side by side, how the optimum moves and how flat it is, and the candidates."""
    gap, optimum, student = results["capacity_gap"], results["scaling_law"], results["student"]
    found = Table(
        f"two laws for a student of {show_size(student['params'])} ({student['name']})",
        [
            "law",
            "best teacher",
            "times the student",
            "its size counts",
            "student loss there",
            "beyond what was fitted",
        ],
        [
            [
                "capacity gap",
                _size(gap),
                gap["ratio"],
                "all parameters",
                gap["student_loss"],
                _yes(gap),
            ],
            [
                "scaling law",
                _size(optimum),
                optimum["ratio"],
                "no embeddings",
                optimum["student_loss"],
                _yes(optimum),
            ],
        ],
    )
    return [found, *_flatness(optimum), _by_tokens(results), *_candidates(results)]


def charts(results: Mapping[str, Any]) -> list[Chart]:
    """The student's expected loss over the teacher's size, with both recommendations."""
    n, tokens, ratio = (
        results["student"]["non_embedding"],
        results["student_tokens"],
        results["tokens_per_param"],
    )
    marks = {
        f"{name.replace('_', ' ')}: {show_size(results[name]['teacher_params'])}": results[name][
            "teacher_params"
        ]
        for name in ("capacity_gap", "scaling_law")
        if results[name]["teacher_params"]
    }
    x = np.geomspace(0.3 * n, 4 * max([30 * n, *marks.values()]), 300)
    student = laws.student_loss(n, tokens, teacher_loss=laws.supervised_loss(x, ratio * x))
    series = [
        Series("distilled (scaling law)", x, student),
        Series("trained alone", x, np.full_like(x, results["supervised_loss"]), colour=1),
    ]
    if listed := results.get("candidates"):
        points = [row["size"] for row in listed], [row["student_loss"] for row in listed]
        series.append(Series("candidates", *points, kind="points", colour=3))
    outside = (laws.FITTED_PARAMS[1], x[-1]) if x[-1] > laws.FITTED_PARAMS[1] else None
    labels = (
        f"the teacher's parameters, trained on {ratio:g} tokens each",
        "the student's loss, nats a token",
    )
    title = f"student of {show_size(n)} on {show_size(tokens)} tokens"
    return [Chart(title, *labels, series, log_x=True, marks=marks, outside=outside)]


def _capacity_gap(params: float) -> dict[str, Any]:
    try:
        teacher = laws.capacity_gap_teacher(params)
    except InputError:
        return {
            "teacher_params": None,
            "ratio": None,
            "beyond_fitted": True,
            "counts": "all parameters",
        }
    low, high = fitted_range.GAP_FITTED_TEACHERS
    beyond = not low <= teacher <= high
    return {
        "teacher_params": teacher,
        "ratio": teacher / params,
        "beyond_fitted": beyond,
        "counts": "all parameters",
    }


def _scaling_law(n: float, tokens: float, ratio: float) -> dict[str, Any]:
    """The optimum, and how flat it is: what half or double the size costs, and between which sizes it is within 0.01."""
    loss, teacher = laws.optimal_teacher_loss(n, tokens), _optimum(n, tokens, ratio)
    best = laws.student_loss(n, tokens, teacher_loss=loss)
    found = {
        "teacher_params": teacher,
        "teacher_loss": loss,
        "student_loss": best,
        "counts": "no embeddings",
    }
    if teacher is None:
        return found | {
            "ratio": None,
            "beyond_fitted": True,
            "flatness": {},
            "within_0.01_nats": None,
        }
    sizes = np.geomspace(teacher / 1e3, teacher * 1e3, 2001)
    losses = laws.student_loss(
        np.asarray(n), np.asarray(tokens), teacher_loss=laws.supervised_loss(sizes, ratio * sizes)
    )
    near = sizes[losses <= best + _FLAT_NATS]
    costs = {
        name: _student_loss(n, tokens, times * teacher, ratio) - best
        for name, times in (("half", 0.5), ("double", 2.0))
    }
    return found | {
        "ratio": teacher / n,
        "beyond_fitted": teacher > laws.FITTED_PARAMS[1],
        "flatness": costs,
        "within_0.01_nats": [float(near[0]), float(near[-1])],
    }


def _optimum(n: float, tokens: float, ratio: float) -> float | None:
    try:
        return laws.optimal_teacher_params(n, tokens, tokens_per_param=ratio)
    except InputError:
        return None


def _student_loss(n: float, tokens: float, teacher: float, ratio: float) -> float:
    return laws.student_loss(n, tokens, teacher_loss=laws.supervised_loss(teacher, ratio * teacher))


def _size(found: Mapping[str, Any]) -> str | None:
    return found["teacher_params"] and show_size(found["teacher_params"])


def _yes(found: Mapping[str, Any]) -> str:
    return "yes: EXTRAPOLATED" if found["beyond_fitted"] else "no"


def _flatness(optimum: Mapping[str, Any]) -> list[Table]:
    if optimum["teacher_params"] is None:
        return []
    times = [
        [f"{name} the size", f"+{loss:.4f} nats"] for name, loss in optimum["flatness"].items()
    ]
    low, high = map(show_size, optimum["within_0.01_nats"])
    rows = [*times, [f"{low} to {high}", f"within {_FLAT_NATS} nats of the best"]]
    return [Table("how flat the scaling law's optimum is", ["teacher", "the student's loss"], rows)]


def _by_tokens(results: Mapping[str, Any]) -> Table:
    n = results["student"]["non_embedding"]
    rows = [
        [
            row["student_tokens_per_param"],
            show_size(row["student_tokens_per_param"] * n),
            _size(row),
            _times(row, n),
        ]
        for row in results["optimum_by_tokens"]
    ]
    columns = ["tokens a parameter", "student tokens", "best teacher", "times the student"]
    return Table("how the scaling law's optimum moves with the student's tokens", columns, rows)


def _times(row: Mapping[str, Any], n: float) -> float | None:
    teacher: float | None = row["teacher_params"]
    return teacher and round(teacher / n, 1)


def _candidates(results: Mapping[str, Any]) -> list[Table]:
    if "candidates" not in results:
        return []
    columns = [
        "candidate",
        "size",
        "price/1M",
        "accuracy",
        "rank",
        "its loss",
        "from",
        "student loss",
        "rank",
        "gap rank",
    ]
    keys = [
        "name",
        "size",
        "price_per_million_tokens",
        "accuracy",
        "rank_accuracy",
        "loss",
        "loss_from",
        "student_loss",
    ]
    keys += ["rank_scaling_law", "rank_capacity_gap"]
    rows = [
        [show_size(row[key]) if key == "size" else row[key] for key in keys]
        for row in results["candidates"]
    ]
    return [Table("your candidates, the best first", columns, rows)]


def _sentence(results: Mapping[str, Any]) -> str:
    gap, optimum = results["capacity_gap"], results["scaling_law"]
    said = [
        f"the law of capacity gap asks for a teacher of {_size(gap)}, {gap['ratio']:.1f} times the student"
        if gap["teacher_params"]
        else "the law of capacity gap says nothing of a student this small",
        f"the scaling law for {_size(optimum)}, {optimum['ratio']:.3g} times it"
        if optimum["teacher_params"]
        else "the scaling law finds no teacher too good for it",
    ]
    sentence = f"For a student of {results['student']['name']}, {said[0]}, and {said[1]}: they disagree, and neither is of your case"
    if listed := results.get("candidates"):
        first = listed[0]
        why = "by measured accuracy" if first["rank_accuracy"] else "by the scaling law"
        near = [row for row in listed if row["price_per_million_tokens"] is not None]
        near = [
            row
            for row in near
            if row["student_loss"] <= min(r["student_loss"] for r in listed) + _FLAT_NATS
        ]
        cheap = min(near, key=lambda row: row["price_per_million_tokens"], default=None)
        sentence += f"; of your candidates {first['name']} comes first {why}"
        sentence += (
            f", and {cheap['name']} is the cheapest within {_FLAT_NATS} nats of the best"
            if cheap
            else ""
        )
    return sentence + "."


def _rests_on(results: Mapping[str, Any]) -> list[str]:
    n, tokens, optimum = (
        results["student"]["non_embedding"],
        results["student_tokens"],
        results["scaling_law"],
    )
    notes = fitted_range.leaving("the student", n, tokens)
    if optimum["teacher_params"] is not None:
        teacher = optimum["teacher_params"]
        notes += fitted_range.leaving(
            "the scaling law's teacher", teacher, results["tokens_per_param"] * teacher
        )
    if results["capacity_gap"]["beyond_fitted"]:
        notes.append(
            "EXTRAPOLATED: the capacity gap's teacher lies outside the 70M to 2.8B that the line was fitted on"
        )
    given = (
        "as given"
        if results["student_tokens_given"]
        else f"{laws.TOKENS_PER_PARAM:g} a parameter, for none were given"
    )
    notes.append(
        f"the student's tokens: {show_size(tokens)}, {given}; teachers are trained on {results['tokens_per_param']:g} each"
    )
    return [*notes, fitted_range.CAPACITY_GAP, fitted_range.SCALING_LAW, fitted_range.NOT_THIS_CASE]
