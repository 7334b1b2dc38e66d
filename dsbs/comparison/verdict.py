"""The verdict: the cheapest candidate that is as good as the others, or why there is none."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dsbs.artifacts.results.claims import Claim
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.verdict import (
    Candidate,
    Category,
    Difference,
    MoreRows,
    Prices,
    Rationales,
    Verdict,
)
from dsbs.comparison import verdict_sentences as words
from dsbs.comparison.candidates import candidate, candidate_groups
from dsbs.comparison.cells import RowGroups, Verdicts, counted_cells
from dsbs.comparison.differences import GATES, PERFECT, TEACHER, Asked, find_differences, level_for
from dsbs.comparison.more_rows import rows_to_reach
from dsbs.comparison.statistics import MIN_SEEDS
from dsbs.comparison.variance import Needed

_COSTLIEST = float("inf")


class _Choice(NamedTuple):
    """What to take, and what would tell where nothing can be taken."""

    category: Category
    chosen: Candidate | None = None
    needed: Needed = Needed(None, None)
    rows_of_data: MoreRows | None = None


def find_verdict(
    results: CompareResult,
    verdicts: Verdicts,
    teacher: Mapping[str, bool],
    row_groups: RowGroups,
    prices: Prices,
) -> Verdict:
    """The verdict of a comparison whose claims are known.

    Args:
        results: The comparison.
        verdicts: Those of every cell that is done.
        teacher: The teacher's own verdicts by example id; {} without any.
        row_groups: The group of each example that has one.
        prices: What costs are counted with.
    """
    cells = counted_cells(results.cells)
    level = level_for(len(candidate_groups(cells)))
    asked = Asked(results.margin, level, row_groups)
    found = find_differences(cells, verdicts, teacher, asked)
    return decide(results, found, prices)


def at_prices(results: CompareResult, prices: Prices) -> CompareResult:
    """The same results with the verdict at other prices, which needs no predictions."""
    if results.verdict is None or results.verdict.prices == prices:
        return results
    verdict = decide(results, results.verdict.differences, prices)
    return results.model_copy(update={"verdict": verdict})


def decide(results: CompareResult, differences: Sequence[Difference], prices: Prices) -> Verdict:
    """The verdict by the differences of candidates."""
    cells = counted_cells(results.cells)
    known = _Known(results.margin, {(one.candidate, one.against): one for one in differences})
    candidates = [
        candidate(name, same, cells, prices).model_copy(update={"learned": known.learned(name)})
        for name, same in candidate_groups(cells).items()
    ]
    if not candidates:
        sentence = "Cannot be told: no student and no baseline that could be chosen was measured."
        return Verdict(sentence=sentence, category="cannot_be_told", prices=prices)
    candidates.sort(key=lambda one: _COSTLIEST if one.cost_per_1000 is None else one.cost_per_1000)
    seeds = min(len(same) for same in candidate_groups(cells).values())
    choice = _choose(candidates, known, None if seeds >= MIN_SEEDS else MIN_SEEDS)
    choice = _beside_the_teacher(choice, candidates, known, results)
    verdict = Verdict(
        sentence="",
        choice=choice.chosen.name if choice.chosen else None,
        category=choice.category,
        rationales=rationales_verdict(results.claims, results.margin),
        margin=results.margin,
        level=level_for(len(candidates)),
        rows_needed=choice.needed.rows,
        seeds_needed=choice.needed.seeds,
        needed_together=choice.needed.together,
        rows_of_data=choice.rows_of_data,
        candidates=candidates,
        differences=list(differences),
        prices=prices,
    )
    said = {
        "sentence": words.sentence(verdict, results),
        "reasons": words.reasons(verdict, results),
    }
    return verdict.model_copy(update=said)


class _Known(NamedTuple):
    """The differences by candidate and what it is compared with."""

    margin: float
    pairs: Mapping[tuple[str, str], Difference]

    def learned(self, name: str) -> bool:
        """Whether it was shown to be better than everything that it must be better than."""
        gates = self.gates(name)
        return bool(gates) and all(one.interval[0] > 0 for one in gates)

    def gates(self, name: str) -> list[Difference]:
        """Those from what it must be better than."""
        return [self.pairs[name, gate] for gate in GATES if (name, gate) in self.pairs]

    def has_all(self, name: str, others: Sequence[str]) -> bool:
        """Whether it could be compared with every other candidate."""
        return all((name, other) in self.pairs for other in others if other != name)

    def unproven(self, name: str, others: Sequence[str]) -> list[Difference]:
        """Those from candidates that may be better by more than the margin."""
        best = self.pairs.get((name, PERFECT))
        if best is not None and best.interval[0] >= -self.margin:
            return []
        pairs = [self.pairs[name, other] for other in others if other != name]
        return [one for one in pairs if one.interval[0] < -self.margin]


def _choose(candidates: Sequence[Candidate], known: _Known, missing: int | None) -> _Choice:
    """The cheapest that has learned and is as good as all others.

    Args:
        candidates: The cheapest first.
        known: Their differences.
        missing: The seeds that differences need, where a candidate has fewer.
    """
    names = [one.name for one in candidates]
    if not all(known.gates(name) and known.has_all(name, names) for name in names):
        return _Choice("cannot_be_told", needed=Needed(None, missing))
    learned = [one for one in candidates if one.learned]
    if not learned:
        return _nothing_learned(names, known)
    for one in learned:
        if not known.unproven(one.name, names):
            return _Choice("baseline" if _is_baseline(one) else "student", one)
    return _needed([known.unproven(one.name, names) for one in learned])


def _nothing_learned(names: Sequence[str], known: _Known) -> _Choice:
    """Whether the best candidate would be better by more than the margin, if it could be told."""
    hopeful = [
        gates
        for gates in map(known.gates, names)
        if all(one.difference > known.margin for one in gates)
    ]
    return _needed(hopeful) if hopeful else _Choice("nothing_learned")


def _needed(open_questions: Sequence[Sequence[Difference]]) -> _Choice:
    """What answers all questions of the candidate that needs least."""
    each = [_all_of(questions) for questions in open_questions]
    known = [one for one in each if one.rows is not None or one.seeds is not None]
    return _Choice("cannot_be_told", needed=min(known, key=_amount, default=Needed(None, None)))


def _all_of(questions: Sequence[Difference]) -> Needed:
    """What answers all of them: rows alone, seeds alone, or both together."""
    if any(one.rows_needed is None and one.seeds_needed is None for one in questions):
        return Needed(None, None)
    rows = [one.rows_needed for one in questions if one.rows_needed is not None]
    seeds = [one.seeds_needed for one in questions if one.seeds_needed is not None]
    apart = not any(one.needed_together for one in questions)
    of_rows = max(rows) if apart and len(rows) == len(questions) else None
    of_seeds = max(seeds) if apart and len(seeds) == len(questions) else None
    if of_rows is not None or of_seeds is not None:
        return Needed(of_rows, of_seeds)
    return Needed(max(rows, default=None), max(seeds, default=None), together=True)


def _amount(one: Needed) -> tuple[bool, float, float]:
    """Either alone before both together; then the fewest rows, then the fewest seeds."""
    return (one.together, one.rows or float("inf"), one.seeds or float("inf"))


def _beside_the_teacher(
    choice: _Choice, candidates: Sequence[Candidate], known: _Known, results: CompareResult
) -> _Choice:
    """Another category where all that learned were shown to be below the teacher by the margin."""
    learned = [one for one in candidates if one.learned]
    pairs = [known.pairs.get((one.name, TEACHER)) for one in learned]
    below = [one is not None and one.interval[1] < -known.margin for one in pairs]
    if not learned or not all(below) or results.teacher_score is None:
        return choice
    best = max(learned, key=lambda one: one.mean)
    wanted = results.teacher_score.share - known.margin
    curve = rows_to_reach(results.cells, best, wanted)
    if curve is None:
        return choice._replace(category="no_student_near_teacher")
    return choice._replace(category="more_data_needed", rows_of_data=curve)


def rationales_verdict(claims: Sequence[Claim], margin: float) -> Rationales | None:
    """What rationales bring over labels alone, at the largest fraction that was tried."""
    about = [c for c in claims if _about_rationales(c)]
    largest = max((claim.data_frac for claim in about), default=1.0)
    found = {rationales_in(claim, margin) for claim in about if claim.data_frac == largest}
    if not found:
        return None
    return found.pop() if len(found) == 1 else "differs"


def rationales_in(claim: Claim, margin: float) -> Rationales:
    """What one claim shows of rationales."""
    if claim.ci95_seeds_and_examples is None or claim.p_holm is None:
        return "cannot_be_told"
    low, high = claim.ci95_seeds_and_examples
    if low > 0 and claim.p_holm < 0.05:
        return "help"
    worse = high < 0 and claim.p_holm < 0.05
    return "do_not_help" if worse or high <= margin else "cannot_be_told"


def _about_rationales(claim: Claim) -> bool:
    return not claim.is_baseline and claim.against.method == "standard"


def _is_baseline(one: Candidate) -> bool:
    return one.method.startswith("baseline:")
