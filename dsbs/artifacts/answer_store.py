"""The answer store: one SQLite file in which every completion ever paid for is kept, under a key of all that made it.

Tables: `completions` (one row a key), `label_scores` (child rows of a completion), `asked` (which example of which run
asked for which key, with the example itself, so that answers are listed and re-parsed without data or teacher), `tasks`
(the definition that a run was asked with).
"""

import dataclasses
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from dsbs.core.errors import InputError
from dsbs.core.records import Completion, Example

SCHEMA_VERSION = 1

Purpose = Literal["answer", "score_without", "score_after"]
"""What was asked for: an answer, or label scores without a rationale or after one."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS completions (
    key TEXT PRIMARY KEY,          -- hash of the canonical request and of the model's identity
    teacher TEXT NOT NULL,         -- the model's name, for people
    text TEXT NOT NULL,
    reasoning TEXT,                -- a trace that the server kept apart
    finish_reason TEXT,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    cached_tokens INTEGER,
    error TEXT,                    -- why it failed; NULL for an answer
    created REAL NOT NULL          -- seconds since 1970
);
CREATE TABLE IF NOT EXISTS label_scores (
    key TEXT NOT NULL REFERENCES completions (key),
    label TEXT NOT NULL,
    logprob REAL NOT NULL,
    PRIMARY KEY (key, label)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tasks (task TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asked (
    run TEXT NOT NULL,             -- the run folder that asked
    position INTEGER NOT NULL,     -- order of the data
    purpose TEXT NOT NULL,
    sample INTEGER NOT NULL,
    key TEXT NOT NULL,
    task TEXT NOT NULL,
    example TEXT NOT NULL,         -- JSON
    PRIMARY KEY (run, position, purpose, sample)
) WITHOUT ROWID;
"""

_COLUMNS = (
    "text",
    "reasoning",
    "finish_reason",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "error",
)
_EXAMPLE = tuple(field.name for field in dataclasses.fields(Example))
_PAGE = 500
_NEVER = "never asked: the run stopped before it"


_to_json = json.JSONEncoder(ensure_ascii=False).encode


class Asked(NamedTuple):
    """One request of a run: which example, what for, which sample of it, under which key."""

    position: int
    purpose: Purpose
    sample: int
    key: str
    example: Example


