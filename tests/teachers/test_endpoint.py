"""A teacher over HTTP: nothing is paid for twice, and nothing is lost."""

import hashlib
import json
import random
import signal
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from dsbs import api
from dsbs.artifacts.answer_store import AnswerStore
from dsbs.data.load import load_data
from dsbs.labeling.requests import Asker, Style
from dsbs.tasks.prompts import load_task
from dsbs.teachers.protocol import Sampling
from support.command import Cli
from support.disturbed import Started, run
from support.farm import Farm
from support.served_farm import Serve, ask, flags, prompts, seen

KILLS = 10
"""`tests/faults/` has more of them in the long form."""


@pytest.mark.parametrize("chat", [False, True])
def test_every_row_is_asked_once_in_completions_or_chat(
    farm: Farm, serve: Serve, tmp_path: Path, chat: bool
) -> None:
    log = tmp_path / "seen"
    results = ask(
        farm,
        serve("--log", log, *(["--chat"] if chat else [])),
        progress_json=tmp_path / "state.json",
    )
    assert (results["new"], results["reused"], results["failed"]) == (72, 0, 0)
    assert set(results["splits"]) == {"train", "validation"}  # test is labelled on request
    assert results["prompt_tokens"] == 7200
    counts = seen(log)
    asked = (
        sum(counts.values()) - counts[hashlib.sha256(b"Hello.").hexdigest()]
    )  # the question whether there is a chat
    assert asked == 72
    state = json.loads((tmp_path / "state.json").read_text())
    assert (state["done"], state["total"], state["failed"]) == (72, 72, 0)
    assert ask(farm, serve("--chat"))["new"] == 0 if chat else ask(farm, serve())["new"] == 0


@pytest.mark.parametrize("form", ["inline", "unopened", "apart"])
def test_reasoning_is_stored_and_kept_apart_from_the_rationale(
    farm: Farm, serve: Serve, form: str
) -> None:
    """The trace has a blank line, which stops continued text, and it argues for another label
    before the right one.
    """
    results = ask(farm, serve("--chat", "--reasoning", form))
    assert results["splits"]["train"]["outcomes"] == {"ok": 64}
    for row in pq.read_table(farm.folder / "asked" / "data" / "train.parquet").to_pylist():
        assert row["rationale"] in ("It has feathers.", "It has fur.")
    for row in api.answers("list", store=farm.folder / "asked" / "answers.sqlite")["answers"]:
        assert "Does it lay eggs?" in ((row["reasoning"] or "") if form == "apart" else row["text"])


def test_killed_often_every_row_is_answered_once(tmp_path: Path, serve: Serve) -> None:
    farm = Farm(tmp_path, sounds=139)  # 2,224 rows; train and validation are 2,001 or 2,002
    log = tmp_path / "seen"
    url = serve("--log", log, "--delay", "0.25")
    out = tmp_path / "asked"
    command = ["generate", "--task", farm.task, "--data", farm.data, "--engine", "endpoint"]
    command += ["--teacher", "model", "--base-url", url, "--out", out]
    command += ["--prompts-per-request", 4, "--concurrency", 4]
    hashes = prompts(farm)
    assert len(hashes) >= 2000
    rng = random.Random(1)
    unstored_sends: Counter[str] = Counter()
    stored: set[str] = set()
    for life in range(KILLS):
        before = seen(log)
        started = Started(command, out)
        if life % 5:  # most kills hit a run that is asking, the others one that starts
            while seen(log) == before and started.running:
                time.sleep(0.05)
        time.sleep(rng.uniform(0.0, 1.5))
        started.signal(signal.SIGKILL)
        started.end()
        time.sleep(0.3)  # what the server was sent it still logs
        sent = seen(log) - before
        assert not set(sent) & stored, "a stored answer was requested again"
        stored = stored_prompts(farm, out)
        unstored_sends.update(prompt for prompt in sent if prompt not in stored)
    assert 100 < len(stored) < len(hashes), "the kills must hit a run that works"
    assert unstored_sends, "some kill must hit requests in flight"
    done = run(command, out)
    assert done.code == 0, done.said
    rows = [
        row for path in (out / "data").glob("*.parquet") for row in pq.read_table(path).to_pylist()
    ]
    assert Counter(row["id"] for row in rows) == Counter(hashes.keys())
    assert {row["outcome"] for row in rows} == {"ok"}
    # Whatever was sent more than once was in flight at a kill, each time but the last.
    for prompt, count in seen(log).items():
        assert count <= 1 + unstored_sends[prompt]
    assert (
        sum(unstored_sends.values()) <= KILLS * 5 * 4
    )  # four requests of four prompts, and one answered but not committed


