"""What was compared with what, and how to read it, in one paragraph for people in a hurry."""

from collections.abc import Iterable, Sequence

from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.compare import CompareResult
from dsbs.comparison.cells import done_cells, reference_method
from dsbs.comparison.names import AXIS_WORDS
from dsbs.comparison.statistics import ENOUGH_SEEDS, MIN_SEEDS

_EQUAL = {
    "steps": "the same number of optimizer steps",
    "epochs": "the same number of passes over their training rows",
    "compute": "the same number of floating-point operations",
}


def methods_paragraph(results: CompareResult) -> str:
    """Who was compared with whom, what they had in common, and how to read the differences."""
    return " ".join([*_what(results.cells, results.task), *_how(results), _reading(results)])


def _what(every: Sequence[CellResult], task: str) -> list[str]:
    cells = [cell for cell in every if not cell.is_baseline]
    beside = list(dict.fromkeys(cell.method for cell in every if cell.is_baseline))
    if not cells:
        return [f"{_listed(beside)} were measured for the task {task}; no student was trained."]
    scores = [cell.score for cell in done_cells(cells) if cell.score]
    questions = f"the same {scores[0].n:,} test questions" if scores else "test questions"
    trained = "student was" if len(cells) == 1 else "students were"
    seeds = len({cell.seed for cell in cells})
    again = (
        f"trained {seeds} times, each time with another random seed"
        if seeds > 1
        else "trained once"
    )
    fractions = _listed(f"{cell.data_frac:.4g}" for cell in cells)
    return [
        f"{len(cells)} {trained} trained for the task {task} and answered {questions}.",
        f"They differ in method ({_listed(cell.method for cell in cells)}), in model "
        f"({_listed(cell.student for cell in cells)}), in the labels that they learn "
        f"({_listed(cell.labels for cell in cells)}) and in the share of the training data that "
        f"they see ({fractions}).",
        *_further(cells),
        f"Each combination was {again}.",
        *([f"Beside them stand {_listed(beside)}, on the same rows and labels."] if beside else []),
    ]


def _further(cells: Sequence[CellResult]) -> list[str]:
    """What else they differ in: a sentence per further axis."""
    known = dict.fromkeys((axis, level) for cell in cells for axis, level in cell.levels.items())
    return [
        f"They also differ in {AXIS_WORDS[axis]} "
        f"({_listed(str(level) for name, level in known if name == axis)})."
        for axis in dict.fromkeys(axis for axis, _ in known)
    ]


def _how(results: CompareResult) -> list[str]:
    lines = [f"All methods had {_EQUAL[results.equal]}."]
    others = {cell.equal for cell in results.cells} - {results.equal}
    lines += [
        f"{reference_method(results.cells)} was also trained with {_EQUAL[other]} as the others."
        for other in sorted(others)
    ]
    if results.tuning:
        lines.append(
            "The learning rate of each method was chosen by the same small search on validation."
        )
    return lines


def _reading(results: CompareResult) -> str:
    if not results.claims:
        return "There are no two methods here to compare."
    return (
        f"Each method is compared with {reference_method(results.cells)} in pairs: same seed, same "
        "training rows, same questions. The 95 % interval of a difference shows where it may lie "
        "with other seeds and other questions of the same kind. If the interval contains 0, the "
        "data are compatible with no difference. Among many differences some look large by "
        "chance, so p-values are corrected for their number (Holm's method). Below "
        f"{MIN_SEEDS} seeds no claim about methods is made; below {ENOUGH_SEEDS} the evidence is "
        "called weak."
    )


def _listed(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(values))
