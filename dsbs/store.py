"""The answer store: one SQLite file in which every completion ever paid for is kept, under a key of all that made it.

Tables: `completions` (one row a key), `label_scores` (child rows of a completion), `asked` (which example of which run
asked for which key, with the example itself, so that answers are listed and re-parsed without data or teacher).
"""

import dataclasses
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from dsbs.errors import InputError
from dsbs.records import Completion, Example

SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS completions (
    key TEXT PRIMARY KEY,          -- hash of the canonical request and of the model's identity
    teacher TEXT NOT NULL,         -- the model's name, for people
    text TEXT NOT NULL,
    finish_reason TEXT,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    error TEXT,                    -- why it failed; NULL for an answer
    created REAL NOT NULL          -- seconds since 1970
) WITHOUT ROWID;
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
    sample INTEGER NOT NULL DEFAULT 0,
    key TEXT NOT NULL,
    task TEXT NOT NULL,
    example TEXT NOT NULL,         -- JSON
    PRIMARY KEY (run, position, sample)
) WITHOUT ROWID;
"""


class Asked(NamedTuple):
    """One request of a run: which example, which sample of it, under which key."""

    position: int
    sample: int
    key: str
    example: Example


class AnswerStore:
    """An open store. Two processes may share one; every write is one durable transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
            self._check_version()
        except (sqlite3.Error, OSError) as error:
            raise InputError(path, got=error, expected="an answer store to write", fix="check path and disk") from None

    def close(self) -> None:
        """Close the file; the write-ahead log is folded back into it."""
        self._db.close()

    def finished(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that have an answer; failed requests have none and are asked again."""
        query = "SELECT key FROM completions WHERE error IS NULL AND key IN (SELECT value FROM json_each(?))"
        return {key for (key,) in self._db.execute(query, (json.dumps(list(keys)),))}

    def keep(self, teacher: str, completions: Iterable[Completion]) -> None:
        """Commit completions under their ids. An answer is never replaced by a failure."""
        now = time.time()
        rows = [
            (c.id, teacher, c.text, c.finish_reason, c.prompt_tokens, c.completion_tokens, c.error, now) for c in completions
        ]
        with self._transaction():
            self._db.executemany(
                "INSERT INTO completions VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
                "(teacher, text, finish_reason, prompt_tokens, completion_tokens, error, created) = (excluded.teacher, "
                "excluded.text, excluded.finish_reason, excluded.prompt_tokens, excluded.completion_tokens, excluded.error, "
                "excluded.created) WHERE completions.error IS NOT NULL",
                rows,
            )

    def forget_asked(self, run: str) -> None:
        """Start the list of what a run asks anew. Completions stay."""
        with self._transaction():
            self._db.execute("DELETE FROM asked WHERE run = ?", (run,))

    def ask(self, run: str, task: str, asked: Iterable[Asked]) -> None:
        """Write down what a run asks, so that the answers can be read back in the order of the data."""
        rows = [(run, a.position, a.sample, a.key, task, example_json(a.example)) for a in asked]
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?, ?, ?)", rows)

    def define(self, task: str, definition: str) -> None:
        """Keep a task's definition under its hash."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO tasks VALUES (?, ?)", (task, definition))

    def answers(self, run: str) -> Iterator[tuple[Asked, Completion]]:
        """What the run asked, in order, each with its completion; a request without one comes as failed."""
        query = (
            "SELECT position, sample, asked.key, example, text, finish_reason, prompt_tokens, completion_tokens, error, "
            "completions.key IS NULL FROM asked LEFT JOIN completions ON completions.key = asked.key "
            "WHERE run = ? ORDER BY position, sample"
        )
        for position, sample, key, example, text, *rest, missing in self._db.execute(query, (run,)):
            finish_reason, prompt_tokens, completion_tokens, error = rest
            error = "never asked: the run stopped before it" if missing else error
            completion = Completion(key, text or "", finish_reason, prompt_tokens, completion_tokens, error)
            yield Asked(position, sample, key, example_from(example)), completion

    def _check_version(self) -> None:
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('version', ?)", (str(SCHEMA_VERSION),))
        ((found,),) = self._db.execute("SELECT value FROM meta WHERE name = 'version'").fetchall()
        if int(found) > SCHEMA_VERSION:
            raise InputError(
                self.path,
                got=f"store version {found}",
                expected=f"at most {SCHEMA_VERSION}",
                fix="update dsbs to write to it",
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
            raise InputError(
                self.path, got=error, expected="to write to the store", fix="free the disk; what was committed stays"
            ) from None


def example_json(example: Example) -> str:
    """An example as compact JSON; `example_from` reads it back."""
    return json.dumps({f.name: getattr(example, f.name) for f in dataclasses.fields(example)}, ensure_ascii=False)


def example_from(text: str) -> Example:
    """The example of `example_json`."""
    values: Mapping[str, Any] = json.loads(text)
    return Example(**{**values, "choices": tuple(values["choices"])})
