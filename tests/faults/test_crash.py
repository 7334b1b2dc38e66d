"""Every stage is killed at file-system calls, inside writes, at random moments and by every signal.
The same command then goes on, and ends as if nothing had happened.
"""

import hashlib
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from dsbs.artifacts.answer_store import AnswerStore
from faults.conftest import SPLITS, TRAINING, Made
from support.campaign import Counts, Scale
from support.killed import Outcome, Victim, kill_often
from support.served_farm import Serve, flags, prompts, seen

LOST = "answers lost"
AGAIN = "stored answers asked again"
WEIGHTS = "weights that differ"


def hashes(folder: Path, *patterns: str) -> Outcome:
    """The hash of every file of these patterns, by its place in the folder."""
    found = sorted(path for pattern in patterns for path in folder.glob(pattern))
    assert found, f"{folder} has none of {patterns}"
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
    }


def tables(folder: Path, *patterns: str) -> Outcome:
    """The rows of every Parquet file of these patterns."""
    found = sorted(path for pattern in patterns for path in folder.glob(pattern))
    assert found, f"{folder} has none of {patterns}"
    return {str(path.relative_to(folder)): pq.read_table(path).to_pylist() for path in found}


class Asked:
    """What the teacher's server saw, and what was in the store before."""

    def __init__(self, made: Made, log: Path) -> None:
        self.prompts = prompts(made.farm, ("train", "validation", "test"))
        self.log = log
        self.seen = Counter[str]()
        self.prompt_of: dict[str, str] = {}
        """By key. The first run has asked for everything."""
        self.stored: dict[Path, set[str]] = {}
        """By run: prompts whose answers were in the store when it was last looked at."""

    def look(self, out: Path, counts: Counts) -> None:
        now = seen(self.log)
        before = self.stored.get(out, set())
        counts.broke(AGAIN, out, sum((now - self.seen)[prompt] for prompt in before))
        stored = self._stored(out)
        counts.broke(LOST, out, len(before - stored))
        self.seen = now
        self.stored[out] = stored

    def _stored(self, out: Path) -> set[str]:
        """Prompts with an answer in the store, whatever the list of what its run asks is like."""
        path = out / "answers.sqlite"
        if not path.is_file():
            return set()
        with AnswerStore(path, readonly=True) as store:
            for run_name in store.runs():
                for asked, _ in store.answers(run_name):
                    self.prompt_of[asked.key] = self.prompts[asked.example.id]
            kept = store.finished(list(self.prompt_of))
        return {self.prompt_of[key] for key in kept}


def test_generate(made: Made, serve: Serve, tmp_path: Path, counts: Counts, scale: Scale) -> None:
    log = tmp_path / "seen"
    url = serve("--log", log, "--delay", "0.02")
    asked = Asked(made, log)

    def arguments(out: Path) -> list[object]:
        given = ["generate", *flags(made.farm, url), *SPLITS, "--api", "completions"]
        return [*given, "--concurrency", 4, "--prompts-per-request", 1, "--out", out]

    victim = Victim(
        arguments,
        outcome=lambda out, ended: tables(out, "data/*.parquet"),
        after=asked.look,
        extra=(LOST, AGAIN),
    )
    kill_often(victim, tmp_path, counts, kills=scale(4, 70))
    counts.check()


def test_answers_export(made: Made, tmp_path: Path, counts: Counts, scale: Scale) -> None:
    def arguments(out: Path) -> list[object]:
        out.mkdir(exist_ok=True)
        store = made.answered / "answers.sqlite"
        return ["answers", "export", "--store", store, "--out", out / f"answers.{kind}"]

    for kind, kills in (("jsonl", scale(1, 15)), ("parquet", scale(2, 30))):
        victim = Victim(arguments, outcome=lambda out, ended: hashes(out, "answers.*"))
        folder = tmp_path / kind
        folder.mkdir()
        kill_often(victim, folder, counts, kills)
    counts.check()


def test_train(made: Made, tmp_path: Path, counts: Counts, scale: Scale) -> None:
    victim = Victim(
        lambda out: ["train", "--answers", made.answered, *TRAINING, "--out", out],
        outcome=lambda out, ended: hashes(out, "best/*.safetensors", "best/token*"),
        different=WEIGHTS,
    )
    kill_often(victim, tmp_path, counts, kills=scale(5, 90))
    counts.check()


def test_evaluate(made: Made, tmp_path: Path, counts: Counts, scale: Scale) -> None:
    victim = Victim(
        lambda out: ["evaluate", "--run", made.student, "--out", out],
        outcome=lambda out, ended: tables(out, "predictions.parquet"),
    )
    kill_often(victim, tmp_path, counts, kills=scale(3, 45))
    counts.check()


def test_predict(made: Made, tmp_path: Path, counts: Counts, scale: Scale) -> None:
    victim = Victim(
        lambda out: ["predict", "--run", made.student, "--input", made.farm.data, "--scores"],
        outcome=lambda out, ended: {
            "lines": [line for line in ended.said.splitlines() if line.startswith("{")]
        },
    )
    kill_often(victim, tmp_path, counts, kills=scale(2, 30))
    counts.check()


def test_report(made: Made, tmp_path: Path, counts: Counts, scale: Scale) -> None:
    victim = Victim(
        lambda out: ["report", made.compared, "--out", out],
        outcome=lambda out, ended: hashes(out, "tables/*.csv", "figures/*.png"),
    )
    kill_often(victim, tmp_path, counts, kills=scale(2, 35))
    counts.check()


def test_compare_with_two_jobs(made: Made, tmp_path: Path, counts: Counts, scale: Scale) -> None:
    grid = ["--methods", "standard,step_by_step", "--jobs", "2", "--answers", made.answered]
    victim = Victim(
        lambda out: ["compare", *grid, *TRAINING, "--out", out],
        outcome=lambda out, ended: hashes(out, "**/best/*.safetensors"),
        different=WEIGHTS,
    )
    kill_often(victim, tmp_path, counts, kills=scale(1, 25))
    counts.check()
