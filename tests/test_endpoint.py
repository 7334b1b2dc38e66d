"""A teacher over HTTP: nothing is paid for twice, nothing is lost, and what is wrong is told in one line."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest
from conftest import ROOT, Cli, Farm

from dsbs import api
from dsbs.artifacts.answer_store import AnswerStore
from dsbs.core.errors import InputError
from dsbs.data.load import load_data
from dsbs.labeling.requests import Asker, Style
from dsbs.tasks.prompts import load_task, prompt_prefix, render_prompt
from dsbs.teachers.protocol import Sampling

Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start loopback servers: `serve("--faults", "0.2")` gives a base URL."""
    servers = []

    def start(*options: Any) -> str:
        command = [sys.executable, str(ROOT / "tests" / "loopback.py"), *map(str, options)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        servers.append(server)
        assert server.stdout is not None
        return f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"

    yield start
    for server in servers:
        server.kill()
        server.wait()


def ask(farm: Farm, url: str, **settings: Any) -> dict[str, Any]:
    """Label train and validation of the farm through a server."""
    shared = {
        "task": str(farm.task),
        "data": farm.data,
        "teacher": "endpoint",
        "model": "model",
        "base_url": url,
    }
    return api.generate(**shared | {"out": farm.folder / "asked"} | settings)


def seen(log: Path) -> Counter[str]:
    """How often the server saw each prompt."""
    return Counter(log.read_text().split()) if log.exists() else Counter()


def prompts(farm: Farm, splits: tuple[str, ...] = ("train", "validation")) -> dict[str, str]:
    """Hash of the prompt of every example, as the server logs it, by example id."""
    task = load_task(str(farm.task))
    prefix, data = prompt_prefix(task), load_data(task, farm.data).with_validation()
    rows = [e for split in splits for e in data.splits[split]]  # type: ignore[index]
    return {e.id: hashlib.sha256(render_prompt(task, e, prefix).encode()).hexdigest() for e in rows}


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
    """The trace has a blank line, which stops continued text, and it argues for another label before the right one."""
    results = ask(farm, serve("--chat", "--reasoning", form))
    assert results["splits"]["train"]["outcomes"] == {"ok": 64}
    for row in pq.read_table(farm.folder / "asked" / "data" / "train.parquet").to_pylist():
        assert row["rationale"] in ("It has feathers.", "It has fur.")
    for row in api.answers("list", store=farm.folder / "asked" / "answers.sqlite")["answers"]:
        assert "Does it lay eggs?" in ((row["reasoning"] or "") if form == "apart" else row["text"])


def test_long_rationales_are_capped_on_request_without_asking_again(
    farm: Farm, serve: Serve
) -> None:
    url = serve()
    assert ask(farm, url)["splits"]["train"]["rationale_words"]["mean"] == 3
    capped = ask(
        farm,
        url,
        out=farm.folder / "capped",
        store=farm.folder / "asked" / "answers.sqlite",
        max_rationale_words=2,
    )
    assert (capped["new"], capped["splits"]["train"]["rationale_words"]["capped"]) == (0, 64)
    rows = pq.read_table(farm.folder / "capped" / "data" / "train.parquet").to_pylist()
    assert {row["rationale"] for row in rows} == {"It has"}


def test_only_what_changed_is_asked(farm: Farm, serve: Serve, tmp_path: Path) -> None:
    """Appended rows: those. Parsing: nothing. The server's address: nothing. A word of a demonstration: everything."""
    log = tmp_path / "seen"
    url = serve("--log", log)
    farm.write(farm.rows[:60])
    first = ask(farm, url)
    assert first["new"] == sum(seen(log).values()) == 54
    before = seen(log)
    farm.write(farm.rows)
    appended = ask(farm, url)
    assert (appended["new"], appended["reused"]) == (18, 54)
    new = seen(log) - before
    assert sum(new.values()) == 18
    assert not set(new) & set(before)

    farm.task.write_text(
        farm.task.read_text().replace('ends: ["Animal:"]', 'ends: ["Animal:", "feathers"]')
    )
    reparsed = ask(farm, url)
    assert (reparsed["new"], reparsed["reused"]) == (0, 72)
    assert reparsed["splits"]["train"]["outcomes"] != appended["splits"]["train"]["outcomes"]

    assert ask(farm, serve("--log", tmp_path / "other"))["new"] == 0
    assert sum(seen(tmp_path / "other").values()) == 0

    farm.task.write_text(farm.task.read_text().replace("It lays eggs.", "It lays brown eggs."))
    assert ask(farm, url)["new"] == 72
    # The old answers are kept: the old words ask for nothing.
    farm.task.write_text(farm.task.read_text().replace("It lays brown eggs.", "It lays eggs."))
    assert ask(farm, url)["new"] == 0


@pytest.mark.parametrize(
    "change", [{"temperature": 0.5}, {"max_new_tokens": 17}, {"revision": "r2"}, {"top_p": 0.9}]
)
def test_what_changes_the_text_is_part_of_the_key(
    farm: Farm, serve: Serve, change: dict[str, Any], tmp_path: Path
) -> None:
    url, store = serve(), tmp_path / "shared.sqlite"
    assert ask(farm, url, store=store)["new"] == 72
    assert (
        ask(farm, url, store=store, out=tmp_path / "again", concurrency=3, price_in=1.0)["new"] == 0
    )
    assert ask(farm, url, store=store, out=tmp_path / "changed", **change)["new"] == 72


def test_killed_25_times_every_row_is_answered_once(tmp_path: Path, serve: Serve) -> None:
    farm = Farm(tmp_path, sounds=139)  # 2,224 rows; train and validation are 2,001 or 2,002
    log = tmp_path / "seen"
    url = serve("--log", log, "--delay", "0.25")
    out = tmp_path / "asked"
    command = [
        sys.executable,
        "-m",
        "dsbs.generate",
        "--task",
        farm.task,
        "--data",
        farm.data,
        "--teacher",
        "endpoint",
    ]
    command += [
        "--model",
        "model",
        "--base-url",
        url,
        "--prompts-per-request",
        "4",
        "--concurrency",
        "4",
        "--out",
        out,
    ]
    hashes = prompts(farm)
    assert len(hashes) >= 2000
    rng = random.Random(1)
    unstored_sends: Counter[str] = Counter()
    stored: set[str] = set()
    for life in range(25):
        before = seen(log)
        process = subprocess.Popen(
            [*map(str, command)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        if life % 5:  # most kills hit a run that is asking, the others one that starts
            while seen(log) == before and process.poll() is None:
                time.sleep(0.05)
        time.sleep(rng.uniform(0.0, 1.5))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(0.3)  # what the server was sent it still logs
        sent = seen(log) - before
        assert not set(sent) & stored, "a stored answer was requested again"
        stored = stored_prompts(farm, out)
        unstored_sends.update(prompt for prompt in sent if prompt not in stored)
    assert 200 < len(stored) < len(hashes), "the kills must hit a run that works"
    assert unstored_sends, "some kill must hit requests in flight"
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [
        row for path in (out / "data").glob("*.parquet") for row in pq.read_table(path).to_pylist()
    ]
    assert Counter(row["id"] for row in rows) == Counter(hashes.keys())
    assert {row["outcome"] for row in rows} == {"ok"}
    # Whatever was sent more than once was in flight at a kill, each time but the last.
    for prompt, count in seen(log).items():
        assert count <= 1 + unstored_sends[prompt]
    assert (
        sum(unstored_sends.values()) <= 25 * 5 * 4
    )  # four requests of four prompts, and one answered but not committed


def stored_prompts(farm: Farm, out: Path) -> set[str]:
    """Hashes of the prompts to which the store has an answer, by their keys."""
    if not (out / "answers.sqlite").exists():
        return set()
    task = load_task(str(farm.task))
    teacher: Any = SimpleNamespace(identity={"model": "model", "revision": None}, chat=False)
    asker = Asker(task, teacher, Sampling(stop=task.prompt.stop), Style())
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
    arguments = [
        "--task",
        farm.task,
        "--data",
        farm.data,
        "--teacher",
        "endpoint",
        "--model",
        "model",
        "--base-url",
        url,
    ]
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
    assert results["status"] == ("failed" if results["failed"] else "done")
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
    arguments = [
        "--task",
        farm.task,
        "--data",
        farm.data,
        "--teacher",
        "endpoint",
        "--model",
        "model",
        "--base-url",
        url,
    ]
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
    assert [reason.split(":")[0] for reason, _ in slow["failures"]] == ["APITimeoutError"]
    lost = ask(farm, serve("--faults", "1", "--fault", "close"), out=farm.folder / "lost", **once)
    assert [reason for reason, _ in lost["failures"]] == ["APIConnectionError: Server disconnected"]


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


def test_two_processes_share_a_store(farm: Farm, serve: Serve, tmp_path: Path) -> None:
    log, store = tmp_path / "seen", tmp_path / "shared.sqlite"
    url = serve("--log", log, "--delay", "0.02")
    shared = [
        "--task",
        farm.task,
        "--data",
        farm.data,
        "--teacher",
        "endpoint",
        "--model",
        "model",
        "--base-url",
        url,
    ]
    shared += [
        "--store",
        store,
        "--prompts-per-request",
        "1",
        "--concurrency",
        "2",
        "--api",
        "completions",
    ]
    command = [sys.executable, "-m", "dsbs.generate", *shared, "--json", "--out"]
    both = [
        subprocess.Popen([*map(str, command), str(tmp_path / n)], stdout=subprocess.PIPE, text=True)
        for n in "ab"
    ]
    results = [json.loads(process.communicate()[0]) for process in both]
    assert [r["failed"] for r in results] == [0, 0]
    for result in results:
        assert sum(split["outcomes"]["ok"] for split in result["splits"].values()) == 72
    with AnswerStore(store, readonly=True) as opened:
        assert opened.counts()[0]["answers"] == 72
    assert set(seen(log)) == set(prompts(farm).values())


def test_budgets_stop_cleanly_and_the_next_run_goes_on(farm: Farm, serve: Serve) -> None:
    url, small = serve(), {"prompts_per_request": 4, "concurrency": 2}
    money = ask(farm, url, price_in=1000.0, price_out=1000.0, max_cost=2.0, **small)
    assert money["status"] == "stopped"
    assert "--max-cost" in money["stopped"]
    assert 0 < money["new"] < 72
    assert money["cost"] == pytest.approx(money["new"] * 110 / 1000)
    assert money["cost"] <= 2.0
    tokens = ask(farm, url, max_tokens=1500, **small)
    assert tokens["reused"] == money["new"]
    assert tokens["new"] * 110 <= 1500
    rows = ask(farm, url, max_rows=30)
    assert rows["splits"]["train"]["rows"] == 30
    whole = ask(farm, url)
    assert (whole["status"], whole["failed"]) == ("done", 0)
    assert whole["new"] + whole["reused"] == 72
    assert "stopped" not in whole["splits"]


def test_answers_that_cannot_be_used_stop_a_run_before_it_is_paid_for(
    farm: Farm, serve: Serve
) -> None:
    farm.write([{**row, "sound": f"{row['sound']} {n}"} for n in range(6) for row in farm.rows])
    farm.task.write_text(farm.task.read_text().replace("So it is a", "Hence a"))
    results = ask(
        farm, serve("--delay", "0.01"), max_bad_answers=0.5, prompts_per_request=1, concurrency=4
    )
    assert results["status"] == "stopped"
    assert "--max-bad-answers" in results["stopped"]
    assert results["new"] < 150


def test_a_plan_shows_prompts_tokens_and_money_and_asks_nothing(
    farm: Farm, serve: Serve, tmp_path: Path, cli: Cli
) -> None:
    log = tmp_path / "seen"
    url = serve("--log", log)
    settings = {"price_in": 2.0, "price_out": 8.0, "api": "completions"}
    plan = ask(farm, url, plan=True, tokens_per_second=1000, **settings)["plan"]
    assert (plan["rows"], plan["requests"], plan["reused"]) == (72, 72, 0)
    assert len(plan["prompts"]) == 3
    assert plan["prompts"][0].startswith("Animal: hen clucks")
    assert not plan["tokens_exact"]
    assert plan["cost"] == pytest.approx(
        (plan["prompt_tokens"] * 2 + plan["completion_tokens"] * 8) / 1e6, abs=0.01
    )
    assert plan["seconds"] == pytest.approx(
        (plan["prompt_tokens"] + plan["completion_tokens"]) / 1000, abs=1
    )
    assert not seen(log)
    assert not (farm.folder / "asked").exists()
    ask(farm, url, max_rows=10, **settings)
    again = ask(farm, url, plan=True, **settings)["plan"]
    assert (again["requests"], again["reused"]) == (54, 18)
    assert again["seconds"] is not None  # the rate is now measured
    arguments = [
        "--task",
        farm.task,
        "--data",
        farm.data,
        "--teacher",
        "endpoint",
        "--model",
        "model",
        "--base-url",
        url,
    ]
    shown = cli("generate", *arguments, "--plan", "--out", farm.folder / "asked").stdout
    assert "give --price-in and --price-out" in shown
    assert "requests to send" in shown


def test_several_servers_share_the_work(farm: Farm, serve: Serve, tmp_path: Path) -> None:
    logs = [tmp_path / "a", tmp_path / "b"]
    urls = ",".join(serve("--log", log, "--delay", "0.05") for log in logs)
    assert ask(farm, urls, prompts_per_request=2)["new"] == 72
    counts = [sum(seen(log).values()) for log in logs]
    assert sum(counts) == 72
    assert min(counts) > 15


def test_what_no_request_can_change_is_told_at_once(
    farm: Farm, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        InputError, match=r"--base-url http://127.0.0.1:9/v1: got APIConnectionError"
    ):
        ask(farm, "http://127.0.0.1:9/v1")
    with pytest.raises(InputError, match=r"--model modle: .* did you mean 'model'"):
        ask(farm, serve(), model="modle")
    monkeypatch.setenv("DSBS_API_KEY", "wrong-secret")
    with pytest.raises(InputError, match="set DSBS_API_KEY") as caught:
        ask(farm, serve("--key", "right-secret"))
    assert "secret" not in str(caught.value).replace("no such key", "")
    monkeypatch.setenv("DSBS_API_KEY", "right-secret")
    assert ask(farm, serve("--key", "right-secret"))["new"] == 72
    for path in (farm.folder / "asked").rglob("*"):
        assert path.is_dir() or b"right-secret" not in path.read_bytes(), path


def test_a_server_that_ignores_a_schema_is_refused(farm: Farm, serve: Serve) -> None:
    with pytest.raises(InputError, match="got free text; expected an answer held to a schema"):
        ask(farm, serve(), zero_shot=True)


def test_a_read_only_folder_and_a_full_disk_are_told_and_what_was_answered_stays(
    farm: Farm, serve: Serve, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", small],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs rights that this user does not have")
    try:
        farm.write(
            [{**row, "sound": f"{row['sound']} {n}"} for n in range(40) for row in farm.rows]
        )
        with pytest.raises(InputError, match="free the disk"):
            ask(farm, serve(), store=small / "store.sqlite", prompts_per_request=2)
        with AnswerStore(small / "store.sqlite", readonly=True) as store:
            assert store.counts()[0]["answers"] > 50
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        with pytest.raises(InputError, match="an answer store to write to"):
            ask(farm, serve(), store=small / "store.sqlite", out=tmp_path / "other")
        with AnswerStore(small / "store.sqlite", readonly=True) as store:
            assert store.counts()[0]["answers"] > 50
    finally:
        subprocess.run(["umount", small], check=False)
