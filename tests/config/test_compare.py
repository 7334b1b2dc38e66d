"""Which cells a comparison has, by its settings."""

from pathlib import Path

import pytest

from dsbs.compare import STAGE as COMPARE
from dsbs.core.errors import InputError
from support.farm import Farm


def test_cells_may_be_left_out(answered_farm: Farm, tmp_path: Path) -> None:
    given = {"labels": "gold,teacher", "skip": "step_by_step:gold"}
    cells = [cell.settings for cell in COMPARE.configure(**given).grid()]
    assert [(c.labels, c.method) for c in cells] == [
        ("gold", "standard"),
        ("teacher", "standard"),
        ("teacher", "step_by_step"),
    ]
    for wrong in (
        "step_by_step:nobody",
        "standard",
        "standard:gold,step_by_step:gold,standard:teacher,step_by_step:teacher",
    ):
        with pytest.raises(InputError, match=r"--skip: .* expected some, not all, of"):
            COMPARE.configure(**given | {"skip": wrong})


def levels(**given: object) -> list[tuple[object, ...]]:
    """Method, levels and seed of every cell."""
    cells = COMPARE.configure(**given).grid()
    return [(c.settings.method, *c.levels.items(), c.settings.seed) for c in cells]


def test_every_setting_that_the_paper_varies_is_an_axis() -> None:
    assert levels(answers="runs/a,runs/b", alpha="0.3,0.5,0.7") == [
        ("standard", 0),
        *(
            ("step_by_step", ("teacher", teacher), ("alpha", alpha), 0)
            for teacher in "ab"
            for alpha in (0.3, 0.5, 0.7)
        ),
    ]
    options = {
        "rationale_filter": "none,correct",
        "rationale_frac": "0.5,1",
        "rationales_per_example": "1,2",
        "max_rationale_tokens": "30,all",
    }
    for name, values in options.items():
        found = levels(**{name: values})
        assert [cell[0] for cell in found] == ["standard", "step_by_step", "step_by_step"]
        assert [str(dict([cell[1]])[name]) for cell in found[1:]] == [
            {"1": "1.0"}.get(v, v) if name == "rationale_frac" else v for v in values.split(",")
        ]
    cells = [cell.settings for cell in COMPARE.configure(max_rationale_tokens="30,all").grid()]
    assert [cell.max_rationale_tokens for cell in cells] == [30, 30, None]


def test_an_axis_does_not_multiply_what_it_makes_no_difference_to() -> None:
    """Gold labels need no teacher, and extra inputs have none."""
    given = {"labels": "gold,teacher", "extra_unlabeled": "none,asdiv=ASDiv.xml"}
    cells = COMPARE.configure(**given, methods="standard").grid()
    assert [(c.settings.labels, c.settings.extra_unlabeled, c.levels) for c in cells] == [
        ("gold", (), {}),
        ("teacher", (), {"extra": "none"}),
        ("teacher", ("asdiv=ASDiv.xml",), {"extra": "asdiv"}),
    ]
    one = COMPARE.configure(answers="runs/a", alpha=0.3).grid()
    assert [c.levels for c in one] == [{}, {}]
    assert {c.settings.alpha for c in one} == {0.3}


def test_teachers_may_teach_together() -> None:
    given = {"answers": "runs/a,runs/a+other/b", "teacher_weights": ()}
    cells = COMPARE.configure(**given, methods="step_by_step").grid()
    assert [list(map(str, c.settings.answers)) for c in cells] == [
        ["runs/a"],
        ["runs/a", "other/b"],
    ]
    assert [c.levels["teacher"] for c in cells] == ["a", "a+b"]
    alike = COMPARE.configure(answers="x/palm,y/palm", methods="step_by_step").grid()
    assert [c.levels["teacher"] for c in alike] == ["palm", "palm-2"]
    with pytest.raises(InputError, match="--teacher-weights"):
        COMPARE.configure(answers="a,b", teacher_weights="1,2")


def test_any_axis_may_be_left_out_in_part_and_compared_in_pairs() -> None:
    given = {"answers": "a,b", "alpha": "0.3,0.5"}
    found = levels(**given, skip="teacher=b:alpha=0.3")
    assert (("teacher", "b"), ("alpha", 0.3)) not in [cell[1:3] for cell in found]
    assert len(found) == 4
    assert COMPARE.configure(**given).paired_axes() == ("method", "teacher", "alpha")
    assert levels(**given, skip="teacher=a:alpha=0.3")[0] == ("standard", 0)
    two = {**given, "data_fracs": "0.5,1"}
    assert COMPARE.configure(**two, pairs="data_frac").paired_axes() == ("data_frac",)
    with pytest.raises(InputError, match=r"--pairs: .* axes with several values, here teacher"):
        COMPARE.configure(**given, pairs="data_frac")
    with pytest.raises(InputError, match="--alpha"):
        COMPARE.configure(alpha="0.5,1.5")
    with pytest.raises(InputError, match="--alpha-schedule"):
        COMPARE.configure(alpha="0.5,1", alpha_schedule="linear")


def test_without_prefixes_only_standard_reads_the_bare_input() -> None:
    """As in the published code, where step-by-step tells its two tasks apart by prefixes."""
    cells = [cell.settings for cell in COMPARE.configure(prefixes="none").grid()]
    assert [cell.prefixes for cell in cells] == [("none",), ("[label] ", "[rationale] ")]
