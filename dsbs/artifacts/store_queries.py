"""What is read from an answer store: requests with their answers, failures and counts."""

import dataclasses
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Any, Literal, NamedTuple

from dsbs.artifacts.results.answers import TeacherCounts
from dsbs.artifacts.store_schema import COMPLETION_COLUMNS
from dsbs.core.errors import brief
from dsbs.core.records import SPLITS, Completion, Example

Purpose = Literal["answer", "score_without", "score_after"]
"""What was asked for: an answer, or label scores without a rationale or after one."""

_EXAMPLE_FIELDS = tuple(field.name for field in dataclasses.fields(Example))
_PAGE = 500
_EXPORT_PAGE = 1000
"""Rows that are read at a time."""

Row = tuple[str | int | None, ...]
"""One answer: the values of `EXPORTED`."""

_OF_EXAMPLE = ("id", "split", "input", "gold")
_OF_COMPLETION = ("text", "reasoning", "finish_reason", "prompt_tokens", "completion_tokens")

EXPORTED = (*_OF_EXAMPLE, "run", "sample", *_OF_COMPLETION, "key")
"""What files for other programs have of an answer."""

NUMBERS = frozenset({"sample", "prompt_tokens", "completion_tokens"})
"""Those of them that are numbers. The others are texts."""

_ALWAYS = ("id", "input")
"""Those that no answer lacks."""

_NEVER = "never asked: the run stopped before it"

_to_json = json.JSONEncoder(ensure_ascii=False).encode


class Asked(NamedTuple):
    """One request of a run."""

    position: int
    """Place of the example in the order of the data."""
    purpose: Purpose
    sample: int
    key: str
    example: Example


def finished(db: sqlite3.Connection, keys: Sequence[str]) -> set[str]:
    """Those of the keys that have an answer."""
    query = (
        "SELECT key FROM completions "
        "WHERE error IS NULL AND key IN (SELECT value FROM json_each(?))"
    )
    return {key for (key,) in db.execute(query, (json.dumps(list(keys)),))}


def definition(db: sqlite3.Connection, run: str) -> str | None:
    """The definition of the task of a run, as JSON."""
    query = (
        "SELECT definition FROM tasks WHERE task = (SELECT task FROM asked WHERE run = ? LIMIT 1)"
    )
    found = db.execute(query, (run,)).fetchone()
    return found[0] if found else None


def answers(
    db: sqlite3.Connection, run: str, purpose: Purpose | None = None
) -> Iterator[tuple[Asked, Completion]]:
    """Every request of a run in order, with its completion; one without comes as failed.

    Read in pages, so that the store may be written to meanwhile.
    """
    fields = ", ".join(f"c.{name}" for name in COMPLETION_COLUMNS)
    scores = "(SELECT json_group_object(label, logprob) FROM label_scores AS s WHERE s.key = c.key)"
    query = (
        f"SELECT a.position, a.purpose, a.sample, a.key, a.example, c.key IS NULL, {scores}, "
        f"{fields} FROM asked AS a LEFT JOIN completions AS c ON c.key = a.key "
        "WHERE a.run = ? AND a.position >= ? AND a.position < ? "
        "AND (? IS NULL OR a.purpose = ?) ORDER BY a.position, a.purpose, a.sample"
    )
    for start in range(0, next_position(db, run), _PAGE):
        page = (run, start, start + _PAGE, purpose, purpose)
        for row in db.execute(query, page).fetchall():
            yield _asked_and_answered(*row)


def exported(db: sqlite3.Connection, run: str, folder: str) -> Iterator[Sequence[Row]]:
    """Every answer of a run in order, in pages. SQLite picks what is wanted of the examples, which
    are longer, and leaves it JSON: as a value of its own a text would end at its first NUL.

    Raises TypeError or ValueError where the store has something else.
    """
    of_example = ", ".join(f"'$.{name}'" for name in _OF_EXAMPLE)
    of_completion = ", ".join(f"c.{name}" for name in _OF_COMPLETION)
    query = (
        f"SELECT json_extract(a.example, {of_example}), ?, a.sample, {of_completion}, a.key "
        "FROM asked AS a JOIN completions AS c ON c.key = a.key "
        "WHERE a.run = ? AND a.position >= ? AND a.position < ? "
        "AND a.purpose = 'answer' AND c.error IS NULL ORDER BY a.position, a.purpose, a.sample"
    )
    for start in range(0, next_position(db, run), _EXPORT_PAGE):
        found = db.execute(query, (folder, run, start, start + _EXPORT_PAGE))
        page = [(*json.loads(picked), *others) for picked, *others in found]
        if page:
            _check(page)
            yield page


