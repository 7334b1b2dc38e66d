"""Who asks for what, and when it is committed."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dsbs.core.records import Completion
from dsbs.labeling.runner import in_commits
from dsbs.teachers.protocol import IDLE, Idle
from support.farm import Farm
from support.served_farm import Serve, prompts, seen


def completions(keys: str) -> list[Completion]:
    return [Completion(key, "text") for key in keys]


def test_answers_are_committed_as_soon_as_the_teacher_is_idle() -> None:
    def slowly() -> Iterator[Completion | Idle]:
        yield from completions("abc")
        yield IDLE
        yield from completions("d")
        yield IDLE
        yield IDLE
        yield from completions("e")

    groups = [[c.id for c in group] for group in in_commits(slowly())]
    assert groups == [["a", "b", "c"], ["d"], ["e"]]


def test_answers_that_come_fast_are_committed_together_for_a_tenth_of_a_second() -> None:
    def fast() -> Iterator[Completion]:
        started = time.monotonic()
        while time.monotonic() - started < 0.35:
            time.sleep(0.001)
            yield Completion("a", "text")

    groups = list(in_commits(fast()))
    assert 3 <= len(groups) <= 5


def test_what_has_arrived_is_committed_when_the_teacher_breaks() -> None:
    def broken() -> Iterator[Completion]:
        yield from completions("ab")
        raise RuntimeError("gone")

    groups = in_commits(broken())
    assert len(next(groups)) == 2
    with pytest.raises(RuntimeError, match="gone"):
        next(groups)


def command(farm: Farm, url: str, store: Path, out: Path, *more: str) -> list[str]:
    shared = ["--task", farm.task, "--data", farm.data, "--engine", "endpoint"]
    shared += ["--teacher", "model", "--base-url", url, "--api", "completions"]
    shared += ["--prompts-per-request", "1", "--concurrency", "4", "--store", store, "--out", out]
    return [sys.executable, "-m", "dsbs.generate", *map(str, shared), "--json", *more]


def results(process: "subprocess.Popen[str]") -> dict[str, Any]:
    said, _ = process.communicate(timeout=300)
    found: dict[str, Any] = json.loads(said)
    return found


def large(farm: Farm) -> None:
    farm.write([{**row, "sound": f"{row['sound']} {n}"} for n in range(5) for row in farm.rows])


def test_two_runs_that_share_a_store_pay_each_request_once(
    farm: Farm, serve: Serve, tmp_path: Path
) -> None:
    large(farm)
    log, store = tmp_path / "seen", tmp_path / "shared.sqlite"
    url = serve("--log", log, "--delay", "0.05")
    both = [
        subprocess.Popen(
            command(farm, url, store, tmp_path / name), stdout=subprocess.PIPE, text=True
        )
        for name in "ab"
    ]
    found = [results(process) for process in both]
    assert [one["status"] for one in found] == ["done", "done"]
    for one in found:
        assert sum(split["outcomes"]["ok"] for split in one["splits"].values()) == 360
        assert one["new"] + one["reused"] == 360
        assert one["new"] > 60  # they share the work
    assert sum(one["new"] for one in found) == 360
    counts = seen(log)
    assert set(counts) == set(prompts(farm).values())
    assert set(counts.values()) == {1}


def test_what_a_killed_run_had_claimed_is_asked_by_the_one_that_lives(
    farm: Farm, serve: Serve, tmp_path: Path
) -> None:
    """The first claims and is killed while its server hangs; the second waits for it until then."""
    log, store = tmp_path / "seen", tmp_path / "shared.sqlite"
    hanging = serve("--log", log, "--delay", "600")
    first = subprocess.Popen(
        command(farm, hanging, store, tmp_path / "a"), stdout=subprocess.PIPE, text=True
    )
    while sum(seen(log).values()) < 4:
        time.sleep(0.05)
    url = serve("--log", tmp_path / "other")
    second = subprocess.Popen(
        command(farm, url, store, tmp_path / "b"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert second.stderr is not None
    waiting = next(line for line in second.stderr if "waiting for them" in line)
    assert f"process {first.pid} on " in waiting
    assert second.poll() is None
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    found = results(second)
    assert (found["status"], found["new"]) == ("done", 72)
    assert set(seen(tmp_path / "other").values()) == {1}
    db = sqlite3.connect(store)
    assert db.execute("SELECT count(*) FROM claims").fetchone() == (0,)


def test_a_request_that_failed_in_another_run_is_asked_here(
    farm: Farm, serve: Serve, tmp_path: Path
) -> None:
    store = tmp_path / "shared.sqlite"
    broken = serve("--delay", "0.2", "--faults", "1", "--fault", "500")
    first = subprocess.Popen(
        command(farm, broken, store, tmp_path / "a", "--max-attempts", "1"),
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(2)
    second = subprocess.Popen(
        command(farm, serve(), store, tmp_path / "b"), stdout=subprocess.PIPE, text=True
    )
    assert results(second)["status"] == "done"
    assert results(first)["status"] in ("incomplete", "done")
