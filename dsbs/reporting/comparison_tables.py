"""The tables of a comparison: means, claims, data needed, tuning, students, and near-duplicates."""

from collections.abc import Sequence
from typing import Any

from dsbs.artifacts.results.base import Setting
from dsbs.artifacts.results.compare import Claim, CompareResult, DataNeed
from dsbs.comparison.findings import method_name, share_of_data
from dsbs.comparison.score_sentences import teacher_sentence
from dsbs.comparison.verdict_sentences import candidate_rows, prices_sentence
from dsbs.core.records import NearDuplicates
from dsbs.plots.figure import slug
from dsbs.plots.table import Table, share
from dsbs.reporting.load_runs import Comparison

Row = dict[str, Any]
"""Cells by column."""


def comparison_tables(comparison: Comparison) -> list[Table]:
    """Every table of the comparison that has rows."""
    results = comparison.results
    name = comparison.name
    found = [
        _candidates_table(results, name),
        groups_table(results, name),
        _claims_table(results, name),
        _checkpoints_table(results, name),
        _needs_table(results, name),
        _tuning_table(results, name),
        _students_table(comparison),
        duplicates_table(name, results.duplicates),
    ]
    return [table for table in found if table.rows]


def groups_table(results: CompareResult, name: str) -> Table:
    """The mean of each group of seeds. What is 0 everywhere has no column."""
    stuck = {
        "failed": [group.failed for group in results.groups],
        "at chance": [group.at_chance for group in results.groups],
        "unparsable": [group.unparsable for group in results.groups],
        "one label": [group.one_label for group in results.groups],
    }
    shown = {column: counts for column, counts in stuck.items() if any(counts)}
    measured = "accuracy" if results.measured == "accuracy" else "agreement with teacher"
    learning = [g for g in results.groups if g.method != "standard" and g.n_explained is not None]
    few = any(group.n_explained != group.n_train for group in learning)
    unseen = any(group.mean_unseen is not None for group in results.groups)
    rows = []
    for at, group in enumerate(results.groups):
        rows.append(
            {
                **_setting(group),
                "method": method_name(group, results.equal),
                "rows": group.n_train,
                **({"with rationale": group.n_explained} if few else {}),
                "seeds": group.seeds,
                measured: share(group.mean),
                "s.e.": share(group.standard_error),
                "ci95_seeds": group.ci95_seeds,
                "ci95_examples": group.ci95_examples,
                **({"without near-duplicates": share(group.mean_unseen)} if unseen else {}),
                **{column: counts[at] for column, counts in shown.items()},
                "learning rate": group.learning_rate,
                "epochs": group.epochs,
                "target tokens": group.target_tokens,
                "training FLOPs": group.train_flops,
            }
        )
    note = (
        "ci95_seeds: for other seeds and these test questions; a dash for one seed, and for seeds "
        "that all score the same. "
        "ci95_examples: for other questions and these checkpoints."
    )
    withheld = dict.fromkeys(group.ci95_withheld for group in results.groups)
    note = " ".join([note, *(f"No interval: {why}." for why in withheld if why)])
    if results.teacher_score is not None:
        note = f"{note} {teacher_sentence(results.teacher_score)}."
    return _table("groups", name, "Accuracy by method and data", rows, note)


def _candidates_table(results: CompareResult, name: str) -> Table:
    """What may be chosen, with what it costs."""
    rows = candidate_rows(results.verdict) if results.verdict else []
    note = f"{prices_sentence(results.verdict)}." if results.verdict else ""
    return _table("candidates", name, "What may be chosen, and what it costs", rows, note)


def duplicates_table(name: str, found: NearDuplicates | None) -> Table:
    """Test inputs with a near-duplicate in training, and that training input."""
    rows = [
        {
            "test input": pair.test,
            "training input": pair.train,
            "alike": pair.how.replace("_", " "),
            "words in common": share(pair.words),
        }
        for pair in (found.pairs if found else ())
    ]
    return _table("duplicates", name, "Test inputs with a near-duplicate in training", rows)


