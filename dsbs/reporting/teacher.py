"""The quality of a teacher's answers: outcomes, labels, rationale lengths, calibration, spend."""

from collections.abc import Mapping
from typing import Any

from dsbs.reporting.figure import Figure, Series, slug


def teacher_figures(name: str, splits: Mapping[str, Mapping[str, Any]], words: Mapping[str, Mapping[int, int]]) -> list[Figure]:
    """Outcomes, label distribution, rationale lengths and calibration of a teacher's answers, by split."""
    found = [_outcomes(name, splits)]
    found += [_labels(name, split, rows["label_counts"]) for split, rows in splits.items() if rows.get("label_counts")]
    if any(words.values()):
        found.append(_lengths(name, words))
    return found + [_reliability(name, split, r["calibration"]) for split, r in splits.items() if r.get("calibration")]


def _outcomes(name: str, splits: Mapping[str, Mapping[str, Any]]) -> Figure:
    kinds = list(dict.fromkeys(outcome for split in splits.values() for outcome in split["outcomes"]))
    shares = {kind: [100 * s["outcomes"].get(kind, 0) / s["rows"] for s in splits.values()] for kind in kinds}
    series = [Series(kind, list(splits), shares[kind], kind="bar", colour=at) for at, kind in enumerate(kinds)]
    title = f"What became of {name}'s answers"
    return Figure(slug("outcomes", name), title, "split", "answers, %", series, stacked=True, y_range=(0, 100))


def _labels(name: str, split: str, counts: Mapping[str, Mapping[str, int]]) -> Figure:
    labels = sorted({label for side in counts.values() for label in side})
    series = [
        Series(who, labels, [100 * side.get(label, 0) / sum(side.values()) for label in labels], kind="bar", colour=at)
        for at, (who, side) in enumerate(counts.items())
        if side
    ]
    return Figure(slug("labels", name, split), f"Labels of {name}, {split}", "label", "rows, %", series)


def _lengths(name: str, words: Mapping[str, Mapping[int, int]]) -> Figure:
    """Share of rationales by length in words, in steps of five."""
    series = []
    for at, (split, counts) in enumerate(words.items()):
        steps: dict[int, int] = {}
        for length, count in counts.items():
            steps[length // 5 * 5] = steps.get(length // 5 * 5, 0) + count
        x = list(range(0, max(steps, default=0) + 5, 5))
        series.append(Series(split, x, [100 * steps.get(s, 0) / max(1, sum(steps.values())) for s in x], colour=at))
    title = f"Length of {name}'s rationales"
    return Figure(slug("rationales", name), title, "words, in steps of five", "rationales, %", series)


def _reliability(name: str, split: str, calibration: Mapping[str, Any]) -> Figure:
    x, y = ([100 * part[key] for part in calibration["bins"]] for key in ("confidence", "accuracy"))
    series = [Series(name, x, y, kind="line"), Series("perfect", [0, 100], [0, 100], colour=7, dashed=True)]
    title = f"Reliability of {name}'s label probabilities, {split}"
    caption = f"Expected calibration error {100 * calibration['ece']:.1f} points, Brier score {calibration['brier']:.3f}."
    labels = ("confidence in the likeliest label, %", "how often it is right, %")
    return Figure(slug("reliability", name, split), title, *labels, series, caption=caption, y_range=(0, 100))
