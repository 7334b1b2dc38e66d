"""The quality of a teacher's answers: outcomes, labels, rationale lengths, calibration, cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from dsbs.artifacts.results.generate import GenerateResult, SplitSummary
from dsbs.core.progress import duration
from dsbs.core.records import OUTCOMES, SPLITS
from dsbs.data import near_duplicates
from dsbs.labeling import rationale_checks
from dsbs.metrics.calibration import CalibrationScores
from dsbs.plots.figure import Figure, Series, slug
from dsbs.plots.table import Table, share
from dsbs.reporting.comparison_tables import duplicates_table

Splits = Mapping[str, SplitSummary]
WordCounts = Mapping[int, int]
"""Number of rationales by their number of words."""

_GRAY = 7
"""Place in the palette."""
_STEP = 5
"""Words per bin of the figure of lengths."""


@dataclass(frozen=True)
class Teacher:
    """What the page shows of one run of generate."""

    heading: str
    lines: list[str]
    figures: list[Figure]
    tables: list[Table]


def describe_teacher(folder: Path, results: GenerateResult, name: str) -> Teacher:
    """Sentences, figures and tables about the answers in a run folder.

    Args:
        folder: The run folder of generate.
        results: Its results.
        name: The teacher's name, unique in the report.
    """
    splits: Splits = {s: results.splits[s] for s in SPLITS if s in results.splits}
    lines = [str(notice) for split in splits.values() for notice in split.notices]
    lines += [*rationale_checks.describe(splits), *near_duplicates.describe(results.duplicates)]
    lines += [f"{count:,} failed: {reason}" for reason, count in results.failures]
    if results.stopped:
        lines.append(f"stopped: {results.stopped}")
    words = {split: rationale_words(folder, split) for split in splits}
    tables = [
        _outcomes_table(name, splits),
        _cost_table(name, results),
        duplicates_table(name, results.duplicates),
    ]
    figures = teacher_figures(name, splits, words)
    return Teacher(name, lines, figures, [table for table in tables if table.rows])


def rationale_words(folder: Path, split: str) -> WordCounts:
    """The lengths of a split's rationales; {} if the answers are gone."""
    path = folder / "data" / f"{split}.parquet"
    if not path.is_file():
        return {}
    column = pq.read_table(path, columns=["rationale"])["rationale"].drop_null()
    texts = pc.utf8_trim_whitespace(column)
    texts = texts.filter(pc.not_equal(texts, ""))
    counts = pc.value_counts(pc.list_value_length(pc.utf8_split_whitespace(texts)))
    return {count["values"]: count["counts"] for count in counts.to_pylist()}


def teacher_figures(name: str, splits: Splits, words: Mapping[str, WordCounts]) -> list[Figure]:
    """Outcomes, labels, rationale lengths and calibration, by split."""
    found = [_outcomes_figure(name, splits)]
    for split, summary in splits.items():
        if summary.label_counts:
            found.append(_labels_figure(name, split, summary.label_counts))
    if any(words.values()):
        found.append(_lengths_figure(name, words))
    for split, summary in splits.items():
        if summary.calibration:
            found.append(_reliability_figure(name, split, summary.calibration))
    return found


def _outcomes_figure(name: str, splits: Splits) -> Figure:
    series = [
        Series(
            outcome.replace("_", " "),
            list(splits),
            [100 * split.outcomes.get(outcome, 0) / split.rows for split in splits.values()],
            kind="bar",
            color=at,
        )
        for at, outcome in enumerate(_outcomes(splits))
    ]
    return Figure(
        slug("outcomes", name),
        f"Outcomes of the answers of {name}",
        "split",
        "answers, %",
        series,
        stacked=True,
        y_range=(0, 100),
    )


def _outcomes(splits: Splits) -> list[str]:
    """The outcomes that occur."""
    return [o for o in OUTCOMES if any(split.outcomes.get(o) for split in splits.values())]


def _labels_figure(name: str, split: str, counts: Mapping[str, Mapping[str, int]]) -> Figure:
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
    title = f"Labels of {name}, {split}"
    return Figure(slug("labels", name, split), title, "label", "rows, %", series)


def _lengths_figure(name: str, words: Mapping[str, WordCounts]) -> Figure:
    """Share of rationales by length."""
    series = []
    for at, (split, counts) in enumerate(words.items()):
        bins: dict[int, int] = {}
        for length, count in counts.items():
            start = length // _STEP * _STEP
            bins[start] = bins.get(start, 0) + count
        x = list(range(0, max(bins, default=0) + _STEP, _STEP))
        total = max(1, sum(bins.values()))
        series.append(Series(split, x, [100 * bins.get(b, 0) / total for b in x], color=at))
    title = f"Length of the rationales of {name}"
    label = f"words, in steps of {_STEP}"
    return Figure(slug("rationales", name), title, label, "rationales, %", series)


def _reliability_figure(name: str, split: str, calibration: CalibrationScores) -> Figure:
    bins = calibration.bins
    series = [
        Series(name, [100 * b.confidence for b in bins], [100 * b.accuracy for b in bins]),
        Series("perfect", [0, 100], [0, 100], color=_GRAY, dashed=True),
    ]
    return Figure(
        slug("reliability", name, split),
        f"Reliability of label probabilities of {name}, {split}",
        "probability of the most likely label, %",
        "share of correct labels, %",
        series,
        caption=f"Expected calibration error {100 * calibration.ece:.1f} points, "
        f"Brier score {calibration.brier:.3f}.",
        y_range=(0, 100),
    )


def _outcomes_table(name: str, splits: Splits) -> Table:
    outcomes = _outcomes(splits)
    rows: list[dict[str, Any]] = []
    for split, found in splits.items():
        row: dict[str, Any] = {"split": split, "answers": found.rows}
        row |= {outcome.replace("_", " "): found.outcomes.get(outcome, 0) for outcome in outcomes}
        row |= {
            "accuracy": share(found.teacher_accuracy),
            "95 % over rows": found.teacher_ci95,
            "by the published rule": share(found.teacher_accuracy_strict),
            "label as allowed": found.label_match.get("exact", 0),
            "read by folding": found.label_match.get("folded", 0),
            "read by letter": found.label_match.get("letter", 0),
            "not readable": found.label_match.get("none", 0),
            "rationale words, mean": found.rationale_words.mean,
            "most": found.rationale_words.max,
        }
        rows.append(row)
    note = (
        "Every answer has exactly one outcome. A label that is only read by its letter counts for "
        "accuracy, and students do not learn it."
    )
    return Table(
        slug("teacher", name),
        "Outcomes of all answers",
        list(rows[0]) if rows else [],
        [list(row.values()) for row in rows],
        note,
    )


def _cost_table(name: str, results: GenerateResult) -> Table:
    row = {
        "answers reused": results.reused,
        "new": results.new,
        "failed": results.failed,
        "prompt tokens": results.prompt_tokens,
        "of those cached": results.cached_tokens,
        "generated tokens": results.completion_tokens,
        "money": results.cost,
        "time": duration(results.labeling_s),
    }
    note = "Of the last start of this run. Money is 0 if no prices were given."
    return Table(
        slug("spend", name), "What the answers cost", list(row), [list(row.values())], note
    )
