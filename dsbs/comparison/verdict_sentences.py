"""The verdict in words: one sentence, its reasons, and the candidates in a table."""

from collections.abc import Sequence

from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.verdict import Candidate, Difference, MoreRows, Verdict
from dsbs.comparison.candidates import candidate_groups
from dsbs.comparison.differences import GATES, PERFECT, TEACHER
from dsbs.comparison.names import points, share_of_data
from dsbs.core.records import BASELINE
from dsbs.core.tables import Share, percent, table

_NAMES = {
    "majority": "the commonest label",
    "tfidf": "TF-IDF",
    "embedding": "frozen embeddings",
    "input-ablated": "TF-IDF of a part of the input",
}
_AGAINST = {"majority": _NAMES["majority"], PERFECT: "one that never errs"}
_RATIONALES = {
    "help": "rationales help",
    "do_not_help": "rationales do not help here",
    "differs": "whether rationales help depends on the student or the labels",
}


def verdict_lines(verdict: Verdict | None) -> list[str]:
    """The sentence, and the candidates with what they cost; [] without a verdict."""
    if verdict is None:
        return []
    lines = [f"Verdict: {verdict.sentence}"]
    return [*lines, candidates_text(verdict)] if verdict.candidates else lines


def candidates_text(verdict: Verdict) -> str:
    """The candidates as a table, the cheapest first."""
    rows = candidate_rows(verdict)
    return table(
        list(rows[0]), [list(row.values()) for row in rows], title=prices_sentence(verdict)
    )


def candidate_rows(verdict: Verdict) -> list[dict[str, object]]:
    """The rows of the table of candidates, by column."""
    return [
        {
            "candidate": one.name,
            "mean": Share(one.mean),
            "beats chance": "yes" if one.learned else "not shown",
            "cost of 1,000 calls": one.cost_per_1000,
            "cost of training": one.training_cost,
            "ms a call": one.latency_ms,
        }
        for one in verdict.candidates
    ]


def prices_sentence(verdict: Verdict) -> str:
    """What the costs are counted with."""
    prices = verdict.prices
    return (
        f"Costs at {prices.calls:,} calls, {prices.core_hour:g} per core-hour and "
        f"{prices.gpu_hour:g} per GPU-hour, one training included, the teacher's answers not"
    )


def sentence(verdict: Verdict, results: CompareResult) -> str:
    """The whole verdict in one sentence."""
    rationales = _rationales(verdict, results)
    return f"{_main(verdict, results)}{f'; {rationales}' if rationales else ''}."


def reasons(verdict: Verdict, results: CompareResult) -> list[str]:
    """The differences that the verdict rests on, and what else should be known."""
    chosen = verdict.choice or _best(verdict).name
    about = [one for one in verdict.differences if one.candidate == chosen]
    about = [d for d in about if d.against != PERFECT or d.interval[0] >= -verdict.margin]
    lines = [difference_sentence(one, verdict) for one in about]
    lines += _undecided(verdict)
    lines += _guessed(results)
    lines.append(f"{prices_sentence(verdict)}.")
    return lines


def difference_sentence(found: Difference, verdict: Verdict) -> str:
    """A difference with its interval."""
    low, high = (100 * end for end in found.interval)
    against = _AGAINST.get(found.against) or display(found.against)
    return (
        f"{display(found.candidate)} less {against}: {points(found.difference)} "
        f"({100 * verdict.level:.4g} % interval {low:+.1f} to {high:+.1f})."
    )


def display(name: str) -> str:
    """A candidate's name for people: "baseline:tfidf" is TF-IDF."""
    method, comma, rest = name.partition(",")
    known = _NAMES.get(method.removeprefix(BASELINE), method)
    return f"{known if method.startswith(BASELINE) else method}{comma}{rest}"


def _main(verdict: Verdict, results: CompareResult) -> str:
    best = _best(verdict)
    chosen = next((one for one in verdict.candidates if one.name == verdict.choice), None)
    match verdict.category:
        case "student" if chosen:
            return f"Distil: {_cheapest(chosen, verdict)}"
        case "baseline" if chosen:
            return _baseline(chosen, verdict)
        case "more_data_needed" if verdict.rows_of_data:
            rows = rows_of_data(verdict.rows_of_data)
            return f"More data needed: {rows} by the curve of {display(best.name)}{_so_far(chosen)}"
        case "no_student_near_teacher":
            found = _from_teacher(verdict, best)
            who = "student" if _students(verdict) else "baseline"
            return f"No {who} is near the teacher yet: {found}{_so_far(chosen)}"
        case "nothing_learned":
            return (
                "Do not use any of these: none was shown to beat the commonest label and chance "
                f"(the best, {display(best.name)}, has {percent(best.mean)})"
            )
    return f"Cannot be told: {_needed(verdict, results)}"


