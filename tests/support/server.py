"""A server in a process of its own, and students for servers in this one."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dsbs.artifacts.results.contract import RowOrigin
from dsbs.artifacts.student_card import StudentCard
from dsbs.contracts.contract import CONTRACT, Contract
from dsbs.contracts.identity import identity_of
from dsbs.student.candidates import Candidates

FAULTS = ("429", "500", "503", "close", "truncated", "empty")
"""Of a teacher, those that are over at once."""


class KnownStudent:
    """Knows the label of an input by a function, and takes a given time for a batch."""

    def __init__(
        self, card: StudentCard, label_of: Callable[[str], str], seconds: float = 0.0
    ) -> None:
        self.card = card
        self._label_of = label_of
        self._seconds = seconds
        self.batches: list[int] = []

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def bare_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, inputs: Sequence[str], **unused: Any) -> list[str]:
        return [f"because of {text}" for text in inputs]

    def score(self, rows: Sequence[Candidates], **unused: Any) -> list[dict[str, float]]:
        self.batches.append(len(rows))
        time.sleep(self._seconds)
        return [
            {label: 0.0 if label == self._label_of(row.input) else -3.0 for label in row.labels}
            for row in rows
        ]


def save_contract(student: Path, folder: Path, *, threshold: float, agree: float = 0.98) -> Path:
    """A contract of a student that answers locally from a threshold on."""
    folder.mkdir(parents=True, exist_ok=True)
    contract = Contract(
        task="farm",
        agree=agree,
        confidence=0.95,
        holds=True,
        threshold=threshold,
        n=1000,
        rows=RowOrigin(source="file", found=1000),
        identity=identity_of(student),
    )
    contract.save(folder / CONTRACT)
    return folder / CONTRACT


class Server:
    """`dsbs serve` as a user starts it."""

    def __init__(self, *arguments: Any, env: dict[str, str] | None = None, port: int = 0) -> None:
        command = [sys.executable, "-m", "dsbs.serve", "--port", str(port), *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address.startswith("http://127.0.0.1:"), self.process.wait(timeout=10)

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=20)
