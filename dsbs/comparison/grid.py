"""The cells of a comparison, with the number of steps that makes their trainings comparable."""

from collections.abc import Sequence
from dataclasses import replace

from dsbs.comparison.cell import Cell
from dsbs.comparison.materials import Materials
from dsbs.config.axes import GridCell
from dsbs.config.compare import Equal


def make_grid(
    grid: Sequence[GridCell], materials: Materials, equal: Equal, also_equal: Equal | None
) -> list[Cell]:
    """One cell per training; with `also_equal`, those of `standard` a second time.

    Args:
        grid: The settings of each training, with the student's name resolved.
        materials: The rows and answers.
        equal: What all methods have in common; see `equalized`.
        also_equal: What the second `standard` has in common with the other methods.
    """
    task = materials.task
    given = [Cell(one.settings, task, equal, levels=one.levels) for one in grid]
    cells = equalized(given, materials)
    if also_equal is None:
        return cells
    again = [replace(cell, equal=also_equal, marks=(also_equal,)) for cell in cells]
    return cells + [c for c in equalized(again, materials) if c.key.method == "standard"]


def equalized(cells: Sequence[Cell], materials: Materials) -> list[Cell]:
    """The cells with the optimizer steps that their `equal` asks for.

    - `steps`: as they are.
    - `epochs`: as many passes over its own rows as the cell with the most rows makes.
    - `compute`: as many FLOPs as the most expensive method at the same student, labels, fraction
      and seed spends.
    """
    if not cells or cells[0].equal == "steps":
        return list(cells)
    by_epochs = cells[0].equal == "epochs"
    sizes = [cell.size(materials.of(cell.settings)) for cell in cells]
    amounts = [float(size.rows) if by_epochs else size.flops_per_example for size in sizes]
    most: dict[tuple[object, ...], float] = {}
    for cell, amount in zip(cells, amounts, strict=True):
        key = _compared_with(cell, by_epochs)
        most[key] = max(amount, most.get(key, 0.0))
    found = []
    for cell, amount in zip(cells, amounts, strict=True):
        largest = most[_compared_with(cell, by_epochs)]
        # Fewer rows need fewer steps for equal epochs; cheaper examples allow more of them.
        factor = amount / largest if by_epochs else largest / amount
        found.append(cell.with_steps(max(1, round(cell.steps * factor))))
    return found


def _compared_with(cell: Cell, by_epochs: bool) -> tuple[object, ...]:
    """What cells share whose number of steps depends on each other."""
    key = cell.key
    return (key.student, key.labels, key.seed, None if by_epochs else key.data_frac)
