"""Who asks for what, and when it is committed."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from support.farm import Farm
from support.scripted_server import Scripted, error, prompts_of, scripted, texts
from support.served_farm import Serve, ask, prompts, seen


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


def answered_before_its_turn(farm: Farm, run: Path, server: Scripted) -> dict[str, Any]:
    settings = {"api": "completions", "prompts_per_request": 1, "concurrency": 1}
    return ask(farm, server.url, out=run, splits="train", max_attempts=1, **settings)


def test_an_equal_row_is_not_asked_again_when_the_first_is_answered_before_its_turn(
    farm: Farm,
) -> None:
    """It is in flight when a batch with both is looked up, and answered when the other's turn
    comes.
    """
    farm.write(farm.rows[:40] + farm.rows[:40])
    with scripted(texts) as server:
        made = answered_before_its_turn(farm, farm.folder / "asked", server)
    asked = Counter(prompt for body in server.requests for prompt in prompts_of(body))
    assert set(asked.values()) == {1}
    assert made["new"] == len(asked)
    assert made["new"] + made["reused"] == made["splits"]["train"]["rows"]


def test_an_equal_row_of_one_that_failed_is_not_asked_again_in_the_same_run(farm: Farm) -> None:
    farm.write(farm.rows[:10] * 8)  # in several batches
    with scripted(lambda body: error(400, "no")) as server:
        made = answered_before_its_turn(farm, farm.folder / "asked", server)
        asked = Counter(prompt for body in server.requests for prompt in prompts_of(body))
        assert set(asked.values()) == {1}
        assert made["failed"] == len(asked)
        assert made["splits"]["train"]["outcomes"] == {"failed": made["splits"]["train"]["rows"]}
        answered_before_its_turn(farm, farm.folder / "asked", server)  # the same command asks again
        asked = Counter(prompt for body in server.requests for prompt in prompts_of(body))
        assert set(asked.values()) == {2}


def test_equal_rows_share_their_samples(farm: Farm) -> None:
    farm.write([row for row in farm.rows[:10] for _ in range(8)])
    with scripted(texts) as server:
        made = ask(
            farm, server.url, api="completions", splits="train", samples=3, prompts_per_request=1
        )
    asked = Counter(prompt for body in server.requests for prompt in prompts_of(body))
    assert set(asked.values()) == {3}
    assert made["new"] == 3 * len(asked)


def test_an_answer_is_kept_though_its_commit_is_interrupted(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal arrives while answers are written, which takes back the transaction."""
    from dsbs.artifacts.claims import Claims

    drop = Claims.drop
    signals = iter([signal.SIGINT])

    def interrupted(self: Claims, keys: Any) -> None:
        drop(self, keys)
        for number in signals:
            os.kill(os.getpid(), number)
            time.sleep(1)  # the handler runs here

    monkeypatch.setattr(Claims, "drop", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with scripted(texts) as server, pytest.raises(KeyboardInterrupt):
            ask(farm, server.url, api="completions", prompts_per_request=1, concurrency=1)
    finally:
        signal.signal(signal.SIGINT, before)
    db = sqlite3.connect(farm.folder / "asked" / "answers.sqlite")
    (stored,) = db.execute("SELECT count(*) FROM completions").fetchone()
    assert stored >= 1
