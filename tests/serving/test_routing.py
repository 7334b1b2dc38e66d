"""Student, teacher, or both: under a contract, in shadow, under audit, and with a bad teacher."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")
pytest.importorskip("openai")
pytest.importorskip("torch")

from starlette.testclient import TestClient

from dsbs.config.serve import ServeConfig
from dsbs.core.errors import InputError
from dsbs.runtimes.loaded import LoadedStudent
from dsbs.serving.start import LOG, application
from support.farm import Farm
from support.random_students import card_of, save_random_student
from support.served_farm import Serve
from support.server import FAULTS, KnownStudent, save_contract

ROWS = [{"animal": name, "sound": "says something"} for name in ("duck", "crow", "robin", "bat")]
Start = Callable[..., TestClient]


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("routed")
    return save_random_student(Farm(folder, sounds=1), folder / "student")


@pytest.fixture
def start(student: Path, tmp_path: Path) -> Iterator[Start]:
    """Start servers whose student says "mammal" with probability 0.95 always."""
    clients = []

    def started(url: str | None, *, threshold: float | None = 0.99, **flags: Any) -> TestClient:
        contract = None
        if threshold is not None:
            contract = tmp_path / "contract" / "contract.json"
            if not contract.exists():
                save_contract(student, tmp_path / "contract", threshold=threshold)
        given = {"teacher": "model", "teacher_timeout": 10.0} | flags
        config = ServeConfig(
            run=student, out=tmp_path / "out", contract=contract, teacher_url=url, **given
        )
        known = KnownStudent(card_of(Farm(tmp_path, sounds=1), student), lambda text: "mammal")
        client = TestClient(application(config, LoadedStudent(known)))
        clients.append(client)
        return client.__enter__()

    yield started
    for client in clients:
        client.__exit__()


def ask(client: TestClient, rows: list[dict[str, str]] = ROWS) -> list[dict[str, Any]]:
    reply = client.post("/predict", json={"rows": rows})
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["rows"]
    return found


def events(folder: Path, name: str) -> list[dict[str, Any]]:
    lines = (folder / "out" / LOG).read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == name]


def test_rows_below_the_threshold_go_to_the_teacher_once(
    start: Start, serve: Serve, tmp_path: Path
) -> None:
    seen = tmp_path / "seen.txt"
    client = start(serve("--log", seen))
    first = ask(client)
    assert {row["source"] for row in first} == {"teacher"}
    assert {row["label"] for row in first} == {"bird", "mammal"}
    assert ask(client) == first
    client.__exit__()
    again = start(serve("--log", seen))
    assert ask(again) == first
    assert len(seen.read_text().split()) == len(set(seen.read_text().split())) == len(ROWS)


def test_rows_above_the_threshold_are_the_students(start: Start, serve: Serve) -> None:
    found = ask(start(serve(), threshold=0.9))
    assert [(row["label"], row["source"]) for row in found] == [("mammal", "student")] * 4


def test_another_student_is_refused(start: Start, student: Path, tmp_path: Path) -> None:
    path = save_contract(student, tmp_path / "contract", threshold=0.9)
    other = save_random_student(Farm(tmp_path, sounds=1), tmp_path / "other", "flan-tied")
    with pytest.raises(InputError, match="make a new one: dsbs contract --run"):
        application(ServeConfig(run=other, contract=path))


@pytest.mark.parametrize("fault", ["down", "hang"])
@pytest.mark.parametrize("policy", ["503", "local"])
def test_a_teacher_that_is_down_is_told_within_two_seconds(
    start: Start, serve: Serve, fault: str, policy: str
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    if fault == "hang":
        url = serve("--faults", "1", "--fault", "hang")
    client = start(url, teacher_down=policy, teacher_timeout=1.0)
    started = time.monotonic()
    reply = client.post("/predict", json={"rows": ROWS[:1]})
    assert time.monotonic() - started < 2
    if policy == "503":
        assert reply.status_code == 503
        assert reply.headers["retry-after"] == "1"
    else:
        (row,) = reply.json()["rows"]
        assert (row["label"], row["source"]) == ("mammal", "student")
        assert row["marked"]


def test_a_faulty_teacher_costs_retries_and_no_wrong_answer(
    start: Start, serve: Serve, tmp_path: Path
) -> None:
    right = ask(start(serve()))
    client = start(
        serve("--faults", "0.2", "--seed", "3", "--fault", *FAULTS), store=tmp_path / "other.sqlite"
    )
    for row, wanted in zip(ROWS, right, strict=True):
        for _ in range(20):
            reply = client.post("/predict", json={"rows": [row]})
            if reply.status_code == 200:
                break
            assert reply.status_code == 503
        (found,) = reply.json()["rows"]
        assert (found["label"], found["source"]) == (wanted["label"], "teacher")


@pytest.mark.parametrize("policy", ["503", "local"])
def test_an_answer_without_a_usable_label_is_paid_once_and_counted(
    start: Start, serve: Serve, tmp_path: Path, policy: str
) -> None:
    seen = tmp_path / "seen.txt"
    url = serve("--faults", "1", "--fault", "unsure", "--log", seen)
    client = start(url, teacher_down=policy)
    for _ in range(2):
        reply = client.post("/predict", json={"rows": ROWS[:1]})
        if policy == "503":
            assert reply.status_code == 502
            assert "retry-after" not in reply.headers
            assert "no usable label" in reply.json()["error"]["message"]
        else:
            assert "no usable label" in reply.json()["rows"][0]["marked"]
    assert len(seen.read_text().split()) == 1
    assert "dsbs_teacher_unusable_total 2.0" in client.get("/metrics").text


def test_the_usage_of_a_call_is_that_of_who_answered(start: Start, serve: Serve) -> None:
    body = {"messages": [{"role": "user", "content": json.dumps(ROWS[0])}]}
    client = start(serve())
    for _ in range(2):  # the second comes from the store
        usage = client.post("/v1/chat/completions", json=body).json()["usage"]
        assert usage == {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    usage = start(serve(), threshold=None).post("/v1/chat/completions", json=body).json()["usage"]
    assert usage == {"prompt_tokens": 4, "completion_tokens": 1, "total_tokens": 5}


def test_in_shadow_the_teacher_answers_and_the_student_is_logged(
    start: Start, serve: Serve, tmp_path: Path
) -> None:
    found = ask(start(serve(), threshold=None, shadow=True))
    assert {row["source"] for row in found} == {"teacher"}
    logged = events(tmp_path, "shadow")
    assert [event["student"] for event in logged] == ["mammal"] * 4
    teachers = {row["label"] for row in found}
    assert {event["teacher"] for event in logged} == teachers
    assert all(event["agrees"] == (event["teacher"] == "mammal") for event in logged)


def test_an_audit_withdraws_the_contract_and_it_stays_withdrawn(
    start: Start, serve: Serve, tmp_path: Path
) -> None:
    url = serve()
    client = start(url, threshold=0.9, audit=1.0)
    # The teacher's label follows from the length of its prompt; these it calls birds.
    teachers = {row["animal"]: None for row in ROWS}
    shadow = start(url, threshold=None, shadow=True, store=tmp_path / "other.sqlite")
    for row, found in zip(ROWS, ask(shadow), strict=True):
        teachers[row["animal"]] = found["label"]
    bird = next(row for row in ROWS if teachers[row["animal"]] == "bird")
    for number in range(400):
        if client.get("/health").json()["contract"] == "withdrawn":
            break
        (found,) = ask(client, [{**bird, "sound": f"says {number:03}"}])
        time.sleep(0.01)
    assert client.get("/health").json()["contract"] == "withdrawn"
    assert len(events(tmp_path, "contract withdrawn")) == 1
    (found,) = ask(client, [bird])
    assert (found["source"], found["label"]) == ("teacher", "bird")
    assert "dsbs_contract_withdrawn 1.0" in client.get("/metrics").text
    client.__exit__()
    (found,) = ask(start(url, threshold=0.9), [bird])
    assert found["source"] == "teacher"