def _cheapest(chosen: Candidate, verdict: Verdict) -> str:
    others = len(verdict.candidates) - 1
    name = f"{display(chosen.name)} ({percent(chosen.mean)}{_cost(chosen)})"
    if not others:
        return f"{name} beats the commonest label and chance, and nothing else was compared"
    return (
        f"{name} is the cheapest that is not worse than any other by more than "
        f"{100 * verdict.margin:.4g} points"
    )


def _baseline(chosen: Candidate, verdict: Verdict) -> str:
    name = display(chosen.name)
    if not _students(verdict):
        return f"No student was compared: of the baselines, {_cheapest(chosen, verdict)}"
    return (
        f"Do not distil: {name} does it ({percent(chosen.mean)}{_cost(chosen)}), not worse than "
        f"any other by more than {100 * verdict.margin:.4g} points"
    )


def _cost(one: Candidate) -> str:
    if one.cost_per_1000 is None:
        return ""
    latency = "" if one.latency_ms is None else f", {one.latency_ms:.3g} ms a call"
    return f", {one.cost_per_1000:.2g} for 1,000 calls{latency}"


def _so_far(chosen: Candidate | None) -> str:
    return (
        ""
        if chosen is None
        else f"; the cheapest of these as good as the others is {display(chosen.name)}"
    )


def _needed(verdict: Verdict, results: CompareResult) -> str:
    known = [cell for same in candidate_groups(results.cells).values() for cell in same]
    rows = max((cell.score.n for cell in known if cell.score), default=0)
    seeds = len({cell.seed for cell in known})
    parts = []
    if verdict.rows_needed:
        parts.append(f"{verdict.rows_needed:,} test rows")
    if verdict.seeds_needed:
        parts.append(f"{verdict.seeds_needed:,} seeds")
    have = f"there are {rows:,} test rows and {seeds} seed{'s' * (seeds != 1)}"
    if not parts:
        return f"more test rows and more seeds would be needed ({have})"
    both = " and " if verdict.needed_together else " or "
    return f"{both.join(parts)} would be needed ({have})"


def _rationales(verdict: Verdict, results: CompareResult) -> str:
    if verdict.rationales is None:
        return ""
    if verdict.rationales != "cannot_be_told":
        return _RATIONALES[verdict.rationales]
    seeds = max((len(claim.seeds) for claim in results.claims), default=0)
    return f"whether rationales help cannot be told with {seeds} seed{'s' * (seeds != 1)}"


def rows_of_data(found: MoreRows) -> str:
    """The rows that a curve asks for."""
    if found.high is None:
        return f"{found.low:,} training rows or more"
    return f"{found.low:,} to {found.high:,} training rows"


def _from_teacher(verdict: Verdict, best: Candidate) -> str:
    for one in verdict.differences:
        if (one.candidate, one.against) == (best.name, TEACHER):
            low, high = (100 * end for end in one.interval)
            interval = f"{low:+.1f} to {high:+.1f}"
            return f"{display(best.name)} is {points(one.difference)} from it ({interval})"
    return f"the best is {display(best.name)}"


def _undecided(verdict: Verdict) -> list[str]:
    """Cheaper candidates that may be as good as the chosen one, and what would tell."""
    lines = []
    for one in verdict.candidates:
        if one.name == verdict.choice:
            break
        pairs = {d.against: d for d in verdict.differences if d.candidate == one.name}
        found = pairs.get(verdict.choice or "")
        gates_open = all(pairs[gate].interval[1] > 0 for gate in GATES if gate in pairs)
        if found is None or not gates_open or found.interval[1] < -verdict.margin:
            continue
        rows = f"{found.rows_needed:,} test rows" if found.rows_needed else "no number of test rows"
        lines.append(
            f"{display(one.name)} is cheaper and may be as good: {rows} would show it, if the "
            f"difference stays {points(found.difference)}."
        )
    return lines


def _guessed(results: CompareResult) -> list[str]:
    """What is right without a part of the input, at the largest fraction."""
    groups = [g for g in results.groups if g.method == f"{BASELINE}input-ablated" and g.mean]
    largest = max((group.data_frac for group in groups), default=1.0)
    return [
        f"Without a part of the input, TF-IDF still has {percent(group.mean)} "
        f"({group.labels} labels, {share_of_data(group.data_frac)}); chance is "
        f"{percent(results.chance)}. What is above chance can be guessed from how rows were made."
        for group in groups
        if group.data_frac == largest
    ]


def _best(verdict: Verdict) -> Candidate:
    return max(verdict.candidates, key=lambda one: one.mean)


def _students(verdict: Verdict) -> Sequence[Candidate]:
    return [one for one in verdict.candidates if not one.method.startswith(BASELINE)]
