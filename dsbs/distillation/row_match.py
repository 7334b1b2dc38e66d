"""Whether answers belong to the rows that they are joined with by id.

Only hashes of rows stay in memory, 24 bytes of each, and answers are read in batches.
"""

from array import array
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from dsbs.artifacts.answer_dataset import BELONGING, answer_batches
from dsbs.artifacts.results.train import AnswerRows
from dsbs.core.errors import InputError
from dsbs.core.hashing import short_hash
from dsbs.core.iteration import Chain
from dsbs.core.records import SPLITS, Example, Split
from dsbs.distillation.teacher_runs import TeacherRun
from dsbs.tasks.fingerprint import input_hash
from dsbs.tasks.task import LabelForm, Task

MOST_STRAY = 0.05
"""Largest share of answers that may belong to no row. More are answers to other data."""
_GO_ON = "go on with --allow-changed-inputs"
_SHOWN = 50
"""Characters of a text that are shown from just before its first difference on."""


class RowIndex:
    """The rows of a task by id: what was read of each, and its gold label."""

    def __init__(self, task: Task, rows: Chain[Example]) -> None:
        import numpy as np  # not above: --help shall not wait for it

        self.task = task
        self.rows = rows
        ids = array("Q")
        inputs = array("Q")
        golds = array("Q")
        for example in rows:
            ids.append(_number(example.id))
            inputs.append(int(input_hash(task, example), 16))
            golds.append(_number(example.gold))
        order = np.argsort(ids)
        self._ids = np.asarray(ids)[order]
        self._inputs = np.asarray(inputs)[order]
        self._golds = np.asarray(golds)[order]

    def compare(self, answers: Any) -> "Compared":
        """A batch of answers beside their rows.

        Args:
            answers: An Arrow record batch with the columns `BELONGING`.
        """
        import numpy as np

        ids = np.array([_number(identity) for identity in answers["id"].to_pylist()], "uint64")
        hashes = answers["input_hash"].to_pylist()
        inputs = np.array([int(digits, 16) for digits in hashes], "uint64")
        golds = np.array([_number(gold) for gold in answers["gold"].to_pylist()], "uint64")
        places = np.searchsorted(self._ids, ids).clip(max=max(0, len(self._ids) - 1))
        found = self._ids[places] == ids if len(self._ids) else np.zeros(len(ids), bool)
        if not found.any():
            return Compared(~found, found)
        relabeled = (golds != self._golds[places]) & (golds > 0) & (self._golds[places] > 0)
        changed = (inputs != self._inputs[places]) | relabeled
        return Compared(~found, found & changed)


class Compared(NamedTuple):
    """Answers beside their rows: one truth value for each answer."""

    without_row: Any
    changed: Any
    """Whether its row had another input or another gold label."""


class Match(NamedTuple):
    """How the answers of one teacher fit the rows, and what is wrong if they do not."""

    counts: AnswerRows
    changed: InputError | None
    """The first answer whose row or whose labels have changed."""
    stray: InputError | None
    """Too many answers without a row."""


def match_rows(run: TeacherRun, index: RowIndex, to_learn: Sequence[Sequence[Example]]) -> Match:
    """Compare the rows of today with those that a teacher answered.

    Args:
        run: The answers.
        index: All rows of the task.
        to_learn: The parts that a student learns from. Answers to extra inputs count only where
            there are extra inputs to learn from.
    """
    learns_extra = any(example.split == "extra" for part in to_learn for example in part[:1])
    passed: tuple[Split, ...] = () if learns_extra else ("extra",)
    # In the order of the data, so that the first difference is the first there.
    files = [
        file for split in SPLITS for file in run.files if file.stem == split and split not in passed
    ]
    total = 0
    without_row = 0
    changed = 0
    stray: str | None = None
    first: dict[str, Any] | None = None
    for batch in (batch for file in files for batch in answer_batches(file, BELONGING)):
        compared = index.compare(batch)
        total += batch.num_rows
        without_row += int(compared.without_row.sum())
        changed += int(compared.changed.sum())
        if stray is None and compared.without_row.any():
            stray = batch["id"][int(compared.without_row.argmax())].as_py()
        if first is None and compared.changed.any():
            first = batch.slice(int(compared.changed.argmax()), 1).to_pylist()[0]
    label = _label_difference(run.made.final.label, index.task.label)
    counts = AnswerRows(
        run=str(run.folder),
        answers=total,
        without_row=without_row,
        changed=changed,
        other_labels=bool(label),
        rows=sum(map(len, to_learn)),
        unanswered=_unanswered(run, to_learn),
    )
    difference = label or (_row_difference(index, first, counts) if first else "")
    return Match(
        counts,
        _changed(run, difference) if difference else None,
        _stray(run, counts, stray, index) if without_row > MOST_STRAY * total else None,
    )