def _check(page: Sequence[Row]) -> None:
    """Raise for values of another type, as a damaged store may have them."""
    for name, column in zip(EXPORTED, zip(*page, strict=True), strict=True):
        found = set(map(type, column))
        wanted = {int if name in NUMBERS else str}
        if not found <= (wanted if name in _ALWAYS else wanted | {NoneType}):
            raise TypeError(f"{name} is {', '.join(sorted(kind.__name__ for kind in found))}")
        if name == "split" and not set(column) <= set(SPLITS):
            raise ValueError(f"split {brief(sorted(set(column) - set(SPLITS), key=str)[0])}")


def completion(db: sqlite3.Connection, key: str) -> Completion | None:
    """The answer under a key; None where there is none, or only a failure."""
    query = f"SELECT {', '.join(COMPLETION_COLUMNS)} FROM completions WHERE key = ?"
    found = db.execute(f"{query} AND error IS NULL", (key,)).fetchone()
    if found is None:
        return None
    return Completion(key, **dict(zip(COMPLETION_COLUMNS, found, strict=True)))


def next_position(db: sqlite3.Connection, run: str) -> int:
    """The place behind everything that a run has asked."""
    query = "SELECT coalesce(max(position), -1) + 1 FROM asked WHERE run = ?"
    (position,) = db.execute(query, (run,)).fetchone()
    return int(position)


def failures(db: sqlite3.Connection, run: str) -> list[tuple[str, int]]:
    """Why requests of a run have no answer, with their number; the most frequent first."""
    query = (
        "SELECT coalesce(c.error, ?) AS reason, count(*) "
        "FROM asked AS a LEFT JOIN completions AS c ON c.key = a.key "
        "WHERE a.run = ? AND (c.key IS NULL OR c.error IS NOT NULL) "
        "GROUP BY reason ORDER BY count(*) DESC"
    )
    return list(db.execute(query, (_NEVER, run)))


def teacher_counts(db: sqlite3.Connection) -> list[TeacherCounts]:
    """Answers, failures and tokens of every teacher."""
    query = (
        "SELECT teacher, sum(error IS NULL), sum(error IS NOT NULL), "
        "total(prompt_tokens), total(cached_tokens), total(completion_tokens) "
        "FROM completions GROUP BY teacher ORDER BY teacher"
    )
    return [
        TeacherCounts(
            teacher=teacher,
            answers=answers,
            failed=failed,
            prompt_tokens=int(prompt),
            cached_tokens=int(cached),
            completion_tokens=int(completion),
        )
        for teacher, answers, failed, prompt, cached, completion in db.execute(query)
    ]


def _asked_and_answered(
    position: int,
    purpose: Purpose,
    sample: int,
    key: str,
    example: str,
    missing: bool,
    scores: str | None,
    *values: Any,
) -> tuple[Asked, Completion]:
    fields = dict(zip(COMPLETION_COLUMNS, values, strict=True))
    if missing:
        fields |= {"text": "", "error": _NEVER}
    label_scores = json.loads(scores) if scores and scores != "{}" else None
    completion = Completion(key, label_scores=label_scores, **fields)
    return Asked(position, purpose, sample, key, example_from(example)), completion


def example_json(example: Example) -> str:
    """An example as compact JSON. `example_from` reads it back."""
    return _to_json({name: getattr(example, name) for name in _EXAMPLE_FIELDS})


def example_from(text: str) -> Example:
    """The example of `example_json`. Raises ValueError, TypeError or KeyError for another text."""
    values: Mapping[str, Any] = json.loads(text)
    if values["split"] not in SPLITS:  # it becomes the name of a file
        raise ValueError(f"split {brief(values['split'])}")
    return Example(**{**values, "choices": tuple(values["choices"])})
