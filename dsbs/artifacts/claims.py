"""Claims on requests: of several runs that share a store, one asks and the others use its answer.

A claim is a row that names its owner, a process with a locked file beside the store. The kernel
unlocks that file when the process ends, however it dies, and from then on its claims count for
nothing. Without such locks (Windows) nothing is claimed by another.
"""

import contextlib
import json
import os
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from dsbs.artifacts.lock import hold, holder, is_held

CLAIMS_SCHEMA = """
CREATE TABLE IF NOT EXISTS claims (
    key TEXT PRIMARY KEY,          -- the request that somebody is asking for
    owner TEXT NOT NULL            -- name of the owner's locked file beside the store
) WITHOUT ROWID;
"""


class Claims:
    """The claims of this process in one store. Its methods run inside the caller's transaction."""

    def __init__(self, store: Path, db: sqlite3.Connection) -> None:
        self._store = store
        self._db = db
        self._file: IO[str] | None = None
        self._name = f".{store.name}.{uuid.uuid4().hex[:12]}.owner"

    @property
    def any(self) -> bool:
        """Whether this process has ever claimed something here."""
        return self._file is not None

    def take(self, keys: Sequence[str]) -> set[str]:
        """Claim these keys. Returns those that this process now owns; others have an owner."""
        self._begin()
        query = "SELECT key, owner FROM claims WHERE key IN (SELECT value FROM json_each(?))"
        owners = dict(self._db.execute(query, (json.dumps(list(keys)),)))
        living = {owner for owner in set(owners.values()) - {self._name} if self._lives(owner)}
        mine = [key for key in keys if owners.get(key) not in living]
        rows = [(key, self._name) for key in mine]
        self._db.executemany("INSERT OR REPLACE INTO claims VALUES (?, ?)", rows)
        return set(mine)

    def drop(self, keys: Iterable[str]) -> None:
        """Give up claims of this process, because the requests are answered or have failed."""
        query = "DELETE FROM claims WHERE key = ? AND owner = ?"
        self._db.executemany(query, [(key, self._name) for key in keys])

    def drop_all(self) -> None:
        """Give up every claim of this process."""
        self._db.execute("DELETE FROM claims WHERE owner = ?", (self._name,))

    def others(self) -> list[str]:
        """Living owners of claims besides this process, in words."""
        query = "SELECT DISTINCT owner FROM claims WHERE owner <> ?"
        names = [name for (name,) in self._db.execute(query, (self._name,))]
        return [holder(self._path(name)) for name in names if self._lives(name)]

    def close(self) -> None:
        """End the ownership. What is still claimed is free at once."""
        if self._file is not None:
            self._path(self._name).unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        """Become an owner: a locked file appears under its final name, so it is never seen
        unlocked.
        """
        if self._file is None:
            partial = self._path(f"{self._name}.{os.getpid()}")
            self._file = hold(partial)
            partial.rename(self._path(self._name))

    def _lives(self, owner: str) -> bool:
        """Whether an owner's process lives. The claims of a dead one, and its file, are removed."""
        path = self._path(owner)
        if is_held(path):
            return True
        self._db.execute("DELETE FROM claims WHERE owner = ?", (owner,))
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return False

    def _path(self, name: str) -> Path:
        return self._store.with_name(name)