def _unanswered(run: TeacherRun, to_learn: Iterable[Sequence[Example]]) -> int:
    answered = {i for i, answer in run.answers.items() if answer.outcome != "failed"}
    return sum(example.id not in answered for part in to_learn for example in part)


def _changed(run: TeacherRun, difference: str) -> InputError:
    fix = "name those with --data and --task"
    if run.made.final.published is None:
        fix += f", or run dsbs generate again with --out {run.folder}: it asks for what has changed"
    return InputError(
        f"--answers {run.folder}",
        got=difference,
        expected="the rows and labels that the answers were made for",
        fix=f"{fix}, or {_GO_ON}",
    )


def _stray(run: TeacherRun, counts: AnswerRows, first: str | None, index: RowIndex) -> InputError:
    known = next((f"; ids like {example.id!r}" for example in index.rows), "")
    return InputError(
        f"--answers {run.folder}",
        got=f"answers with ids like {first!r}, which no row has: {counts.without_row:,} of "
        f"{counts.answers:,}",
        expected=f"at most {100 * MOST_STRAY:.0f} % without a row{known}",
        fix=f"give the --data that these answers were made for, or {_GO_ON}",
    )


def _label_difference(answered: LabelForm | None, task: LabelForm) -> str:
    """What the labels of the answers' task and those of the task do not share; "" if nothing."""
    if answered is None:
        return "answers without a record of the labels they were made for"
    if answered.kind != task.kind:
        return f"answers with labels of kind {answered.kind!r}, where the task has {task.kind!r}"
    gone = [label for label in answered.labels if label not in task.labels]
    new = [label for label in task.labels if label not in answered.labels]
    if gone:
        return f"answers that may have the label {gone[0]!r}, which the task does not have"
    return f"answers that cannot have the label {new[0]!r}, which the task has" if new else ""


def _row_difference(index: RowIndex, answered: dict[str, Any], counts: AnswerRows) -> str:
    """What has changed in a row since it was answered."""
    example = next(row for row in index.rows if row.id == answered["id"])
    of_all = f"({counts.changed:,} of {counts.answers:,} answers have such a row)"
    if answered["input_hash"] == input_hash(index.task, example):
        golds = f"{example.gold!r}, which was {answered['gold']!r}"
        return f"row {example.id!r} with the gold label {golds} when it was answered {of_all}"
    texts = ((example.input, answered["input"]), *zip_longest(example.choices, answered["choices"]))
    now, before = next((pair for pair in texts if pair[0] != pair[1]), ("", ""))
    if now == before:
        return f"row {example.id!r} with other fields than when it was answered {of_all}"
    start = max(0, _common(now or "", before or "") - 10)
    return (
        f"row {example.id!r} with {_excerpt(now, start)}, where {_excerpt(before, start)} "
        f"was answered {of_all}"
    )


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _excerpt(text: str | None, start: int) -> str:
    """A text from a place on, with marks where it is cut."""
    if text is None:
        return "no choice"
    before = "…" if start else ""
    behind = "…" if len(text) > start + _SHOWN else ""
    return repr(f"{before}{text[start : start + _SHOWN]}{behind}")


def _number(text: str | None) -> int:
    """The hash of a text as a number; 0 for none."""
    return 0 if text is None else int(short_hash(text), 16)
