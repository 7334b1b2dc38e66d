"""Which cells a comparison has, by its settings."""

from pathlib import Path

import pytest

from dsbs.compare import STAGE as COMPARE
from dsbs.core.errors import InputError
from support.farm import Farm


def test_cells_may_be_left_out(answered_farm: Farm, tmp_path: Path) -> None:
    given = {"labels": "gold,teacher", "skip": "step_by_step:gold"}
    cells = COMPARE.configure(**given).cells()
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