def stored_prompts(farm: Farm, out: Path) -> set[str]:
    """Hashes of the prompts to which the store has an answer, by their keys."""
    if not (out / "answers.sqlite").exists():
        return set()
    task = load_task(str(farm.task))
    identity = {"model": "model", "revision": None}
    sampling = Sampling(stop=task.prompt.stop)
    teacher: Any = SimpleNamespace(identity=identity, chat=False, sampling=sampling)
    asker = Asker(task, teacher, Style())
    data = load_data(task, farm.data).with_validation()
    made = [
        asker.prompt(example) for split in ("train", "validation") for example in data.splits[split]
    ]
    with AnswerStore(out / "answers.sqlite", readonly=True) as store:
        finished = store.finished([prompt.id for prompt in made])
    return {
        hashlib.sha256(prompt.text.encode()).hexdigest() for prompt in made if prompt.id in finished
    }


def test_faults_lose_no_row_and_what_failed_is_listed(farm: Farm, serve: Serve, cli: Cli) -> None:
    farm.write([{**row, "sound": f"{row['sound']} {n}"} for n in range(6) for row in farm.rows])
    url = serve("--faults", "0.2", "--seed", "3")
    arguments = flags(farm, url)
    arguments += [
        "--prompts-per-request",
        "2",
        "--request-timeout",
        "1",
        "--max-attempts",
        "3",
        "--out",
        farm.folder / "asked",
    ]
    done = cli("generate", *arguments, "--json")
    results = json.loads(done.stdout)
    rows = sum(split["rows"] for split in results["splits"].values())
    outcomes = sum((Counter(split["outcomes"]) for split in results["splits"].values()), Counter())
    assert rows == sum(outcomes.values()) == 432
    assert outcomes["ok"] > 380
    assert results["failed"] == outcomes["failed"] == sum(count for _, count in results["failures"])
    assert done.returncode == (1 if results["failed"] else 0)
    assert results["status"] == ("incomplete" if results["failed"] else "done")
    for reason, _ in results["failures"]:
        assert "attempts" in reason
    again = ask(farm, serve(), prompts_per_request=2)
    assert again["failed"] == 0
    assert again["new"] == results["failed"]
    assert sum((Counter(s["outcomes"]) for s in again["splits"].values()), Counter())["failed"] == 0


def test_a_server_that_fails_always_ends_with_every_row_marked(
    farm: Farm, serve: Serve, cli: Cli
) -> None:
    url = serve("--faults", "1.0", "--seed", "1")
    arguments = flags(farm, url)
    arguments += [
        "--request-timeout",
        "0.5",
        "--max-attempts",
        "1",
        "--out",
        farm.folder / "asked",
        "--api",
        "completions",
    ]
    done = cli("generate", *arguments)
    assert done.returncode == 1
    assert " failed: " in done.stdout


def test_a_timeout_and_a_lost_connection_are_told_apart(farm: Farm, serve: Serve) -> None:
    once = {"max_attempts": 1, "max_rows": 2, "prompts_per_request": 1}
    slow = ask(farm, serve("--delay", "3"), request_timeout=0.3, **once)
    assert [reason for reason, _ in slow["failures"]] == ["no answer within --request-timeout"]
    lost = ask(farm, serve("--faults", "1", "--fault", "close"), out=farm.folder / "lost", **once)
    assert [reason for reason, _ in lost["failures"]] == ["no connection: Server disconnected"]


def test_a_prompt_longer_than_the_context_marks_its_row_and_the_run_goes_on(
    farm: Farm, serve: Serve
) -> None:
    rows = [
        *farm.rows[:30],
        {"animal": "duck", "sound": "quack " * 300, "kind": "bird"},
        *farm.rows[30:],
    ]
    farm.write(rows)
    results = ask(farm, serve("--context", "1000"), splits="train,validation,test")
    assert results["failed"] == 1
    assert "context length" in results["failures"][0][0]
    assert sum(split["outcomes"].get("ok", 0) for split in results["splits"].values()) == 80
