"""Claims on requests: one living process has each, and those of a dead one are free at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from dsbs.artifacts.answer_store import AnswerStore
from dsbs.core.records import Completion

CLAIM = """
import sys, time
from pathlib import Path
from dsbs.artifacts.answer_store import AnswerStore
store = AnswerStore(Path(sys.argv[1]))
print(sorted(store.claim(sys.argv[2:]).mine), flush=True)
time.sleep(60)
"""


def claimer(store: Path, *keys: str) -> "subprocess.Popen[str]":
    """Another process that claims these keys and then holds them."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(store), *keys], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"{sorted(keys)}\n"
    return process


def test_a_key_is_claimed_by_one_living_process(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with AnswerStore(path) as store:
        other = claimer(path, "a", "b")
        try:
            store.keep("t", [Completion("d", "text")])
            found = store.claim(["a", "b", "c", "c", "d"])
            assert (found.finished, found.mine) == ({"d"}, {"c"})
            assert store.claim(["c"]).mine == {"c"}
            (who,) = store.other_askers()
            assert f"process {other.pid} on " in who
        finally:
            os.kill(other.pid, signal.SIGKILL)
            other.wait()
        assert store.claim(["a", "b"]).mine == {"a", "b"}
        assert store.other_askers() == []


def test_an_answered_failed_or_released_request_is_claimed_by_nobody(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with AnswerStore(path) as first, AnswerStore(path) as second:
        assert first.claim(["a", "b", "c"]).mine == {"a", "b", "c"}
        assert second.claim(["a", "b", "c"]).mine == set()
        first.keep("t", [Completion("a", "text"), Completion("b", "", error="timeout")])
        found = second.claim(["a", "b", "c"])
        assert (found.finished, found.mine) == ({"a"}, {"b"})
        first.release()
        assert second.claim(["c"]).mine == {"c"}


def test_an_orderly_end_leaves_neither_claims_nor_files(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with AnswerStore(path) as store:
        store.claim(["a"])
        assert [file.name for file in tmp_path.glob("*.owner")] != []
    with AnswerStore(path) as store:
        assert store.claim(["a"]).mine == {"a"}
    assert list(tmp_path.glob(".*owner*")) == []


def test_a_store_of_an_earlier_version_gets_its_table_of_claims(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "s.sqlite"
    with AnswerStore(path) as store:
        store.keep("t", [Completion("a", "text")])
    db = sqlite3.connect(path)
    db.execute("DROP TABLE claims")
    db.close()
    with AnswerStore(path, readonly=True) as store:
        assert store.finished(["a"]) == {"a"}
    with AnswerStore(path) as store:
        assert store.claim(["a", "b"]).mine == {"b"}
