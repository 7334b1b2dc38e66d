"""Shared by all tests: where the real data is, and small runs that several tests look at."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("DSBS_DATA", ROOT.parent / "shared" / "data"))

Cli = Callable[..., subprocess.CompletedProcess[str]]

LONGEST = ("quickstart", "engines", "endpoint")
"""Files that take longest. They begin, so that no process of `pytest -n` is left to end alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, all others as they were."""
    items.sort(key=lambda item: item.path.stem.removeprefix("test_") not in LONGEST)


@pytest.fixture(scope="session")
def published() -> Path:
    """The published release: CommonsenseQA and SVAMP with PaLM's answers."""
    if not (DATA / "published").is_dir():
        pytest.skip(f"no real data at {DATA}/published; set DSBS_DATA to its folder")
    return DATA / "published"


@pytest.fixture(scope="session")
def asdiv() -> Path:
    if not (DATA / "asdiv").is_dir():
        pytest.skip(f"no real data at {DATA}/asdiv; set DSBS_DATA to its folder")
    return DATA / "asdiv"


@pytest.fixture(scope="session")
def cli() -> Cli:
    """Run a stage as a user does: `cli("train", "--task", "cqa", cwd=...)`."""

    def run(*arguments: Any, cwd: Path | None = None, stdin: str = "", timeout: int = 500) -> Any:
        command = [sys.executable, "-m", f"dsbs.{arguments[0]}", *map(str, arguments[1:])]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=cwd,
            input=stdin,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def cqa_palm(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PaLM's answers to CommonsenseQA, as `generate` leaves them."""
    from dsbs import api

    out = tmp_path_factory.mktemp("cqa") / "palm"
    api.generate(task="cqa", data=published, teacher="published", out=out)
    return out


FARM = """\
name: farm
version: 1
label: {kind: class, labels: [bird, mammal]}
input: "{{ animal }} {{ sound }}"
prompt:
  question: "Animal: {{ input }}\\nAnswer:"
  answer: " {{ rationale }} So it is a {{ label }}."
  stop: ["\\n\\n"]
answer: {marker: So it is a, ends: ["Animal:"]}
demonstrations:
  - {animal: hen, sound: clucks, rationale: It lays eggs., label: bird}
  - {animal: cow, sound: moos, rationale: It gives milk., label: mammal}
columns: {fields: {animal: animal, sound: sound}, gold: kind}
"""

ANIMALS = {
    "bird": ["duck", "goose", "owl", "crow", "swan", "robin", "finch", "stork"],
    "mammal": ["pig", "goat", "sheep", "horse", "dog", "cat", "rat", "bat"],
}
REASONS = {"bird": "It has feathers.", "mammal": "It has fur."}


class Farm:
    """A small task of a user's own, in a folder: prompt file, CSV with labels, and a teacher's answers by content."""

    def __init__(self, folder: Path, *, sounds: int = 5) -> None:
        self.folder, self.task, self.data = folder, folder / "farm.yaml", folder / "rows.csv"
        self.answers = folder / "answers.jsonl"
        self.task.write_text(FARM)
        rows = [
            (a, f"says {n} times", kind)
            for n in range(sounds)
            for kind in ANIMALS
            for a in ANIMALS[kind]
        ]
        self.rows = [
            {"animal": animal, "sound": sound, "kind": kind} for animal, sound, kind in rows
        ]
        self.write(self.rows)
        self.answer()

    def write(self, rows: list[dict[str, str]]) -> None:
        lines = ["animal,sound,kind", *(f"{r['animal']},{r['sound']},{r['kind']}" for r in rows)]
        self.data.write_text("\n".join(lines) + "\n")

    def answer(self) -> None:
        from dsbs.data.load import load_data
        from dsbs.tasks.prompts import load_task

        kind_of = {animal: kind for kind, animals in ANIMALS.items() for animal in animals}
        examples = [
            e
            for rows in load_data(load_task(str(self.task)), self.data).splits.values()
            for e in rows
        ]
        kinds = [(e.id, kind_of[e.fields["animal"]]) for e in examples]
        texts = [{"id": i, "text": f" {REASONS[kind]} So it is a {kind}."} for i, kind in kinds]
        self.answers.write_text("\n".join(map(json.dumps, texts)) + "\n")

    def generate(self, **settings: Any) -> dict[str, Any]:
        from dsbs import api

        given = {
            "task": str(self.task),
            "data": self.data,
            "answers_from": self.answers,
            "out": self.folder / "answered",
        }
        return api.generate(**(given | settings))


ZOO = {
    "bird": (["duck", "owl", "crow", "swan", "finch", "stork"], "It has feathers."),
    "fish": (["trout", "carp", "eel", "cod", "perch", "tuna"], "It lives in water."),
    "insect": (["ant", "bee", "wasp", "moth", "beetle", "gnat"], "It has six legs."),
    "mammal": (["pig", "goat", "horse", "cat", "rat", "bat"], "It has fur."),
}


class Zoo:
    """A task with four labels for a teacher that really answers."""

    def __init__(self, folder: Path, *, places: int = 5) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.task, self.data = folder, folder / "zoo.yaml", folder / "rows.csv"
        text = FARM.replace("name: farm", "name: zoo").replace(
            "[bird, mammal]", "[bird, fish, insect, mammal]"
        )
        shark = "  - {animal: shark, sound: swims, rationale: It breathes water., label: fish}\n"
        self.task.write_text(text.replace("columns:", shark + "columns:"))
        self.kind_of = {animal: kind for kind, (animals, _) in ZOO.items() for animal in animals}
        rows = [
            {"animal": animal, "sound": f"in place {n}", "kind": self.kind_of[animal]}
            for n in range(places)
            for animal in self.kind_of
        ]
        self.write(rows)
        self.rows = rows

    def write(self, rows: list[dict[str, str]]) -> None:
        lines = ["animal,sound,kind", *(f"{r['animal']},{r['sound']},{r['kind']}" for r in rows)]
        self.data.write_text("\n".join(lines) + "\n")

    def reason(self, example: Any) -> str:
        return ZOO[self.kind_of[example.fields["animal"]]][1]


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    return Farm(tmp_path)


@pytest.fixture(scope="session")
def answered_farm(tmp_path_factory: pytest.TempPathFactory) -> Farm:
    """A farm whose rows are answered; tests must not change it."""
    made = Farm(tmp_path_factory.mktemp("farm"))
    made.generate()
    return made


class LargeReport(NamedTuple):
    """A report about 50 students and 10,000 questions: its page, what was returned, and the processor time it took."""

    page: Path
    results: dict[str, Any]
    cpu_s: float


@pytest.fixture(scope="session")
def large_report(tmp_path_factory: pytest.TempPathFactory) -> LargeReport:
    from made_runs import World

    from dsbs.reporting.write import write_report

    folder = tmp_path_factory.mktemp("large")
    world = World(
        folder,
        examples=10_000,
        students=("google/t5-v1_1-base",),
        fractions=(0.1, 0.25, 0.5, 0.75, 1.0),
    )
    compared, started = world.compare(world.answers()), time.process_time()
    results = write_report([compared], folder / "out")
    return LargeReport(folder / "out" / "report.html", results, time.process_time() - started)
