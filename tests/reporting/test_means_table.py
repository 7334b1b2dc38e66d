"""The table of means: teachers beside students, and what needs the teacher in use."""

from dsbs.artifacts.results.base import Score
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.compared import TeacherResult
from dsbs.comparison.claims import judge
from dsbs.metrics.accuracy import interval
from dsbs.reporting.means_table import PUBLISHED_RULE, groups_table
from support.made_cells import Made


def compared(made: Made, teachers: list[TeacherResult]) -> CompareResult:
    results = CompareResult(
        out="c", task="t", equal="steps", decode="generate", cells=made.cells, teachers=teachers
    )
    return judge(results, made.verdicts, {})


def test_each_teacher_is_a_row_with_its_interval() -> None:
    made = Made()
    for seed in range(3):
        made.add("standard", seed, 50 + seed, published_accuracy=0.5)
        made.add("pinto", seed, 60 + seed, published_accuracy=0.55)
    score = Score(n=100, correct=77, ci95_examples=interval(77, 100))
    teachers = [
        TeacherResult(
            name="palm", models=["PaLM"], answers=["a"], score=score, published_accuracy=0.75
        ),
        TeacherResult(name="other", models=["m"], answers=["b"]),
    ]
    table = groups_table(compared(made, teachers), "t")
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [row["method"] for row in rows] == [
        "standard",
        "pinto (needs the teacher)",
        "few-shot CoT",
    ]
    assert [float(row["accuracy"]) for row in rows] == [0.51, 0.61, 0.77]
    assert [float(row[PUBLISHED_RULE]) for row in rows] == [0.5, 0.55, 0.75]
    assert rows[2]["ci95_examples"] == score.ci95_examples
    assert rows[2]["student"] == "PaLM"
    assert "the teacher must answer every row first" in table.note


def test_axes_of_one_value_have_no_column() -> None:
    made = Made()
    made.add("standard", 0, 50)
    plain = groups_table(compared(made, []), "t")
    assert "alpha" not in plain.columns
    assert PUBLISHED_RULE not in plain.columns
    assert "needs the teacher" not in plain.note
    for alpha in (0.3, 0.5):
        made.add("step_by_step", 0, 60, alpha=alpha)
    table = groups_table(compared(made, []), "t")
    at = table.columns.index("alpha")
    assert [row[at] for row in table.rows] == [None, 0.3, 0.5]
