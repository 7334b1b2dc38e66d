"""Cells for the tests of what is concluded from them."""

import pytest

from support.made_cells import Made


@pytest.fixture
def made() -> Made:
    made = Made()
    for seed, (standard, step_by_step) in enumerate(
        [(50, 60), (54, 61), (52, 65), (49, 58), (51, 60)]
    ):
        made.add("standard", seed, standard)
        made.add("step_by_step", seed, step_by_step, start=seed)
    return made
