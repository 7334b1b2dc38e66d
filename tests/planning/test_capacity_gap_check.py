"""The law of capacity gap on students whose truth is known."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dsbs.artifacts.manifest import Manifest
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.core.errors import InputError
from dsbs.planning.capacity_gap_check import TeacherPoint, judge_gap
from dsbs.scaling.capacity_gap import capacity_gap_teacher
from support.planner import ask

STUDENT = 100e6
PEAK = capacity_gap_teacher(STUDENT)


def point(size: float | None, accuracy: float, half: float = 0.01, **more: Any) -> TeacherPoint:
    name = "unknown" if size is None else f"t{size:g}"
    given = {"quality": None, "interval": (accuracy - half, accuracy + half)} | more
    return TeacherPoint(teacher=name, size=size, accuracy=accuracy, **given)


def test_a_clear_peak_at_the_predicted_size_agrees() -> None:
    found = judge_gap("s", [point(2 * PEAK, 0.6), point(PEAK, 0.7), point(PEAK / 3, 0.5)], STUDENT)
    assert (found.verdict, found.best) == ("agrees", f"t{PEAK:g}")
    assert [one.size for one in found.points] == [PEAK / 3, PEAK, 2 * PEAK]


def test_a_clear_peak_elsewhere_contradicts() -> None:
    found = judge_gap("s", [point(PEAK, 0.5), point(9 * PEAK, 0.7), point(PEAK / 3, 0.5)], STUDENT)
    assert found.verdict == "contradicts"
    assert f"t{9 * PEAK:g}" in found.line()


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ([point(PEAK, 0.5), point(2 * PEAK, 0.6)], "3 teachers of known size, and there are 2"),
        ([point(PEAK, 0.5), point(None, 0.9), point(None, 0.8)], "and there are 1"),
        ([point(PEAK * n, 0.5) for n in (1, 2, 4)], "no other teacher is smaller"),
        ([point(PEAK / n, 0.5) for n in (1, 2, 4)], "no other teacher is larger"),
        ([point(PEAK * n, 0.5 + n / 1e3) for n in (0.5, 1, 2)], "intervals overlap"),
        ([point(PEAK * n, 0.5 + n, interval=None) for n in (0.5, 1, 2)], "intervals overlap"),
    ],
)
def test_what_cannot_be_told_is_open(points: list[TeacherPoint], why: str) -> None:
    found = judge_gap("s", points, STUDENT)
    assert found.verdict == "open"
    assert why in found.why


def test_a_student_that_the_law_does_not_cover_is_open() -> None:
    found = judge_gap("s", [point(PEAK * n, 0.5) for n in (0.5, 1, 2)], 5e6)
    assert (found.verdict, found.predicted_teacher) == ("open", None)


def test_quality_is_judged_where_it_is_known_for_all() -> None:
    worse, better = point(PEAK, 0.7, quality=0.8), point(2 * PEAK, 0.6, quality=0.9)
    assert judge_gap("s", [worse, better], STUDENT).best_by_quality is False
    assert judge_gap("s", [worse, point(2 * PEAK, 0.6)], STUDENT).best_by_quality is None


def write(folder: Path, stage: str, results: Any, **more: Any) -> Path:
    """A finished run of a stage."""
    manifest = Manifest[type(results)](
        stage=stage,
        status="done",
        started=datetime(2026, 1, 1, tzinfo=UTC),
        results=results,
        **more,
    )
    folder.mkdir()
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def comparison(folder: Path, teacher: str, accuracy: float) -> Path:
    """A finished comparison over the answers of one teacher."""
    made = {"out": "", "task": "farm", "teacher": teacher, "splits": {}, "new": 0}
    costs = {"prompt_tokens": 0, "completion_tokens": 0, "cost": 0, "labeling_s": 0}
    answers = GenerateResult.model_validate(made | costs)
    write(folder / f"{teacher}-answers", "generate", answers)
    group: dict[str, Any] = {
        "student": "t5-small",
        "labels": "teacher",
        "data_frac": 1.0,
        "method": "standard",
        "equal": "steps",
        "seeds": 3,
        "done": 3,
        "failed": 0,
        "mean": accuracy,
        "ci95_seeds": (accuracy - 0.01, accuracy + 0.01),
    }
    settings = {"out": "", "task": "farm", "equal": "steps", "decode": "generate", "cells": []}
    compared = CompareResult.model_validate(
        settings | {"groups": [group], "teacher_accuracy": accuracy + 0.1}
    )
    return write(folder / teacher, "compare", compared, answers=[f"../{teacher}-answers"])


def test_plan_teacher_reads_one_comparison_for_each_teacher(tmp_path: Path) -> None:
    runs = [
        comparison(tmp_path, name, accuracy)
        for name, accuracy in (("a-50M", 0.5), ("b-150M", 0.7), ("c-7B", 0.6))
    ]
    asked = ("--student", "60M", "--compare", ",".join(map(str, runs)))
    (found,) = ask("teacher", *asked)["measured"]
    assert found["verdict"] == "agrees"
    assert [one["size"] for one in found["points"]] == [50e6, 150e6, 7e9]
    assert [one["quality"] for one in found["points"]] == pytest.approx([0.6, 0.8, 0.7])
    page = tmp_path / "page.html"
    ask("teacher", *asked, "--html", str(page))
    assert "parameters of the teacher" in page.read_text()
    with pytest.raises(InputError, match="without a student in common"):
        ask("teacher", "--student", "60M", "--compare", str(runs[0]))
