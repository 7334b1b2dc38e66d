"""How long the tests of tests/faults/ attack, and what they count.

`--faults short` is part of every run of the tests, `--faults long` is `make faults`. Each test
counts what it did and what broke. The counts are printed at the end; `--faults-table FILE` also
writes them into a Markdown file, between its marks, after each test. What was tried before and is
not tried now keeps its row, so a long campaign can be run in parts.
"""

import os
import platform
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

BEGIN = "<!-- campaign: written by make faults -->"
END = "<!-- campaign ends -->"
_ROW = re.compile(r"^\| ([a-z][^|]*: [^|]*) \|.*$", re.MULTILINE)


Recorded = tuple[str, dict[str, int], dict[str, int]]
"""What a test hands on: its part, what it did, what broke."""


@dataclass(frozen=True)
class Scale:
    """How much is tried."""

    long: bool

    def __call__(self, short: int, long: int) -> int:
        return long if self.long else short


@dataclass
class Counts:
    """What a test did, and what broke. All of `broken` must stay 0."""

    part: str
    done: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    first: list[str] = field(default_factory=list)
    """The first few things that broke, in words."""

    def must_stay_zero(self, *names: str) -> None:
        self.broken.update(dict.fromkeys(names, 0))

    def broke(self, name: str, what: object, count: int = 1) -> None:
        self.broken[name] += count
        if count and len(self.first) < 5:
            self.first.append(f"{name}: {what}")

    def check(self) -> None:
        assert not +self.broken, "\n".join(self.first)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", choices=["short", "long"], default="short")
    parser.addoption("--faults-table", type=Path, help="Markdown file that gets the counts")


@pytest.fixture(scope="session")
def scale(request: pytest.FixtureRequest) -> Scale:
    return Scale(request.config.getoption("--faults") == "long")


@pytest.fixture
def counts(request: pytest.FixtureRequest, record_property: Any) -> Iterator[Counts]:
    """The counts of a test, under its name: those of `test_crash.py::test_train` are `crash: train`."""
    node = request.node
    words = f"{node.path.stem.removeprefix('test_')}: {node.originalname.removeprefix('test_')}"
    found = Counts(words.replace("_", " "))
    yield found
    record_property("faults", [found.part, dict(found.done), dict(found.broken)])


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--faults-table")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(path, long=config.getoption("--faults") == "long"))


class Table:
    """The rows of a Markdown file, by part. A part's tests of this run count together."""

    def __init__(self, path: Path, *, long: bool) -> None:
        self._path = path
        self._form = "long" if long else "short"
        self._found: list[Recorded] = []
        text = path.read_text(encoding="utf-8")
        assert BEGIN in text
        self._head, _, rest = text.partition(BEGIN)
        table, _, self._tail = rest.partition(END)
        self._rows = {found.group(1): found.group() for found in _ROW.finditer(table)}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if values := recorded([report]):
            self._found += values
            self._write()

    def _write(self) -> None:
        system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        about = f"`make faults` on {system}:"
        when = f"{date.today().isoformat()}, {self._form}, {os.cpu_count()} cores"
        for one in by_part(self._found):
            cells = (one.part, in_words(one.done), in_words(one.broken), when)
            self._rows[one.part] = f"| {' | '.join(cells)} |"
        rows = [self._rows[part] for part in sorted(self._rows)]
        table = [BEGIN, about, "", "| attack | done | broken | run |", "|---|---|---|---|", *rows]
        text = self._head + "\n".join([*table, END]) + self._tail
        self._path.write_text(text, encoding="utf-8")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    found = recorded(one for many in terminalreporter.stats.values() for one in many)
    if not found:
        return
    terminalreporter.section("what the attack did, and what broke")
    for one in by_part(
        [*found, *((f"{part.partition(':')[0]}, in all", *two) for part, *two in found)]
    ):
        terminalreporter.line(f"{one.part}: {in_words(one.done)}; broken: {in_words(one.broken)}")


def recorded(reports: Iterable[Any]) -> list[Recorded]:
    """The counts of tests that have ended: part, done, broken."""
    return [
        tuple(value)
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for name, value in report.user_properties
        if name == "faults"
    ]


def by_part(found: Iterable[Recorded]) -> list[Counts]:
    """The counts of every part."""
    parts: dict[str, Counts] = {}
    for part, done, broken in found:
        counts = parts.setdefault(part, Counts(part))
        counts.done.update(done)
        counts.broken.update(broken)
    return [parts[part] for part in sorted(parts)]


def in_words(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
