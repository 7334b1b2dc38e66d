"""The tables of an answer store, and how its file is opened."""

import sqlite3
from pathlib import Path

from dsbs.artifacts.claims import CLAIMS_SCHEMA

SCHEMA_VERSION = 1

COMPLETION_COLUMNS = (
    "text",
    "reasoning",
    "finish_reason",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "error",
)
"""Columns of `completions` that are fields of a Completion."""

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
    run TEXT NOT NULL,             -- the run folder that asked, as seen from the store's folder
    position INTEGER NOT NULL,     -- order of the data
    purpose TEXT NOT NULL,
    sample INTEGER NOT NULL,
    key TEXT NOT NULL,
    task TEXT NOT NULL,
    example TEXT NOT NULL,         -- JSON
    PRIMARY KEY (run, position, purpose, sample)
) WITHOUT ROWID;
"""


def open_to_write(path: Path) -> sqlite3.Connection:
    """The database of a store, made where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    # NORMAL would be safe if the process is killed, but not if the power fails. Answers cost money.
    db.execute("PRAGMA synchronous=FULL")
    # Keys are hashes, so every commit touches pages all over the index. From some 100,000 answers
    # on the defaults (2 MiB in memory, 4 MiB before pages are written back) read and write each
    # page again and again.
    db.execute("PRAGMA cache_size=-32768")  # KiB
    db.execute("PRAGMA wal_autocheckpoint=4000")  # pages of 4 KiB
    _make(db)
    return db


def open_to_read(path: Path) -> sqlite3.Connection:
    """The same, read-only.

    In a folder that cannot be written to, WAL cannot open its index; the file is then read as one
    that does not change. A file without any table is that of a run which was killed before it asked
    for anything: an empty store.
    """
    address = f"{path.resolve().as_uri()}?mode=ro"
    try:
        db = sqlite3.connect(address, uri=True, timeout=60)
        tables = _tables(db)
    except sqlite3.OperationalError:
        db = sqlite3.connect(f"{address}&immutable=1", uri=True)
        tables = _tables(db)
    if not tables:
        db.close()
        db = sqlite3.connect(":memory:")
        _make(db)
    return db


def _make(db: sqlite3.Connection) -> None:
    """Make the tables that are not there, all in one transaction."""
    version = f"INSERT OR IGNORE INTO meta VALUES ('version', '{SCHEMA_VERSION}');"
    db.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}{CLAIMS_SCHEMA}{version}COMMIT;")


def _tables(db: sqlite3.Connection) -> int:
    (count,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return int(count)
