"""Which cells stand for their method."""

import pytest

from dsbs.artifacts.results.compare import CompareResult
from dsbs.comparison.cautions import cautions
from dsbs.comparison.cells import counted_cells
from dsbs.comparison.claims import judge
from dsbs.comparison.findings import findings
from support.made_cells import Made


def results_of(made: Made) -> CompareResult:
    found = CompareResult(out="", task="t", equal="steps", decode="generate", cells=made.cells)
    return judge(found, made.verdicts, {"1": True})


def fall_back(made: Made) -> None:
    """Make the cells of step_by_step what they are where there was no rationale to learn."""
    made.cells = [
        cell
        if cell.method == "standard"
        else cell.model_copy(update={"method": "standard", "fell_back_from": cell.method})
        for cell in made.cells
    ]


def test_cells_that_fell_back_are_counted_for_no_method(made: Made) -> None:
    alone = results_of(made).groups[0]
    fall_back(made)
    results = results_of(made)
    assert [cell.fell_back_from for cell in results.cells].count("step_by_step") == 5
    assert results.groups == [alone]
    assert results.claims == []
    assert {need.method for need in results.data_needed} <= {"standard"}
    assert "step_by_step" not in " ".join(findings(results))
    (said,) = [line for line in cautions(results) if "step_by_step" in line]
    assert said.startswith("step_by_step (s, gold labels, all data): no rationale to learn, so 5")


def test_without_a_cell_of_standard_they_are_standard_once(made: Made) -> None:
    fall_back(made)
    fallen = [cell for cell in made.cells if cell.fell_back_from]
    twice = [*fallen, *(cell.model_copy(update={"name": f"{cell.name}-2"}) for cell in fallen)]
    assert counted_cells(twice) == fallen


@pytest.mark.parametrize(("explained", "said"), [(3, True), (4, True), (5, False), (9, False)])
def test_few_rationales_are_a_caution(made: Made, explained: int, said: bool) -> None:
    made.cells = [
        cell.model_copy(update={"n_explained": 0 if cell.method == "standard" else explained})
        for cell in made.cells
    ]
    found = [line for line in cautions(results_of(made)) if "rationales for" in line]
    expected = f"step_by_step (s, gold labels, all data): rationales for {explained} of 9 rows."
    assert found == ([expected] if said else [])
