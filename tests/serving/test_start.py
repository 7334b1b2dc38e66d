"""The server as a process: its first line, real clients, signals and kills."""

import concurrent.futures
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")
pytest.importorskip("torch")

from support.farm import Farm
from support.random_students import save_random_student
from support.served_farm import Serve
from support.server import FAULTS, Server, save_contract

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


def test_kills_and_faults_under_load_give_no_wrong_answer(
    student: Path, serve: Serve, tmp_path: Path
) -> None:
    httpx = pytest.importorskip("httpx")
    pytest.importorskip("openai")
    contract = save_contract(student, tmp_path / "contract", threshold=2.0)
    seen = tmp_path / "seen.txt"
    flags = ["--run", student, "--contract", contract, "--teacher", "model"]
    flags += ["--out", tmp_path / "out"]
    right = serve()
    faulty = serve("--faults", "0.2", "--log", seen, "--delay", "0.02", "--fault", *FAULTS)
    rows = [{"animal": "owl", "sound": f"says {number}"} for number in range(40)]
    first = Server(*flags, "--teacher-url", right, "--store", tmp_path / "right.sqlite")
    wanted = httpx.post(f"{first.address}/predict", json={"rows": rows}, timeout=30).json()["rows"]
    port = first.port
    first.kill()
    servers = [Server(*flags, "--teacher-url", faulty, port=port)]
    answered: dict[int, str] = {}
    stop = threading.Event()

    def ask(number: int) -> None:
        while not stop.is_set() and number not in answered:
            try:
                body = {"rows": [rows[number]]}
                reply = httpx.post(f"{first.address}/predict", json=body, timeout=10)
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            assert reply.status_code in (200, 503)
            if reply.status_code == 200:
                answered[number] = reply.json()["rows"][0]["label"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask, number) for number in range(len(rows))]
        for _ in range(2):
            time.sleep(0.3)
            servers[-1].kill()
            servers.append(Server(*flags, "--teacher-url", faulty, port=port))
        done, _ = concurrent.futures.wait(asking, timeout=40)
        stop.set()
    servers[-1].kill()
    assert len(done) == len(rows)
    for future in done:
        future.result()
    assert answered == {number: row["label"] for number, row in enumerate(wanted)}
    before = len(seen.read_text().split())
    last = Server(*flags, "--teacher-url", faulty)
    reply = httpx.post(f"{last.address}/predict", json={"rows": rows}, timeout=10)
    assert [row["label"] for row in reply.json()["rows"]] == [row["label"] for row in wanted]
    assert len(seen.read_text().split()) == before
    assert last.end() == 0
