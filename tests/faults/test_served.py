"""A server that is killed again and again under load, while its teacher fails one call in five."""

import concurrent.futures
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from dsbs import api
from support.campaign import Counts, Scale
from support.farm import Farm
from support.random_students import save_random_student
from support.served_farm import Serve
from support.server import FAULTS, Server, save_contract

pytest.importorskip("fastapi")
pytest.importorskip("prometheus_client")
pytest.importorskip("torch")
pytest.importorskip("ctranslate2")
httpx = pytest.importorskip("httpx")

ROWS = [{"animal": "owl", "sound": f"says {number}"} for number in range(40)]
WRONG = "wrong answers"
ODD = "replies that are neither an answer nor 503"
TWICE = "stored answers asked again"
UNANSWERED = "calls without an answer in the end"


class Callers:
    """Calls the server from several threads until told to stop, and counts what comes."""

    def __init__(self, address: str, wanted: Mapping[int, str], counts: Counts) -> None:
        self._address = address
        self._wanted = wanted
        self._counts = counts
        self._lock = threading.Lock()
        self.stop = threading.Event()
        self.answered: Counter[int] = Counter()

    def call(self, first: int) -> None:
        """Ask for every row in turn. A cut or refused call is tried again at once."""
        number = first
        while not self.stop.is_set():
            if self._ask(number):
                number = (number + 1) % len(ROWS)

    def _ask(self, number: int) -> bool:
        try:
            reply = httpx.post(
                f"{self._address}/predict", json={"rows": [ROWS[number]]}, timeout=10
            )
        except httpx.TransportError:
            self._count("calls that were cut")
            time.sleep(0.05)
            return False
        if reply.status_code == 503:
            self._count("calls turned away")
            return False
        with self._lock:
            if reply.status_code != 200:
                self._counts.broke(ODD, f"{reply.status_code}: {reply.text[:300]}")
                return True
            self._counts.done["answers"] += 1
            self.answered[number] += 1
            label = reply.json()["rows"][0]["label"]
            if label != self._wanted[number]:
                self._counts.broke(WRONG, f"{ROWS[number]}: {label}")
        return True

    def _count(self, name: str) -> None:
        with self._lock:
            self._counts.done[name] += 1


def test_kills_of_a_server(serve: Serve, tmp_path: Path, scale: Scale, counts: Counts) -> None:
    counts.must_stay_zero(WRONG, ODD, TWICE, UNANSWERED)
    farm = Farm(tmp_path, sounds=1)
    student = save_random_student(farm, tmp_path / "student")
    export = tmp_path / "export"
    api.export(run=student, to="ctranslate2", out=export, latency_repeats=0)
    contract = save_contract(export, tmp_path / "contract", threshold=2.0)
    flags = ["--run", export, "--contract", contract, "--teacher", "model"]
    flags += ["--teacher-timeout", "5"]
    seen = tmp_path / "seen.txt"
    sound = Server(*flags, "--teacher-url", serve(), "--out", tmp_path / "sound")
    reply = httpx.post(f"{sound.address}/predict", json={"rows": ROWS}, timeout=60)
    assert reply.status_code == 200, reply.text
    wanted = {number: row["label"] for number, row in enumerate(reply.json()["rows"])}
    sound.kill()
    faulty = serve("--faults", "0.2", "--log", seen, "--delay", "0.02", "--fault", *FAULTS)
    flags += ["--teacher-url", faulty, "--out", tmp_path / "out"]
    server = Server(*flags, port=sound.port)
    callers = Callers(server.address, wanted, counts)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(callers.call, first) for first in range(0, len(ROWS), 5)]
        for _ in range(scale(2, 100)):
            time.sleep(0.5)
            server.kill()
            counts.done["kills"] += 1
            server = Server(*flags, port=sound.port)
        until = time.monotonic() + 30
        while len(callers.answered) < len(ROWS) and time.monotonic() < until:
            time.sleep(0.1)
        callers.stop.set()
    for future in asking:
        future.result()
    counts.broke(UNANSWERED, "", len(ROWS) - len(callers.answered))
    before = len(seen.read_text().split())
    httpx.post(f"{server.address}/predict", json={"rows": ROWS}, timeout=10)
    counts.broke(TWICE, "", len(seen.read_text().split()) - before)
    server.kill()
    counts.check()
