"""The server as a process: its first line, real clients, signals and kills."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")
pytest.importorskip("torch")

from support.farm import Farm
from support.random_students import save_random_student
from support.server import Server

ROW = {"animal": "owl", "sound": "hoots"}
CHAT = {"model": "m", "messages": [{"role": "user", "content": json.dumps(ROW)}]}


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("started")
    return save_random_student(Farm(folder, sounds=1), folder / "student")


@pytest.fixture(scope="module")
def server(student: Path) -> Iterator[Server]:
    started = Server("--run", student, env={"DSBS_SERVE_KEY": "a-key-of-ours"})
    yield started
    assert started.end() == 0


def test_the_openai_client(server: Server) -> None:
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(base_url=f"{server.address}/v1", api_key="a-key-of-ours")
    reply = client.chat.completions.create(**CHAT, logprobs=True, top_logprobs=2)
    label = reply.choices[0].message.content
    assert label in ("bird", "mammal")
    assert reply.choices[0].logprobs.content[0].token == label
    chunks = list(client.chat.completions.create(**CHAT, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == label
    *_, last = client.chat.completions.create(
        **CHAT, stream=True, stream_options={"include_usage": True}
    )
    assert last.usage == reply.usage
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert [model.id for model in client.models.list()] == ["student"]
    with pytest.raises(openai.BadRequestError, match="n must be 1"):
        client.chat.completions.create(**CHAT, n=2)
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{server.address}/v1", api_key="x").models.list()


def test_httpx(server: Server) -> None:
    httpx = pytest.importorskip("httpx")
    headers = {"authorization": "Bearer a-key-of-ours"}
    with httpx.Client(base_url=server.address, headers=headers) as client:
        found = client.post("/predict", json={"rows": [ROW, ROW]}).json()["rows"]
    assert found[0]["label"] == found[1]["label"]


def test_curl(server: Server) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl")
    key = ["-H", "authorization: Bearer a-key-of-ours", "-H", "content-type: application/json"]
    body = json.dumps({"rows": [ROW]})
    command = [curl, "-sf", f"{server.address}/predict", *key, "-d", body]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["rows"][0]["label"] in ("bird", "mammal")
