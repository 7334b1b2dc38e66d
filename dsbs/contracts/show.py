"""A contract in words and tables."""

from dsbs.artifacts.results.base import Score
from dsbs.artifacts.results.contract import CascadeRow, ContractTerms
from dsbs.core.tables import percent, span, table


def sentence(terms: ContractTerms) -> str:
    """The promise in one sentence."""
    wrong = "wrongly" if terms.against == "gold" else "differently from the teacher"
    promise = (
        f"at most {percent(terms.budget)} of all calls are answered locally and {wrong}, "
        f"with {percent(terms.confidence)} confidence"
    )
    if not terms.holds:
        return f"No contract possible with these {terms.n:,} rows: {promise}."
    interval = f" (95 % {span(terms.share_local_ci95)})" if terms.share_local_ci95 else ""
    who = "For each class by itself, at" if terms.by_class else "At"
    return (
        f"The student answers {percent(terms.share_local)} of calls{interval} and leaves the rest "
        f"to the teacher. {who}{promise.removeprefix('at')}, for calls like these {terms.n:,} rows."
    )


def show_terms(terms: ContractTerms) -> list[str]:
    """The sentence, what it rests on, and the tables."""
    lines = [sentence(terms)]
    if terms.rows_needed is not None:
        lines.append(f"About {terms.rows_needed:,} rows are needed at the rate seen.")
    elif not terms.holds:
        lines.append("At the rate of differences seen, no number of rows would do.")
    lines += [
        f"The student alone agrees on {percent(terms.agreement)} of them; score: {_score(terms)}.",
        *_rationale(terms),
        *_money(terms),
        _curve(terms),
    ]
    if terms.needed:
        rows = [[percent(one.share), one.rows or "no number would do"] for one in terms.needed]
        lines.append(table(["share local", "rows"], rows, title="rows needed"))
    if terms.per_class:
        lines.append(_classes(terms))
    return lines


def show_cascade(rows: list[CascadeRow]) -> str:
    """Student alone, cascade and teacher, side by side."""
    columns = ["answered by", "accuracy", "agreement", "local", "95 %", "cost per 1,000"]
    cells = [
        [
            row.who,
            _share(row.accuracy),
            _share(row.agreement),
            percent(row.share_local),
            span(row.share_local_ci95) if row.share_local_ci95 else None,
            row.cost_per_1000,
        ]
        for row in rows
    ]
    lines = [table(columns, cells, title="cascade")]
    if all(row.agreement is None for row in rows):
        lines.append(
            "The cascade's accuracy needs the teacher's answers to these rows: label them with "
            "dsbs generate --splits test, and name that run with --answers"
        )
    return "\n".join(lines)


def _share(score: Score | None) -> str | None:
    """A share with its interval."""
    if score is None:
        return None
    interval = f" ({span(score.ci95_examples)})" if score.ci95_examples else ""
    return percent(score.share) + interval


def _score(terms: ContractTerms) -> str:
    where = f", threshold {terms.threshold:.6g}" if terms.threshold is not None else ""
    rationale = " with the student's rationale" if terms.rationale_weight else ""
    return f"{terms.score}{rationale}{where}"


def _rationale(terms: ContractTerms) -> list[str]:
    found = terms.rationale
    if found is None:
        return []
    low, high = found.gain_ci95
    use = "it is part of the score" if found.used else "it is left out"
    return [
        f"The student's rationale adds {found.gain:.3f} ({low:.3f} to {high:.3f}) to an AUROC of "
        f"{found.auroc:.3f} on {found.rows:,} validation rows: {use}."
    ]


def _money(terms: ContractTerms) -> list[str]:
    found = terms.money
    if found is None:
        return []
    return [
        f"1,000 calls cost {found.teacher:.4g} with the teacher, {found.cascade:.4g} with the "
        f"cascade: {found.saved:.4g} saved."
    ]


def _curve(terms: ContractTerms) -> str:
    rows = [[percent(point.budget), percent(point.share_local)] for point in terms.curve]
    return table(["budget", "share local"], rows, title="other budgets")


def _classes(terms: ContractTerms) -> str:
    columns = ["the student's label", "n", "local", "different"]
    if terms.by_class:
        columns += ["threshold", "bound", "rows needed"]
    rows = [
        [label, one.n, one.local, one.different]
        + ([one.threshold, one.disagreement_bound, one.rows_needed] if terms.by_class else [])
        for label, one in terms.per_class.items()
    ]
    return table(columns, rows, title="per class")
