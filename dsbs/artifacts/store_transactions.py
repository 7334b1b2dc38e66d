"""Writing to an answer store and reading it: what its database raises becomes one line."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dsbs.core.errors import InputError

UNSTORABLE = (
    UnicodeError,
    OverflowError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
"""What SQLite raises for a value that it cannot hold, while the disk is well."""

_OTHER_STORE = "get the file from a copy, or name another --store"


@contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All that is written within it, or nothing.

    Raises:
        InputError: The file or its disk takes no more. What is `UNSTORABLE` is raised as it is.
    """
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException as error:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error | OSError) and not isinstance(error, UNSTORABLE):
            raise _not_written(error, path) from None
        raise


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what a damaged store gives, pages as well as values, into InputError."""
    try:
        yield
    except (sqlite3.Error, ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(path, got=error, expected="a whole store", fix=_OTHER_STORE) from None


def _not_written(error: Exception, path: Path) -> InputError:
    full = "full" in str(error) or getattr(error, "errno", None) == errno.ENOSPC
    damaged = "malformed" in str(error) or "not a database" in str(error)
    mend = "free the disk" if full else "check path, rights and disk"
    fix = f"{mend}; what was committed stays, and the same command goes on from there"
    if damaged:
        fix = _OTHER_STORE
    return InputError(path, got=error, expected="to write to the store", fix=fix)
