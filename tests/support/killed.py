"""Kill a stage again and again, and look at what it has left."""

import contextlib
import json
import random
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from dsbs.core.checksums import damage
from support.campaign import Counts
from support.disturbed import Disturbance, Ended, Started, run

WAYS = ("call", "write", "SIGKILL", "SIGTERM", "SIGINT")
MOST_KILLS = 4
"""Kills of one run before it may end."""

HALF = "half files read as whole"
CHILDREN = "children left"
TRACEBACKS = "tracebacks"
DIFFERENT = "results that differ"
STUCK = "commands that do not go on"

_IGNORED = re.compile(r"^Exception ignored in.*\nTraceback", re.MULTILINE)

Outcome = dict[str, Any]
"""What must be the same with and without kills, by name."""


@dataclass(frozen=True)
class Victim:
    """A stage that is killed."""

    arguments: Callable[[Path], Sequence[object]]
    """Its command for a run folder (or file) of this name."""
    outcome: Callable[[Path, Ended], Outcome]
    """What came of a run that ended."""
    after: Callable[[Path, Counts], None] = lambda folder, counts: None
    """Looks at what a kill has left."""
    different: str = DIFFERENT
    extra: Sequence[str] = field(default_factory=tuple)
    """What else must stay 0."""


def kill_often(victim: Victim, folder: Path, counts: Counts, kills: int, seed: int = 0) -> None:
    """Kill a stage so many times. After each kill the same command runs again, and in the end its
    results are those of a run that nobody killed.
    """
    rng = random.Random(seed)
    counts.must_stay_zero(*victim.extra, victim.different, HALF, CHILDREN, TRACEBACKS, STUCK)
    whole = folder / "whole"
    undisturbed = run(victim.arguments(whole), whole)
    assert undisturbed.code == 0, undisturbed.said
    _look(victim, whole, undisturbed, counts)
    wanted = victim.outcome(whole, undisturbed)
    size = max((p.stat().st_size for p in _files(whole)), default=10_000)
    number = 0
    before = counts.done["kills"]
    while counts.done["kills"] - before < kills:
        number += 1
        out = folder / f"run-{number}"
        for _ in range(rng.randint(1, MOST_KILLS)):
            if counts.done["kills"] - before < kills:
                ended = _kill(victim, out, rng, undisturbed, size)
                counts.done["starts"] += 1
                counts.done["kills"] += ended.killed
                _look(victim, out, ended, counts)
        ended = run(victim.arguments(out), out)
        counts.done["starts"] += 1
        _look(victim, out, ended, counts)
        if ended.code != 0:
            counts.broke(STUCK, ended.said[-800:])
            continue
        found = victim.outcome(out, ended)
        for name in wanted.keys() | found.keys():
            if wanted.get(name) != found.get(name):
                counts.broke(victim.different, f"{name} of {out.name}, {ended.said[-500:]}")
        remove(out)


def _kill(victim: Victim, out: Path, rng: random.Random, undisturbed: Ended, size: int) -> Ended:
    way = rng.choice(WAYS)
    disturbance = Disturbance(
        at_call=rng.randint(1, max(1, undisturbed.calls)) if way == "call" else 0,
        at_byte=rng.randint(1, size) if way == "write" else 0,
    )
    started = Started(victim.arguments(out), out, disturbance)
    if way.startswith("SIG"):
        time.sleep(rng.uniform(0, undisturbed.seconds))
        started.signal(signal.Signals[way])
    return started.end()


def _look(victim: Victim, out: Path, ended: Ended, counts: Counts) -> None:
    """Count what a command has left that it must not leave."""
    counts.broke(CHILDREN, ended.said[-300:], ended.children)
    if has_traceback(ended.said):
        counts.broke(TRACEBACKS, ended.said[-1500:])
    for what in half_files(out):
        counts.broke(HALF, what)
    victim.after(out, counts)


def has_traceback(said: str) -> bool:
    """Whether a command shows a traceback.

    Those that Python itself shows do not count: Ctrl-C in a callback of compiled code is ignored.
    """
    return "Traceback" in _IGNORED.sub("", said)


def half_files(out: Path) -> Iterator[str]:
    """Files under their final names that are not whole."""
    for path in _files(out):
        reader = _READERS.get(path.suffix)
        if reader is None:
            continue
        try:
            reader(path)
        except Exception as error:  # whatever a reader raises
            yield f"{path}: {error}"
    for best in (p for p in [out, *out.rglob("best")] if (p / "dsbs.json").is_file()):
        if why := damage(best):
            yield f"{best}: {why}"


def _files(out: Path) -> list[Path]:
    """Files that a user or another stage would take for finished ones."""
    if out.is_file():
        return [out]
    return [
        path
        for path in out.rglob("*")
        if path.is_file()
        and "checkpoints" not in path.parts  # sealed by checksums
        and not any(part.startswith(".") for part in path.relative_to(out).parts)
    ]


def _html(path: Path) -> None:
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>"), "cut off"


def _svg(path: Path) -> None:
    assert path.read_text(encoding="utf-8").rstrip().endswith("</svg>"), "cut off"


def _png(path: Path) -> None:
    assert b"IEND" in path.read_bytes()[-12:], "cut off"


def _lines(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n"), "cut off"
    for line in text.splitlines():
        json.loads(line)


_READERS: dict[str, Callable[[Path], Any]] = {
    ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
    ".jsonl": _lines,
    ".parquet": pq.read_table,
    ".html": _html,
    ".svg": _svg,
    ".png": _png,
}


def remove(out: Path) -> None:
    """Remove a run folder or file."""
    shutil.rmtree(out, ignore_errors=True)
    with contextlib.suppress(OSError):
        out.unlink()
