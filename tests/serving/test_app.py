"""The routes, their limits and their errors."""

import concurrent.futures
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")
pytest.importorskip("torch")

from starlette.testclient import TestClient

from dsbs.config.serve import ServeConfig
from dsbs.core.errors import InputError
from dsbs.runtimes.loaded import LoadedStudent
from dsbs.serving.start import LOG, application, check_flags
from support.farm import Farm
from support.random_students import card_of, save_random_student
from support.server import KnownStudent

ROW = {"animal": "owl", "sound": "hoots"}
Start = Callable[..., TestClient]


def kind(text: str) -> str:
    return "bird" if "owl" in text else "mammal"


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    return save_random_student(Farm(folder, sounds=1), folder / "student")


@pytest.fixture
def start(student: Path, tmp_path: Path) -> Iterator[Start]:
    """Start servers whose student knows every owl."""
    open_clients = []

    def started(*, seconds: float = 0.0, **flags: Any) -> TestClient:
        config = ServeConfig(run=student, out=tmp_path / "out", **flags)
        card = card_of(Farm(tmp_path, sounds=1), student)
        known = LoadedStudent(KnownStudent(card, kind, seconds))
        client = TestClient(application(config, known), raise_server_exceptions=False)
        open_clients.append(client)
        return client.__enter__()

    yield started
    for client in open_clients:
        client.__exit__()


def test_rows_in_labels_and_probabilities_out(start: Start) -> None:
    rows = [{**ROW, "id": 7}, {"animal": "cow", "sound": "moos", "id": 8}]
    found = start().post("/predict", json={"rows": rows, "explain": True}).json()["rows"]
    assert [(one["id"], one["label"], one["source"]) for one in found] == [
        (7, "bird", "student"),
        (8, "mammal", "student"),
    ]
    assert found[0]["probabilities"]["bird"] == pytest.approx(0.9526, abs=1e-4)
    assert found[0]["rationale"].startswith("because of [rationale] owl hoots")


def test_the_chat_route(start: Start) -> None:
    client = start()
    for content in (json.dumps(ROW), "owl hoots", [{"type": "text", "text": "owl hoots"}]):
        messages = [{"role": "system", "content": "x"}, {"role": "user", "content": content}]
        body = {"model": "m", "messages": messages, "logprobs": True, "top_logprobs": 2}
        reply = client.post("/v1/chat/completions", json=body)
        (choice,) = reply.json()["choices"]
        assert choice["message"]["content"] == "bird"
        (token,) = choice["logprobs"]["content"]
        assert [one["token"] for one in token["top_logprobs"]] == ["bird", "mammal"]
        assert token["logprob"] == pytest.approx(-0.0486, abs=1e-4)
        assert reply.headers["x-dsbs-source"] == "student"
        usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
        assert reply.json()["usage"] == usage


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"messages": []}, 400, "must be the user's"),
        ({"messages": [{"role": "user", "content": " "}]}, 400, "no text"),
        ({"messages": [{"role": "user", "content": "x"}], "n": 2}, 400, "n must be 1"),
        ({"messages": [{"role": "user", "content": '{"animal": "owl"}'}]}, 400, "sound"),
        ({"messages": "x"}, 400, "messages"),
        ({"messages": [{"role": "user", "content": "many " * 99}]}, 413, "24 tokens"),
        ({"messages": [{"role": "user", "content": "x" * 3000}]}, 413, "2,000 bytes"),
    ],
)
def test_bad_calls_get_one_sentence(
    start: Start, body: dict[str, Any], status: int, message: str
) -> None:
    reply = start(max_body=2000).post("/v1/chat/completions", json=body)
    assert reply.status_code == status
    assert message in reply.json()["error"]["message"]


def test_too_many_rows_and_unknown_fields(start: Start) -> None:
    client = start(max_rows=2)
    assert client.post("/predict", json={"rows": [ROW] * 3}).status_code == 413
    assert client.post("/predict", json={"rows": [ROW], "colour": 1}).status_code == 400


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("application/json", b"{", "body: it is no JSON"),
        ("application/json; charset=utf-8", b"[" * 100_000, "body: it is no JSON"),
        ("application/json", b"[]", "body: Input should be a valid dictionary"),
        ("text/plain", b'{"rows": []}', "content-type: it must be application/json"),
        ("", b'{"rows": []}', "content-type: it must be application/json"),
    ],
)
def test_bodies_that_are_no_calls(start: Start, kind: str, content: bytes, message: str) -> None:
    reply = start().post("/predict", content=content, headers={"content-type": kind})
    assert reply.status_code == 400
    assert reply.json()["error"]["message"].startswith(message)


def test_an_error_that_nobody_has_foreseen(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(KnownStudent, "score")
    client = start()
    assert client.post("/predict", json={"rows": [ROW]}).status_code == 500
    assert client.get("/health").status_code == 200


def test_health_metrics_models_and_openapi(start: Start) -> None:
    client = start()
    client.post("/predict", json={"rows": [ROW]})
    health = client.get("/health").json()
    assert (health["status"], health["contract"], health["teacher"]) == ("ok", "none", "none")
    assert 'dsbs_rows_total{source="student"} 1.0' in client.get("/metrics").text
    assert client.get("/v1/models").json()["data"][0]["id"] == "student"
    assert "/predict" in client.get("/openapi.json").json()["paths"]


def test_a_key_from_the_environment(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSBS_SERVE_KEY", "a-secret-key")
    client = start()
    body = {"rows": [ROW]}
    assert client.get("/health").status_code == 200
    assert client.post("/predict", json=body).status_code == 401
    wrong = client.post("/predict", json=body, headers={"authorization": "Bearer other"})
    assert wrong.status_code == 401
    right = {"authorization": "Bearer a-secret-key"}
    assert client.post("/predict", json=body, headers=right).status_code == 200


def test_the_log_has_no_inputs_unless_asked(start: Start, tmp_path: Path) -> None:
    client = start()
    client.post("/predict", json={"rows": [ROW]})
    (line,) = (tmp_path / "out" / LOG).read_text().splitlines()
    assert json.loads(line)["labels"] == ["bird"]
    assert "hoots" not in line
    client = start(log_inputs=True)
    client.post("/predict", json={"rows": [ROW]})
    last = (tmp_path / "out" / LOG).read_text().splitlines()[-1]
    assert json.loads(last)["inputs"] == ["owl hoots"]


def test_overload_is_told_and_the_rest_shares_batches(start: Start) -> None:
    client = start(seconds=0.2, max_waiting=8, batch_size=4)
    known = [{"animal": name, "sound": "x"} for name in ("owl", "cow")]

    def ask(_: int) -> Any:
        return client.post("/predict", json={"rows": known})

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(ask, range(16)))
    statuses = [reply.status_code for reply in replies]
    assert set(statuses) == {200, 503}
    for reply in replies:
        if reply.status_code == 503:
            assert int(reply.headers["retry-after"]) >= 1
        else:
            assert [row["label"] for row in reply.json()["rows"]] == ["bird", "mammal"]


def test_a_call_that_takes_too_long_is_ended(start: Start) -> None:
    client = start(seconds=0.5, timeout=0.1)
    reply = client.post("/predict", json={"rows": [ROW]})
    assert reply.status_code == 503
    assert reply.headers["retry-after"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"shadow": True}, "--shadow"),
        ({"audit": 0.1, "teacher_url": "http://x/v1"}, "--audit"),
        ({"teacher_url": "http://x/v1"}, "--contract"),
    ],
)
def test_flags_that_do_not_go_together(student: Path, flags: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_flags(ServeConfig(run=student, **flags))
