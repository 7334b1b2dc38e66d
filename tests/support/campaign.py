"""How long the tests of tests/faults/ attack, and what they count.

`--faults short` is part of every run of the tests, `--faults long` is `make faults`. Each test
counts what it did and what broke. The counts are printed at the end; `--faults-table FILE` also
writes them into a Markdown file, between its marks.
"""

import os
import platform
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

BEGIN = "<!-- campaign: written by make faults -->"
END = "<!-- campaign ends -->"


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


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    reports = [one for many in terminalreporter.stats.values() for one in many]
    found = _by_part(
        value
        for report in reports
        if getattr(report, "when", "") == "teardown"
        for name, value in report.user_properties
        if name == "faults"
    )
    if not found:
        return
    terminalreporter.section("what the attack did, and what broke")
    for one in found:
        terminalreporter.line(f"{one.part}: {_words(one.done)}; broken: {_words(one.broken)}")
    if table := config.getoption("--faults-table"):
        write_table(table, found, long=config.getoption("--faults") == "long")


def _by_part(recorded: Iterable[tuple[str, dict[str, int], dict[str, int]]]) -> list[Counts]:
    """The counts of every part, and of all parts of a file together."""
    parts: dict[str, Counts] = {}
    for name, done, broken in recorded:
        for part in (name, f"{name.partition(':')[0]}, in all"):
            counts = parts.setdefault(part, Counts(part))
            counts.done.update(done)
            counts.broken.update(broken)
    return [parts[part] for part in sorted(parts)]


def write_table(path: Path, found: Sequence[Counts], *, long: bool) -> None:
    """Put the counts between the marks of a Markdown file."""
    command = "make faults" if long else "pytest tests/faults"
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    about = (
        f"`{command}`, {date.today().isoformat()}, {system}, Python {platform.python_version()}:"
    )
    rows = [f"| {one.part} | {_words(one.done)} | {_words(one.broken)} |" for one in found]
    table = "\n".join([BEGIN, about, "", "| attack | done | broken |", "|---|---|---|", *rows, END])
    text = path.read_text(encoding="utf-8")
    assert BEGIN in text
    marked = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    path.write_text(marked.sub(lambda _: table, text), encoding="utf-8")


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
