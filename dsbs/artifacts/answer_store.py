"""The answer store: one SQLite file that keeps every completion, under a key of all that made it.

`store_schema` has the tables. `asked` holds each request of a run with its example, so that answers
can be listed and parsed again without data or teacher.
"""

import os
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from dsbs.artifacts import store_queries
from dsbs.artifacts.claims import Claims
from dsbs.artifacts.results.answers import TeacherCounts
from dsbs.artifacts.store_queries import Asked, Purpose, Row, example_json
from dsbs.artifacts.store_schema import (
    COMPLETION_COLUMNS,
    SCHEMA_VERSION,
    open_to_read,
    open_to_write,
)
from dsbs.artifacts.store_transactions import UNSTORABLE, reading, transaction
from dsbs.core.errors import InputError, nearest
from dsbs.core.records import Completion

IN_MEMORY = Path(":memory:")
"""An empty store that no file holds."""


class Claimed(NamedTuple):
    """Who has to do with the keys of some requests."""

    finished: set[str]
    """Keys that have an answer."""
    mine: set[str]
    """Keys that this process is to ask for. All others are being asked for by another process."""


class AnswerStore:
    """An open store. Several processes may share one; every write is one durable transaction."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        try:
            self._db = open_to_read(path) if readonly else open_to_write(path)
            self._check_version()
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:  # also undecodable text
            expected = "an answer store" if readonly else "an answer store to write to"
            raise InputError(
                path, got=error, expected=expected, fix="check path, rights and disk"
            ) from None
        self._claims = Claims(path, self._db)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        if self._claims.any:
            with suppress(
                InputError
            ):  # a full disk; the end of the process frees them all the same
                self.release()
        self._claims.close()
        self._db.close()

    def run_name(self, folder: Path) -> str:
        """The name of a run folder: its place as seen from the store, so that both may move."""
        try:
            return os.path.relpath(folder.resolve(), self.path.resolve().parent)
        except ValueError:  # another drive
            return str(folder.resolve())

    def run_folder(self, run: str) -> Path:
        """The folder of a run name, as seen from here."""
        return Path(os.path.normpath(self.path.parent / run))

    def finished(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that have an answer. Failed requests have none and are asked again."""
        with reading(self.path):
            return store_queries.finished(self._db, keys)

    def ask(self, run: str, task: str, asked: Sequence[Asked]) -> Claimed:
        """Write down what a run asks, in the order of the data, and claim what has no answer."""
        rows = [
            (run, a.position, a.purpose, a.sample, a.key, task, example_json(a.example))
            for a in asked
        ]
        with transaction(self._db, self.path):
            self._db.executemany("INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            return self._claim([a.key for a in asked])

    def claim(self, keys: Sequence[str]) -> Claimed:
        """Claim those of the keys that have no answer and that no other process is asking for."""
        with transaction(self._db, self.path):
            return self._claim(keys)

    def give_up(self, keys: Collection[str]) -> None:
        """Give up claims of this process."""
        if keys:
            with transaction(self._db, self.path):
                self._claims.drop(keys)

    def release(self) -> None:
        """Give up every claim of this process."""
        with transaction(self._db, self.path):
            self._claims.drop_all()

    def other_askers(self) -> list[str]:
        """The other processes that are asking for something, in words."""
        with transaction(self._db, self.path):
            return self._claims.others()

    def keep(self, teacher: str, completions: Sequence[Completion]) -> Sequence[Completion]:
        """Commit completions under their ids, and return them. A failure never replaces an answer.

        A completion that cannot be stored is kept as failed, and takes no other with it.
        """
        try:
            self._write(teacher, completions)
        except UNSTORABLE:
            return [self._write_alone(teacher, completion) for completion in completions]
        return completions

    def forget_asked(self, run: str) -> None:
        """Delete the list of what a run asks. Completions stay."""
        with transaction(self._db, self.path):
            self._db.execute("DELETE FROM asked WHERE run = ?", (run,))

    def define(self, task: str, definition: str) -> None:
        """Keep a task's definition under its hash."""
        with transaction(self._db, self.path):
            self._db.execute("INSERT OR REPLACE INTO tasks VALUES (?, ?)", (task, definition))

    def definition(self, run: str) -> str | None:
        """The definition of the task of a run, as JSON."""
        with reading(self.path):
            return store_queries.definition(self._db, run)

    def runs(self) -> list[str]:
        """Names of the runs that have asked for something."""
        query = "SELECT DISTINCT run FROM asked ORDER BY run"
        with reading(self.path):
            return [run for (run,) in self._db.execute(query)]

    def find_runs(self, folder: str | None) -> list[str]:
        """The name of a folder's run; all names for None. Raises InputError for no such run."""
        runs = self.runs()
        if folder is None:
            return runs
        names = (self.run_name(Path(folder)), folder, str(Path(folder).resolve()))
        found = next((name for name in names if name in runs), None)
        if found is None:
            raise InputError(
                "--run",
                got=folder,
                expected="a run that asked this store",
                fix=nearest(folder, [str(self.run_folder(run)) for run in runs]),
            )
        return [found]

    def counts(self) -> list[TeacherCounts]:
        """Answers, failures and tokens of every teacher."""
        with reading(self.path):
            return store_queries.teacher_counts(self._db)

    def answers(
        self, run: str, purpose: Purpose | None = None
    ) -> Iterator[tuple[Asked, Completion]]:
        """Every request of a run in order, with its completion; one without comes as failed."""
        with reading(self.path):
            yield from store_queries.answers(self._db, run, purpose)

    def exported(self, run: str) -> Iterator[Sequence[Row]]:
        """Every answer of a run in order, in pages of rows for other programs."""
        with reading(self.path):
            yield from store_queries.exported(self._db, run, str(self.run_folder(run)))

    def completion(self, key: str) -> Completion | None:
        """The answer under a key; None where there is none, or only a failure."""
        with reading(self.path):
            return store_queries.completion(self._db, key)

    def next_position(self, run: str) -> int:
        """The place behind everything that a run has asked."""
        with reading(self.path):
            return store_queries.next_position(self._db, run)

    def failures(self, run: str) -> list[tuple[str, int]]:
        """Why requests of a run have no answer, with their number; the most frequent first."""
        with reading(self.path):
            return store_queries.failures(self._db, run)

    def _claim(self, keys: Sequence[str]) -> Claimed:
        finished = self.finished(keys)
        free = [key for key in dict.fromkeys(keys) if key not in finished]
        return Claimed(finished, self._claims.take(free) if free else set())

    def _write_alone(self, teacher: str, completion: Completion) -> Completion:
        try:
            self._write(teacher, [completion])
        except UNSTORABLE as error:
            reason = f"the answer cannot be stored: {ascii(str(error))[1:-1]}"
            completion = Completion(completion.id, "", error=reason)
            self._write(teacher, [completion])
        return completion

    def _write(self, teacher: str, completions: Sequence[Completion]) -> None:
        fields = ", ".join(COMPLETION_COLUMNS)
        new = ", ".join(f"excluded.{name}" for name in COMPLETION_COLUMNS)
        marks = ", ".join("?" * len(COMPLETION_COLUMNS))
        now = time.time()
        rows = [
            (c.id, teacher, now, *(getattr(c, name) for name in COMPLETION_COLUMNS))
            for c in completions
        ]
        scores = [
            (c.id, label, value)
            for c in completions
            for label, value in (c.label_scores or {}).items()
        ]
        with transaction(self._db, self.path):
            self._db.executemany(
                f"INSERT INTO completions (key, teacher, created, {fields}) "
                f"VALUES (?, ?, ?, {marks}) "
                f"ON CONFLICT (key) DO UPDATE SET ({fields}, created) = ({new}, excluded.created) "
                "WHERE completions.error IS NOT NULL",
                rows,
            )
            self._db.executemany("INSERT OR REPLACE INTO label_scores VALUES (?, ?, ?)", scores)
            self._claims.drop([c.id for c in completions])

    def _check_version(self) -> None:
        found = self._db.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
        if found is None or int(found[0]) > SCHEMA_VERSION:
            raise InputError(
                self.path,
                got=f"store version {found[0] if found else 'unknown'}",
                expected=f"at most {SCHEMA_VERSION}",
                fix="update dsbs, or name another --store",
            )
