"""What a comparison shows: claims about methods or other axes, and about checkpoints."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dsbs.artifacts.results.cells import CellResult, Variant
from dsbs.artifacts.results.claims import CheckpointClaim, Claim
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.verdict import Prices
from dsbs.comparison import statistics
from dsbs.comparison.cells import (
    Paired,
    RowGroups,
    Verdicts,
    counted_cells,
    done_cells,
    grouped,
    on_same_rows,
    paired,
    pairs_along,
    reference_level,
)
from dsbs.comparison.data_efficiency import Teacher, find_data_needs
from dsbs.comparison.groups import gather_notices, make_groups
from dsbs.comparison.power import measured_detectable
from dsbs.comparison.statistics import ENOUGH_SEEDS, MIN_SEEDS
from dsbs.comparison.verdict import find_verdict
from dsbs.config.axes import AxisName


def judge(
    results: CompareResult,
    verdicts: Verdicts,
    teacher: Mapping[str, bool],
    row_groups: RowGroups | None = None,
    teachers: Mapping[str, Mapping[str, bool]] | None = None,
    *,
    prices: Prices | None = None,
) -> CompareResult:
    """The results with groups, claims, data needed and the smallest difference that would be seen.

    Args:
        results: Results whose cells are known.
        verdicts: Those of every cell that is done.
        teacher: The teacher's own verdicts by example id; {} without any.
        row_groups: The group of each example that has one. Default: none has.
        teachers: The verdicts of several teachers, by the name of each. Default: there is one.
        prices: What the verdict counts costs with.
    """
    cells = counted_cells(results.cells)
    shared = row_groups or {}
    claims = make_claims(cells, verdicts, shared, results.pairs)
    against = [Teacher(teacher, results.teacher_score, results.chance)]
    if teachers and len(teachers) > 1:
        scores = {one.name: one.score for one in results.teachers}
        against = [
            Teacher(of_one, scores.get(name), results.chance, name)
            for name, of_one in teachers.items()
        ]
    found = {
        "groups": make_groups(cells, verdicts, shared, results.duplicates),
        "claims": claims,
        "minimum_detectable": measured_detectable(cells, claims),
        "data_needed": find_data_needs(
            cells, verdicts, against, results.equal, shared, margin=results.margin
        ),
        "notices": gather_notices(cells),
    }
    judged = results.model_copy(update=found)
    verdict = find_verdict(judged, verdicts, teacher, shared, prices or Prices())
    return judged.model_copy(update={"verdict": verdict})


def make_claims(
    cells: Sequence[CellResult],
    verdicts: Verdicts,
    row_groups: RowGroups | None = None,
    axes: Sequence[AxisName] = ("method",),
) -> list[Claim]:
    """Every value of each axis against a first one, where all else is equal.

    Methods are compared with `standard` (or the first one), values of other axes with the value
    that comes first. An axis that makes no difference to one side may have any value on the other:
    `standard` has no alpha. And every student is compared with every baseline at the same labels
    and fraction. p-values are corrected by Holm's method: those of claims about methods and other
    axes among themselves, those about baselines, and those about checkpoints of either.
    """
    shared = row_groups or {}
    done = done_cells(cells)
    students = [cell for cell in done if not cell.is_baseline]
    baselines = grouped([cell for cell in done if cell.is_baseline], lambda cell: cell.group)
    own = grouped(students, lambda cell: cell.group)
    compared = own or baselines
    about_axes = [
        _claim(axis, first, second, verdicts, shared)
        for axis in axes
        for first, second in pairs_along(
            axis, compared, reference_level(axis, list(itertools.chain(*compared)))
        )
    ]
    about_baselines = [
        _claim("method", first, second, verdicts, shared)
        for first, second in itertools.product(own, baselines)
        if on_same_rows(first[0], second[0])
    ]
    return [
        *_corrected([claim for claim in about_axes if claim.seeds]),
        *_corrected([claim for claim in about_baselines if claim.seeds]),
    ]


def _claim(
    axis: AxisName,
    first: Sequence[CellResult],
    second: Sequence[CellResult],
    verdicts: Verdicts,
    row_groups: RowGroups,
) -> Claim:
    """The cells of one value of an axis against those of another, by common seeds."""
    ours = {cell.seed: cell for cell in first}
    theirs = {cell.seed: cell for cell in second}
    seeds = sorted(ours.keys() & theirs.keys())
    claim = Claim(
        student=first[0].student,
        labels=first[0].labels,
        data_frac=first[0].data_frac,
        method=first[0].method,
        equal=first[0].equal,
        **first[0].levels,
        against=Variant(method=second[0].method, equal=second[0].equal),
        axis=axis,
        value=getattr(first[0], axis),
        against_value=getattr(second[0], axis),
        seeds=seeds,
        strength=_strength(len(seeds)),
        stuck=(_flagged(ours, seeds), _flagged(theirs, seeds)),
    )
    if not seeds:
        return claim
    matrices = paired(
        seeds,
        {seed: verdicts[cell.name] for seed, cell in ours.items()},
        {seed: verdicts[cell.name] for seed, cell in theirs.items()},
        row_groups,
    )
    return _with_evidence(claim, matrices)


def _with_evidence(claim: Claim, matrices: Paired) -> Claim:
    """The claim with what the test rows show; refused where they fall into too few groups."""
    groups = matrices.first.shape[1] if matrices.groups is None else int(matrices.groups.max()) + 1
    strength = "refused" if groups < MIN_SEEDS else claim.strength
    update: dict[str, Any] = {
        "checkpoints": _checkpoint_claims(claim.seeds, matrices),
        "groups_of_rows": None if matrices.groups is None else groups,
        "strength": strength,
    }
    if strength != "refused":
        update |= _tested(statistics.method_test(*matrices))
    return claim.model_copy(update=update)


def _strength(seeds: int) -> str:
    if seeds < MIN_SEEDS:
        return "refused"
    return "weak" if seeds < ENOUGH_SEEDS else "full"


def _flagged(cells: Mapping[int, CellResult], seeds: Sequence[int]) -> int:
    return sum(bool(cells[seed].flags) for seed in seeds)


def _tested(test: statistics.MethodTest) -> dict[str, Any]:
    low, high = test.ci95_seeds_and_examples
    return {
        "difference": float(test.difference),
        "ci95_seeds_and_examples": (max(-1.0, float(low)), min(1.0, float(high))),
        "cohens_d": float(test.cohens_d) if np.isfinite(test.cohens_d) else None,
        "p": float(test.p),
    }


def _checkpoint_claims(seeds: Sequence[int], matrices: Paired) -> list[CheckpointClaim]:
    found = []
    for seed, first, second in zip(seeds, matrices.first, matrices.second, strict=True):
        test = statistics.checkpoint_test(first, second, matrices.groups)
        found.append(CheckpointClaim(seed=seed, n=first.size, **test._asdict()))
    return found


def _corrected(claims: Sequence[Claim]) -> list[Claim]:
    """The claims with their p-values corrected for all that were made."""
    tested = [claim.p for claim in claims if claim.p is not None]
    of_claims = iter(statistics.holm(tested))
    of_pairs = iter(statistics.holm([pair.p for claim in claims for pair in claim.checkpoints]))
    found = []
    for claim in claims:
        pairs = [c.model_copy(update={"p_holm": next(of_pairs)}) for c in claim.checkpoints]
        update: dict[str, Any] = {"checkpoints": pairs}
        if claim.p is not None:
            update |= {"p_holm": next(of_claims), "comparisons": len(tested)}
        found.append(claim.model_copy(update=update))
    return found
