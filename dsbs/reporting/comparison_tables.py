"""The tables of a comparison: means, claims, data needed, tuning, students, and near-duplicates."""

from dsbs.artifacts.results.claims import Claim, DataNeed
from dsbs.artifacts.results.compare import CompareResult
from dsbs.comparison.names import AXIS_WORDS, marked, method_name, share_of_data, sides
from dsbs.comparison.verdict_sentences import candidate_rows, prices_sentence
from dsbs.core.records import NearDuplicates
from dsbs.plots.table import Table, share
from dsbs.reporting.collected import Comparison
from dsbs.reporting.means_table import (
    Row,
    groups_table,
    level_columns,
    setting_columns,
    table_of,
)


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


def _candidates_table(results: CompareResult, name: str) -> Table:
    """What may be chosen, with what it costs."""
    rows = candidate_rows(results.verdict) if results.verdict else []
    note = f"{prices_sentence(results.verdict)}." if results.verdict else ""
    return table_of("candidates", name, "What may be chosen, and what it costs", rows, note)


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
    return table_of("duplicates", name, "Test inputs with a near-duplicate in training", rows)


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
    about = {claim.axis for claim in results.claims} - {"method"}
    title = "Is one value better than another?" if about else "Is one method better than another?"
    return table_of("claims", name, title, rows, note)


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
    return table_of("checkpoints", name, "Which of two checkpoints is better?", rows, note)


def _needs_table(results: CompareResult, name: str) -> Table:
    rows = [
        {
            "student": need.student,
            "labels": need.labels,
            **level_columns(need, results.data_needed),
            "method": marked(need.method),
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
    return table_of("data-needed", name, "How much data is needed?", rows, note)


def _tuning_table(results: CompareResult, name: str) -> Table:
    rows = [
        {
            "student": tried.student,
            "labels": tried.labels,
            **level_columns(tried, results.tuning),
            "method": method_name(tried, results.equal),
            "learning rate": tried.learning_rate,
            "validation accuracy": share(tried.validation_accuracy),
            "chosen": "yes" if tried.chosen else "",
        }
        for tried in results.tuning
    ]
    note = "On the largest fraction, with the first seed. A dash: that training failed."
    return table_of("tuning", name, "The search for learning rates", rows, note)


def _students_table(comparison: Comparison) -> Table:
    rows = []
    for student in comparison.students:
        cell = student.result
        rows.append(
            {
                "student": student.name,
                "learned by": marked(cell.method),
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
    return table_of("cells", comparison.name, "Every student", rows)


def _opponents(claim: Claim, results: CompareResult) -> Row:
    """What is compared, in columns."""
    ours, theirs = sides(claim, results.equal)
    setting = setting_columns(claim, results.claims)
    if any(one.axis != "method" for one in results.claims):
        setting = {"about": AXIS_WORDS[claim.axis], **setting}
        method = method_name(claim, results.equal)
        return {**setting, "method": method, "value": ours, "against": theirs}
    return {**setting, "method": ours, "against": theirs}


def _goal(need: DataNeed) -> str:
    """What a method is compared with."""
    return need.against if need.at is None else f"{need.against} on {share_of_data(need.at)}"


def _points(difference: float | None) -> float | None:
    return None if difference is None else 100 * difference