def _claims_table(results: CompareResult, name: str) -> Table:
    rows = []
    for claim in results.claims:
        low, high = claim.ci95_seeds_and_examples or (None, None)
        rows.append(
            {
                **_opponents(claim, results),
                "seeds": len(claim.seeds),
                "evidence": claim.strength,
                "difference, points": _points(claim.difference),
                "95 % from": _points(low),
                "to": _points(high),
                "Cohen's d": claim.cohens_d,
                "p": claim.p,
                "p after Holm": claim.p_holm,
                "did not learn": claim.stuck[0],
                "of those against": claim.stuck[1],
            }
        )
    note = (
        "Claims about methods: paired over seeds, for other seeds and other test questions. "
        "Below 3 seeds no claim is made, below 5 the evidence is weak."
    )
    return _table("claims", name, "Is one method better than another?", rows, note)


def _checkpoints_table(results: CompareResult, name: str) -> Table:
    rows = [
        {
            **_opponents(claim, results),
            "seed": pair.seed,
            "only method right": pair.only_first,
            "only other right": pair.only_second,
            "p": pair.p,
            "p after Holm": pair.p_holm,
        }
        for claim in results.claims
        for pair in claim.checkpoints
    ]
    note = "Claims about these checkpoints (McNemar's exact test), not about the methods."
    return _table("checkpoints", name, "Which of two checkpoints is better?", rows, note)


def _needs_table(results: CompareResult, name: str) -> Table:
    rows = [
        {
            "student": need.student,
            "labels": need.labels,
            "method": need.method,
            "as good as": _goal(need),
            "from": need.estimate,
            "possible from": need.possible,
            "certain from": need.certain,
            "seeds": need.seeds,
        }
        for need in results.data_needed
    ]
    note = (
        "Fractions of the training rows from which on, at every larger one that was tried, the "
        "method is as good. A dash: from none of them, or students that did not learn; for the "
        "last two also: not known, since there are fewer than 3 seeds."
    )
    return _table("data-needed", name, "How much data is needed?", rows, note)


def _tuning_table(results: CompareResult, name: str) -> Table:
    rows = [
        {
            "student": tried.student,
            "labels": tried.labels,
            "method": method_name(tried, results.equal),
            "learning rate": tried.learning_rate,
            "validation accuracy": share(tried.validation_accuracy),
            "chosen": "yes" if tried.chosen else "",
        }
        for tried in results.tuning
    ]
    note = "On the largest fraction, with the first seed. A dash: that training failed."
    return _table("tuning", name, "The search for learning rates", rows, note)


def _students_table(comparison: Comparison) -> Table:
    rows = []
    for student in comparison.students:
        cell = student.result
        rows.append(
            {
                "student": student.name,
                "learned by": cell.method,
                "status": cell.status,
                "accuracy": share(cell.score.share if cell.score else None),
                "ci95_examples": cell.score.ci95_examples if cell.score else None,
                "validation accuracy": share(cell.validation_accuracy),
                "did not learn": ", ".join(flag.replace("_", " ") for flag in cell.flags),
                "steps": cell.steps,
                "epochs": cell.epochs,
                "rows": cell.n_train,
                "learning rate": cell.learning_rate,
                "target tokens": cell.target_tokens,
                "training FLOPs": cell.train_flops,
                "device hours": student.hours,
                "error": cell.error or "",
            }
        )
    return _table("cells", comparison.name, "Every student", rows)


def _table(kind: str, name: str, title: str, rows: Sequence[Row], note: str = "") -> Table:
    """A table whose columns are the keys of its rows."""
    columns = list(rows[0]) if rows else []
    return Table(slug(kind, name), title, columns, [list(row.values()) for row in rows], note)


def _setting(row: Setting) -> Row:
    return {"student": row.student, "labels": row.labels, "fraction": row.data_frac}


def _opponents(claim: Claim, results: CompareResult) -> Row:
    """What is compared, in columns."""
    return {
        **_setting(claim),
        "method": method_name(claim, results.equal),
        "against": method_name(claim.against, results.equal),
    }


def _goal(need: DataNeed) -> str:
    """What a method is compared with."""
    return need.against if need.at is None else f"{need.against} on {share_of_data(need.at)}"


def _points(difference: float | None) -> float | None:
    return None if difference is None else 100 * difference
