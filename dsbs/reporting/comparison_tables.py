"""The tables of a comparison: groups, claims, data needed, tuning, and every student."""

from collections.abc import Mapping
from typing import Any

from dsbs.comparison.findings import method_name, share_of_data
from dsbs.core.records import NearDuplicates
from dsbs.plots.figure import slug
from dsbs.plots.table import Table, share
from dsbs.reporting.load_runs import Comparison

_SETTING = ("student", "labels", "data_frac")


def comparison_tables(comparison: Comparison) -> list[Table]:
    """Those of the tables that have rows."""
    makers = (_groups, _claims, _checkpoints, _needs, _tuning, _cells)
    found = [make(comparison) for make in makers]
    return [
        table
        for table in (*found, duplicates_table(comparison.name, comparison.results["duplicates"]))
        if table.rows
    ]


def duplicates_table(name: str, found: NearDuplicates | None) -> Table:
    """Test inputs that training has nearly seen, with the training input each."""
    rows = [
        [pair.test, pair.train, pair.how.replace("_", " "), share(pair.words)]
        for pair in (found.pairs if found else ())
    ]
    columns = ["test input", "training input", "alike", "words in common"]
    return Table(
        slug("duplicates", name), "Test inputs that training has nearly seen", columns, rows
    )


def _groups(comparison: Comparison) -> Table:
    columns = [
        "student",
        "labels",
        "fraction",
        "method",
        "rows",
        "seeds",
        "done",
        "accuracy",
        "s.e.",
        "ci95_seeds",
    ]
    columns += ["ci95_examples", "at chance", "unparsable", "failed", "mean of those that learned"]
    columns += ["learning rate", "epochs", "training FLOPs"]
    rows = []
    for g in comparison.results["groups"]:
        what = [
            *(g[key] for key in _SETTING),
            method_name(g, comparison.results["equal"]),
            g["n_train"],
        ]
        means = [
            g["seeds"],
            g["done"],
            share(g["mean"]),
            share(g["standard_error"]),
            g["ci95_seeds"],
            g["ci95_examples"],
        ]
        stuck = [g["at_chance"], g["unparsable"], g["failed"], share(g["mean_learned"])]
        rows.append([*what, *means, *stuck, g["learning_rate"], g["epochs"], g["train_flops"]])
    note = "ci95_seeds: other seeds, these test questions. ci95_examples: other questions, these checkpoints."
    return Table(
        slug("groups", comparison.name), "Accuracy by method and data", columns, rows, note
    )


def _claims(comparison: Comparison) -> Table:
    columns = [
        "student",
        "labels",
        "fraction",
        "method",
        "against",
        "seeds",
        "trust",
        "difference, points",
        "95 % from",
        "to",
    ]
    columns += ["Cohen's d", "p", "p after Holm", "did not learn", "of those against"]
    tested = ("cohens_d", "p", "p_holm")
    rows = []
    for c in comparison.results["claims"]:
        ends = c.get("ci95_seeds_and_examples") or (None, None)
        numbers = [*map(_points, (c.get("difference"), *ends)), *(c.get(key) for key in tested)]
        rows.append(
            [*_opponents(c, comparison), len(c["seeds"]), c["strength"], *numbers, *c["stuck"]]
        )
    note = "Claims about methods: paired over seeds, for other seeds and other test questions. Trust: none below 3 seeds."
    return Table(
        slug("claims", comparison.name), "Is one method better than another?", columns, rows, note
    )


def _checkpoints(comparison: Comparison) -> Table:
    columns = ["student", "labels", "fraction", "method", "against", "seed"]
    columns += ["only method right", "only other right", "p", "p after Holm"]
    keys = ("seed", "only_first", "only_second", "p", "p_holm")
    claims = comparison.results["claims"]
    rows = [
        [*_opponents(c, comparison), *(pair[key] for key in keys)]
        for c in claims
        for pair in c["checkpoints"]
    ]
    note = "Claims about these very checkpoints (McNemar's exact test); they say nothing of the methods."
    return Table(
        slug("checkpoints", comparison.name),
        "Which of two checkpoints is better?",
        columns,
        rows,
        note,
    )


def _needs(comparison: Comparison) -> Table:
    columns = [
        "student",
        "labels",
        "method",
        "as good as",
        "from",
        "possibly from",
        "surely from",
        "seeds",
    ]
    keys = ("estimate", "possible", "certain", "seeds")
    needs = comparison.results["data_needed"]
    rows = [
        [n["student"], n["labels"], n["method"], _goal(n), *(n[key] for key in keys)] for n in needs
    ]
    note = "Fractions of the training rows that were tried; a dash: at none of them, or not known below 3 seeds."
    return Table(
        slug("data-needed", comparison.name), "How much data is needed?", columns, rows, note
    )


def _tuning(comparison: Comparison) -> Table:
    columns = ["student", "labels", "method", "learning rate", "validation accuracy", "chosen"]
    rows = []
    for r in comparison.results["tuning"]:
        what = [
            r["student"],
            r["labels"],
            method_name(r, comparison.results["equal"]),
            r["learning_rate"],
        ]
        rows.append([*what, share(r["validation_accuracy"]), "yes" if r["chosen"] else ""])
    note = "On the largest fraction, with the first seed; a dash: that training failed."
    return Table(
        slug("tuning", comparison.name), "The search for learning rates", columns, rows, note
    )


def _cells(comparison: Comparison) -> Table:
    columns = [
        "student",
        "status",
        "accuracy",
        "ci95_examples",
        "validation accuracy",
        "did not learn",
    ]
    columns += [
        "steps",
        "epochs",
        "rows",
        "learning rate",
        "target tokens",
        "training FLOPs",
        "device hours",
        "error",
    ]
    counted = ("steps", "epochs", "n_train", "learning_rate", "target_tokens", "train_flops")
    rows = []
    for cell in comparison.cells:
        row = cell.row
        accuracy = row["accuracy"] if row["accuracy"] is not None else row.get("teacher_agreement")
        scores = [
            share(accuracy),
            row.get("ci95_examples"),
            share(row.get("validation_accuracy")),
            ", ".join(row["flags"]),
        ]
        rows.append(
            [
                cell.name,
                row["status"],
                *scores,
                *(row.get(key) for key in counted),
                cell.hours,
                row.get("error", ""),
            ]
        )
    return Table(slug("cells", comparison.name), "Every student", columns, rows)


def _opponents(claim: Mapping[str, Any], comparison: Comparison) -> list[Any]:
    main = comparison.results["equal"]
    return [
        *(claim[key] for key in _SETTING),
        method_name(claim, main),
        method_name(claim["against"], main),
    ]


def _points(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _goal(need: Mapping[str, Any]) -> str:
    return (
        "the teacher"
        if need["against"] == "teacher"
        else f"{need['against']} on {share_of_data(need['at'])}"
    )
