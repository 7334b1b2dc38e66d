"""What may be chosen after a comparison, and what each costs."""

from collections.abc import Iterable, Sequence
from statistics import fmean, median

from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.verdict import Candidate, Prices
from dsbs.comparison.cells import done_cells, grouped, share_of
from dsbs.core.records import needs_teacher

NO_CANDIDATES = ("baseline:majority", "baseline:input-ablated")
"""Nobody would use them: the one is what all must beat, the other shows what can be guessed."""


def candidate_groups(cells: Sequence[CellResult]) -> dict[str, list[CellResult]]:
    """The cells of each candidate at the largest fraction, by the candidate's name."""
    done = [cell for cell in done_cells(cells) if cell.score]
    largest = max((cell.data_frac for cell in done), default=1.0)
    known = [c for c in done if c.data_frac == largest and _may_be_chosen(c)]
    students = {cell.student for cell in known if not cell.is_baseline}
    sources = {cell.labels for cell in known}
    measures = {cell.equal for cell in known}
    return {
        _name(same[0], len(students), len(sources), len(measures)): same
        for same in grouped(known, lambda cell: cell.group)
    }


def candidate(
    name: str, cells: Sequence[CellResult], everything: Sequence[CellResult], prices: Prices
) -> Candidate:
    """A candidate with its mean and its costs; whether it learned is not known yet.

    Args:
        name: Its name.
        cells: Its own.
        everything: All cells. Students of one model take the same time for a label, however they
            were trained, so the time of a call is the median over all of these.
        prices: What costs are counted with.
    """
    first = cells[0]
    alike = [cell for cell in everything if _calls_like(cell) == _calls_like(first)]
    hour = prices.core_hour if first.device == "cpu" else prices.gpu_hour
    train_s = _known(cell.train_s for cell in cells)
    call_s = _known(cell.call_s for cell in alike)
    training = fmean(train_s) * hour / 3600 if train_s else None
    cost = None
    if training is not None and call_s:
        cost = 1000 * (training / prices.calls + median(call_s) * hour / 3600)
    latency = _known(cell.latency_ms for cell in alike)
    return Candidate(
        name=name,
        student=first.student,
        labels=first.labels,
        data_frac=first.data_frac,
        method=first.method,
        equal=first.equal,
        mean=fmean(share_of(cell) for cell in cells),
        learned=False,
        cost_per_1000=cost,
        training_cost=training,
        latency_ms=median(latency) if latency else None,
    )


def _name(cell: CellResult, students: int, sources: int, measures: int) -> str:
    """The method, and what else the candidates differ in."""
    parts: list[str] = [cell.method]
    if students > 1 and not cell.is_baseline:
        parts.append(cell.student)
    if sources > 1:
        parts.append(f"{cell.labels} labels")
    if measures > 1 and not cell.is_baseline:
        parts.append(f"equal {cell.equal}")
    parts += [f"{axis} {level}" for axis, level in cell.levels.items()]
    return ", ".join(parts)


def _may_be_chosen(cell: CellResult) -> bool:
    """Whether it answers calls by itself."""
    return cell.method not in NO_CANDIDATES and not needs_teacher(cell.method)


def _calls_like(cell: CellResult) -> tuple[str, str]:
    """What cells share that take the same time for a label."""
    writes_first = cell.is_baseline or cell.method == "rationale_then_label"
    return (cell.student, cell.method if writes_first else "label alone")


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]
