"""The quality of a teacher's answers: outcomes, labels, rationale lengths, calibration, spend."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq

from dsbs.core.progress import duration
from dsbs.core.records import OUTCOMES, SPLITS
from dsbs.data import near_duplicates
from dsbs.labeling import rationale_checks
from dsbs.metrics.calibration import CalibrationScores
from dsbs.plots.figure import Figure, Series, slug
from dsbs.plots.table import Table, share
from dsbs.reporting.comparison_tables import duplicates_table

Splits = Mapping[str, Mapping[str, Any]]


class Teacher(NamedTuple):
    """What the page says of one run of generate."""

    heading: str
    lines: list[str]
    figures: list[Figure]
    tables: list[Table]


def describe_teacher(folder: Path, results: Mapping[str, Any], name: str) -> Teacher:
    """Tables, figures and sentences of the answers in `folder`; `name` is theirs alone in this report."""
    splits: Splits = {
        split: results["splits"][split] for split in SPLITS if split in results["splits"]
    }
    lines = [*rationale_checks.describe(splits), *near_duplicates.describe(results["duplicates"])]
    lines += [f"{count:,} failed: {reason}" for reason, count in results["failures"]]
    lines += [f"stopped: {results['stopped']}"] if results["stopped"] else []
    figures = teacher_figures(
        name, splits, {split: rationale_words(folder, split) for split in splits}
    )
    tables = [
        _table(name, splits),
        _spend(name, results),
        duplicates_table(name, results["duplicates"]),
    ]
    tables = [table for table in tables if table.rows]
    return Teacher(name, lines, figures, tables)


def rationale_words(folder: Path, split: str) -> dict[int, int]:
    """How many rationales of a split have how many words; {} where the answers are gone."""
    path = folder / "data" / f"{split}.parquet"
    if not path.is_file():
        return {}
    texts = pc.utf8_trim_whitespace(
        pq.read_table(path, columns=["rationale"])["rationale"].drop_null()
    )
    counts = pc.value_counts(
        pc.list_value_length(pc.utf8_split_whitespace(texts.filter(pc.not_equal(texts, ""))))
    )
    return {count["values"]: count["counts"] for count in counts.to_pylist()}


def teacher_figures(
    name: str, splits: Splits, words: Mapping[str, Mapping[int, int]]
) -> list[Figure]:
    """Outcomes, label distribution, rationale lengths and calibration of a teacher's answers, by split."""
    found = [_outcomes(name, splits)]
    found += [
        _labels(name, split, rows["label_counts"])
        for split, rows in splits.items()
        if rows.get("label_counts")
    ]
    if any(words.values()):
        found.append(_lengths(name, words))
    return found + [
        _reliability(name, split, r["calibration"])
        for split, r in splits.items()
        if r.get("calibration")
    ]


def _outcomes(name: str, splits: Splits) -> Figure:
    kinds = list(
        dict.fromkeys(outcome for split in splits.values() for outcome in split["outcomes"])
    )
    shares = {
        kind: [100 * s["outcomes"].get(kind, 0) / s["rows"] for s in splits.values()]
        for kind in kinds
    }
    series = [
        Series(kind, list(splits), shares[kind], kind="bar", color=at)
        for at, kind in enumerate(kinds)
    ]
    title = f"What became of the answers of {name}"
    return Figure(
        slug("outcomes", name), title, "split", "answers, %", series, stacked=True, y_range=(0, 100)
    )


def _labels(name: str, split: str, counts: Mapping[str, Mapping[str, int]]) -> Figure:
    labels = sorted({label for side in counts.values() for label in side})
    series = [
        Series(
            who,
            labels,
            [100 * side.get(label, 0) / sum(side.values()) for label in labels],
            kind="bar",
            color=at,
        )
        for at, (who, side) in enumerate(counts.items())
        if side
    ]
    return Figure(
        slug("labels", name, split), f"Labels of {name}, {split}", "label", "rows, %", series
    )


def _lengths(name: str, words: Mapping[str, Mapping[int, int]]) -> Figure:
    """Share of rationales by length in words, in steps of five."""
    series = []
    for at, (split, counts) in enumerate(words.items()):
        steps: dict[int, int] = {}
        for length, count in counts.items():
            steps[length // 5 * 5] = steps.get(length // 5 * 5, 0) + count
        x = list(range(0, max(steps, default=0) + 5, 5))
        series.append(
            Series(
                split,
                x,
                [100 * steps.get(s, 0) / max(1, sum(steps.values())) for s in x],
                color=at,
            )
        )
    title = f"Length of the rationales of {name}"
    return Figure(
        slug("rationales", name), title, "words, in steps of five", "rationales, %", series
    )


def _reliability(name: str, split: str, calibration: CalibrationScores) -> Figure:
    x, y = (
        [100 * getattr(part, key) for part in calibration.bins]
        for key in ("confidence", "accuracy")
    )
    series = [
        Series(name, x, y, kind="line"),
        Series("perfect", [0, 100], [0, 100], color=7, dashed=True),
    ]
    title = f"Reliability of label probabilities of {name}, {split}"
    caption = f"Expected calibration error {100 * calibration.ece:.1f} points, Brier score {calibration.brier:.3f}."
    labels = ("confidence in the likeliest label, %", "how often it is right, %")
    return Figure(
        slug("reliability", name, split), title, *labels, series, caption=caption, y_range=(0, 100)
    )


def _table(name: str, splits: Splits) -> Table:
    kinds = [kind for kind in OUTCOMES if any(kind in rows["outcomes"] for rows in splits.values())]
    columns = [
        "split",
        "answers",
        *(kind.replace("_", " ") for kind in kinds),
        "accuracy",
        "by the published rule",
    ]
    columns += [
        "label as allowed",
        "read by folding",
        "read by letter",
        "not readable",
        "rationale words, mean",
        "most",
    ]
    rows = []
    for split, found in splits.items():
        accuracies = [
            share(found.get(key)) for key in ("teacher_accuracy", "teacher_accuracy_strict")
        ]
        matches = [
            found["label_match"].get(how, 0) for how in ("exact", "folded", "letter", "none")
        ]
        words = [found["rationale_words"].get(key) for key in ("mean", "max")]
        outcomes = [found["outcomes"].get(kind, 0) for kind in kinds]
        rows.append([split, found["rows"], *outcomes, *accuracies, *matches, *words])
    note = "Every answer ends in one outcome. A label that is only read by its letter counts for accuracy and is not learned."
    return Table(slug("teacher", name), "What became of all answers", columns, rows, note)


def _spend(name: str, results: Mapping[str, Any]) -> Table:
    columns = [
        "answers reused",
        "new",
        "failed",
        "prompt tokens",
        "of those cached",
        "generated tokens",
        "money",
        "time",
    ]
    keys = (
        "reused",
        "new",
        "failed",
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "cost",
    )
    row = [*(results[key] for key in keys), duration(results["labeling_s"])]
    note = "Of the last start of this run; money at the prices that were given, 0 where none were."
    return Table(slug("spend", name), "What the answers cost", columns, [row], note)
