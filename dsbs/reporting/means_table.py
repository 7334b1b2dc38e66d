"""The table of means: one row per group of seeds, and one per teacher."""

from collections.abc import Sequence
from typing import Any

from dsbs.artifacts.results.cells import GroupKey
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.compared import Levels, TeacherResult
from dsbs.comparison.names import AXIS_WORDS, NEEDS_TEACHER, method_name
from dsbs.comparison.score_sentences import teacher_sentence
from dsbs.config.axes import FURTHER
from dsbs.plots.figure import slug
from dsbs.plots.table import Table, share

Row = dict[str, Any]
"""Cells by column."""

PUBLISHED_RULE = "published rule"
"""The column of accuracies as the published code counts them."""


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
    published = any(group.mean_published is not None for group in results.groups)
    unseen = any(group.mean_unseen is not None for group in results.groups)
    rows: list[Row] = [
        {
            **setting_columns(group, results.groups),
            "method": method_name(group, results.equal),
            "rows": group.n_train,
            **({"with rationale": group.n_explained} if few else {}),
            "seeds": group.seeds,
            measured: share(group.mean),
            **({PUBLISHED_RULE: share(group.mean_published)} if published else {}),
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
        for at, group in enumerate(results.groups)
    ]
    rows += [_teacher_row(teacher, rows[0], measured) for teacher in _measured(results) if rows]
    return table_of("groups", name, "Accuracy by method and data", rows, _note(results, rows))


def _note(results: CompareResult, rows: Sequence[Row]) -> str:
    """What the columns mean, and why a value is missing."""
    note = (
        "ci95_seeds: for other seeds and these test questions; a dash for one seed, and for seeds "
        "that all score the same. "
        "ci95_examples: for other questions and these checkpoints."
    )
    withheld = dict.fromkeys(group.ci95_withheld for group in results.groups)
    note = " ".join([note, *(f"No interval: {why}." for why in withheld if why)])
    if results.teacher_score is not None and len(results.teachers) < 2:
        note = f"{note} {teacher_sentence(results.teacher_score)}."
    if any(PUBLISHED_RULE in row for row in rows):
        note = f"{note} {PUBLISHED_RULE}: right as the published code counts."
    if any(NEEDS_TEACHER in str(row["method"]) for row in rows):
        note = f"{note} {NEEDS_TEACHER}: in use, the teacher must answer every row first."
    return note


def _measured(results: CompareResult) -> list[TeacherResult]:
    return [teacher for teacher in results.teachers if teacher.score is not None]


def _teacher_row(teacher: TeacherResult, like: Row, measured: str) -> Row:
    """A teacher beside the students: how often it is right itself."""
    score = teacher.score
    assert score is not None  # only teachers that were measured have a row
    known = {
        "student": "+".join(teacher.models),
        "teacher": teacher.name,
        "method": teacher.method,
        measured: share(score.share),
        PUBLISHED_RULE: share(teacher.published_accuracy),
        "ci95_examples": score.ci95_examples,
    }
    return {column: known.get(column) for column in like}


def table_of(kind: str, name: str, title: str, rows: Sequence[Row], note: str = "") -> Table:
    """A table whose columns are the keys of its rows."""
    columns = list(rows[0]) if rows else []
    return Table(slug(kind, name), title, columns, [list(row.values()) for row in rows], note)


def setting_columns(row: GroupKey, rows: Sequence[GroupKey]) -> Row:
    """Student, labels, fraction, and values of further axes that any of the rows has."""
    setting = {"student": row.student, "labels": row.labels, "fraction": row.data_frac}
    return {**setting, **level_columns(row, rows)}


def level_columns(row: Levels, rows: Sequence[Levels]) -> Row:
    """Its values of further axes, for each axis that any of the rows has a value of."""
    known = {axis for one in rows for axis in one.levels}
    return {AXIS_WORDS[axis]: row.levels.get(axis) for axis in FURTHER if axis in known}
