"""What was compared with what and how, in one paragraph for people who are no statisticians."""

from collections.abc import Mapping, Sequence
from typing import Any

from dsbs.comparison.claims import reference_method
from dsbs.comparison.statistics import ENOUGH_SEEDS, MIN_SEEDS
from dsbs.reporting.load_runs import Comparison

_EQUAL = {
    "steps": "the same number of optimiser steps",
    "epochs": "the same number of passes over their training rows",
    "compute": "the same number of floating-point operations",
}


def paragraph(comparison: Comparison) -> str:
    """Who was compared with whom, what they had in common, and how to read the differences."""
    results = comparison.results
    return " ".join([_what(results["cells"], results["task"]), _how(results), _reading(results)])


def _what(cells: Sequence[Mapping[str, Any]], task: str) -> str:
    done = [cell for cell in cells if cell["status"] == "done"]
    asked = f"the same {done[0]['n']:,} test questions" if done else "test questions"
    seeds = len({cell["seed"] for cell in cells})
    again = (
        f"{seeds} times, each time with another seed: the same training with other luck"
        if seeds > 1
        else "once"
    )
    parts = [
        f"{len(cells)} {'student was' if len(cells) == 1 else 'students were'} trained for the task {task} and asked {asked}.",
        f"They differ in method ({_listed(cells, 'method')}), student model ({_listed(cells, 'student')}), whose labels they "
        f"learn ({_listed(cells, 'labels')}) and how much of the training data they see ({_listed(cells, 'data_frac')}).",
        f"Every such combination was trained {again}.",
    ]
    return " ".join(parts)


def _how(results: Mapping[str, Any]) -> str:
    text = f"All methods were given {_EQUAL[results['equal']]}."
    others = {cell["equal"] for cell in results["cells"]} - {results["equal"]}
    for match in sorted(others):
        text += f" {reference_method(results['cells'])} stands there a second time, given {_EQUAL[match]} as the other methods."
    if results["tuning"]:
        text += " Each method had its learning rate chosen by the same small search on validation, never on test."
    return text


def _reading(results: Mapping[str, Any]) -> str:
    if not results["claims"]:
        return "Nothing stands here that could be compared with each other."
    reference = reference_method(results["cells"])
    return (
        f"A method is compared with {reference} pair by pair: same seed, same training rows, same questions. The interval "
        "beside a difference says where the difference would lie in 95 of 100 repetitions with other seeds and other "
        "questions of the same kind; if it holds 0, luck alone explains the difference. The more differences are looked at, "
        "the more of them look large by luck, so every p-value is corrected for their number (Holm's method). Below "
        f"{MIN_SEEDS} seeds nothing is claimed about methods, below {ENOUGH_SEEDS} a claim is marked weak."
    )


def _listed(cells: Sequence[Mapping[str, Any]], key: str) -> str:
    values = dict.fromkeys(
        f"{cell[key]:.4g}" if isinstance(cell[key], float) else str(cell[key]) for cell in cells
    )
    return ", ".join(values)