class AnswerStore:
    """An open store. Two processes may share one; every write is one durable transaction."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        try:
            self._db = _open_to_read(path) if readonly else _open_to_write(path)
            self._check_version()
        except (sqlite3.Error, OSError) as error:
            expected = "an answer store" if readonly else "an answer store to write to"
            raise InputError(
                path, got=error, expected=expected, fix="check path, rights and disk"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self._db.close()

    def finished(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that have an answer; failed requests have none and are asked again."""
        query = "SELECT key FROM completions WHERE error IS NULL AND key IN (SELECT value FROM json_each(?))"
        return {key for (key,) in self._db.execute(query, (json.dumps(list(keys)),))}

    def keep(self, teacher: str, completions: Iterable[Completion]) -> None:
        """Commit completions under their ids. An answer is never replaced by a failure."""
        kept, now = list(completions), time.time()
        fields = ", ".join(_COLUMNS)
        update = f"({fields}, created) = ({', '.join(f'excluded.{name}' for name in _COLUMNS)}, excluded.created)"
        with self._transaction():
            self._db.executemany(
                f"INSERT INTO completions (key, teacher, created, {fields}) VALUES (?, ?, ?, {', '.join('?' * len(_COLUMNS))}) "
                f"ON CONFLICT (key) DO UPDATE SET {update} WHERE completions.error IS NOT NULL",
                [(c.id, teacher, now, *(getattr(c, name) for name in _COLUMNS)) for c in kept],
            )
            scores = [
                (c.id, label, value)
                for c in kept
                if c.label_scores
                for label, value in c.label_scores.items()
            ]
            self._db.executemany("INSERT OR REPLACE INTO label_scores VALUES (?, ?, ?)", scores)

    def forget_asked(self, run: str) -> None:
        """Start the list of what a run asks anew. Completions stay."""
        with self._transaction():
            self._db.execute("DELETE FROM asked WHERE run = ?", (run,))

    def ask(self, run: str, task: str, asked: Iterable[Asked]) -> None:
        """Write down what a run asks, so that the answers can be read back in the order of the data."""
        rows = [
            (run, a.position, a.purpose, a.sample, a.key, task, example_json(a.example))
            for a in asked
        ]
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def define(self, task: str, definition: str) -> None:
        """Keep a task's definition under its hash."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO tasks VALUES (?, ?)", (task, definition))

    def definition(self, run: str) -> str | None:
        """The definition of the task that a run asked with, as JSON."""
        query = "SELECT definition FROM tasks WHERE task = (SELECT task FROM asked WHERE run = ? LIMIT 1)"
        found = self._db.execute(query, (run,)).fetchone()
        return found[0] if found else None

    def runs(self) -> list[str]:
        """The runs that have asked for something."""
        return [run for (run,) in self._db.execute("SELECT DISTINCT run FROM asked ORDER BY run")]

    def counts(self) -> list[dict[str, Any]]:
        """For every teacher: answers, failures, and tokens."""
        query = (
            "SELECT teacher, sum(error IS NULL) AS answers, sum(error IS NOT NULL) AS failed, "
            "total(prompt_tokens) AS prompt_tokens, total(cached_tokens) AS cached_tokens, "
            "total(completion_tokens) AS completion_tokens FROM completions GROUP BY teacher ORDER BY teacher"
        )
        cursor = self._db.execute(query)
        names = [column[0] for column in cursor.description]
        return [
            {n: int(v) if isinstance(v, float) else v for n, v in zip(names, row, strict=True)}
            for row in cursor
        ]

    def answers(
        self, run: str, purpose: Purpose | None = None
    ) -> Iterator[tuple[Asked, Completion]]:
        """What the run asked, in order, each with its completion; a request without one comes as failed.

        Read in pages, so that the store may be written to meanwhile.
        """
        fields = ", ".join(f"c.{name}" for name in _COLUMNS)
        scores = (
            "(SELECT json_group_object(label, logprob) FROM label_scores AS s WHERE s.key = c.key)"
        )
        query = (
            f"SELECT a.position, a.purpose, a.sample, a.key, a.example, c.key IS NULL, {scores}, {fields} "
            "FROM asked AS a LEFT JOIN completions AS c ON c.key = a.key "
            "WHERE a.run = ? AND a.position >= ? AND a.position < ? AND (? IS NULL OR a.purpose = ?) "
            "ORDER BY a.position, a.purpose, a.sample"
        )
        (last,) = self._db.execute(
            "SELECT coalesce(max(position), -1) FROM asked WHERE run = ?", (run,)
        ).fetchone()
        for start in range(0, last + 1, _PAGE):
            for row in self._db.execute(
                query, (run, start, start + _PAGE, purpose, purpose)
            ).fetchall():
                yield _asked_and_answered(*row)

    def failures(self, run: str) -> list[tuple[str, int]]:
        """Reasons for which requests of a run have no answer, the most frequent first."""
        query = (
            "SELECT coalesce(c.error, ?) AS reason, count(*) FROM asked AS a LEFT JOIN completions AS c ON c.key = a.key "
            "WHERE a.run = ? AND (c.key IS NULL OR c.error IS NOT NULL) GROUP BY reason ORDER BY count(*) DESC"
        )
        return list(self._db.execute(query, (_NEVER, run)))

    def _check_version(self) -> None:
        found = self._db.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
        if found is None or int(found[0]) > SCHEMA_VERSION:
            got, expected = (
                f"store version {found[0] if found else 'unknown'}",
                f"at most {SCHEMA_VERSION}",
            )
            raise InputError(
                self.path, got=got, expected=expected, fix="update dsbs, or name another --store"
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            fix = "free the disk; what was committed before stays, and the same command goes on from there"
            raise InputError(
                self.path, got=error, expected="to write to the store", fix=fix
            ) from None


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
    fields = dict(zip(_COLUMNS, values, strict=True))
    if missing:
        fields |= {"text": "", "error": _NEVER}
    completion = Completion(
        key, label_scores=json.loads(scores) if scores and scores != "{}" else None, **fields
    )
    return Asked(position, purpose, sample, key, example_from(example)), completion


def example_json(example: Example) -> str:
    """An example as compact JSON; `example_from` reads it back."""
    return _to_json({name: getattr(example, name) for name in _EXAMPLE})


def example_from(text: str) -> Example:
    """The example of `example_json`."""
    values: Mapping[str, Any] = json.loads(text)
    return Example(**{**values, "choices": tuple(values["choices"])})


def _open_to_write(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    # Not only safe against a killed process, as NORMAL would be, but against a lost power supply: answers cost money.
    db.execute("PRAGMA synchronous=FULL")
    # Keys are hashes, so every commit touches pages all over the index: from some 100,000 answers on, the defaults (2 MiB in
    # memory, 4 MiB before pages are written back) read and write each of them again and again.
    db.execute("PRAGMA cache_size=-32768")  # KiB
    db.execute("PRAGMA wal_autocheckpoint=4000")  # pages of 4 KiB
    db.executescript(_SCHEMA)
    db.execute("INSERT OR IGNORE INTO meta VALUES ('version', ?)", (str(SCHEMA_VERSION),))
    return db


def _open_to_read(path: Path) -> sqlite3.Connection:
    """Read-only; in a folder that cannot be written to, where WAL cannot open its index, as a file that does not change."""
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=60)
        db.execute("SELECT count(*) FROM meta")
    except sqlite3.OperationalError:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        db.execute("SELECT count(*) FROM meta")
    return db
