"""The least data with which a method is as good as another, on cells made by hand."""

import pytest

from dsbs.comparison.data_efficiency import find_data_needs
from dsbs.comparison.findings import need_sentence
from support.made_cells import EXAMPLES, Made


def test_the_least_data_that_does_has_a_range(made: Made) -> None:
    for frac, rights in ((0.25, (30, 33, 31)), (0.5, (48, 53, 52)), (0.75, (56, 59, 57))):
        for seed, right in enumerate(rights):
            made.add("step_by_step", seed, right, data_frac=frac)
            made.add("standard", seed, right - 9, data_frac=frac)
    teacher = {str(n): n < 62 for n in range(EXAMPLES)}
    found = find_data_needs(made.cells, made.verdicts, teacher, "steps")
    needs = {(need.method, need.against): need for need in found}
    assert set(needs) == {
        ("step_by_step", "standard"),
        ("step_by_step", "teacher"),
        ("standard", "teacher"),
    }
    need = needs["step_by_step", "standard"]
    assert (need.fractions, need.at) == ([0.25, 0.5, 0.75, 1.0], 1.0)
    assert need.differences[1] == pytest.approx(0.51 - 0.52)
    assert (need.possible, need.estimate, need.certain) == (0.5, 0.75, 1.0)
    assert need_sentence(need) == (
        "step_by_step (s, gold labels) needs 75 % of the data to be as good as standard on all "
        "data (95 % interval: 50 % of the data to all data)."
    )
    assert needs["step_by_step", "teacher"].estimate is None
    assert "is not as good as the teacher at any fraction that was tried" in need_sentence(
        needs["step_by_step", "teacher"]
    )
    without = find_data_needs(made.cells, made.verdicts, {}, "steps")
    assert {need.against for need in without} == {"standard"}
