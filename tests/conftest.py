"""The fixtures that tests of several packages share, and the order of the files."""

import gc
import importlib.util
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from support.command import Cli, run_command
from support.farm import Farm
from support.places import DATA, ROOT
from support.served_farm import Serve

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores Ctrl-C, and so would the commands whose ends are tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ("support.campaign",)

if TYPE_CHECKING:
    from support.made_runs import LargeReport

# The same examples in every run: a test that fails fails for everybody.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")

LONGEST = (
    "test_quickstart.py",
    "end_to_end/test_engines.py",
    "faults/test_crash.py",
    "faults/test_faults.py",
    "teachers/test_endpoint.py",
)
"""Files that take longest. They begin, so that no process of `pytest -n` is left to end alone."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, all others as they were."""
    first = {Path(__file__).parent / name for name in LONGEST}
    items.sort(key=lambda item: item.path not in first)


@pytest.fixture(autouse=True)
def _light_garbage_collection() -> None:
    """What is there by now is not searched for garbage again: that took half of a short training."""
    gc.collect()
    gc.freeze()


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
    """Run a command as a user does: `cli("train", "--task", "cqa", cwd=...)`."""
    return run_command


@pytest.fixture(scope="session")
def cqa_palm(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PaLM's answers to CommonsenseQA, as `generate` leaves them."""
    from dsbs import api

    out = tmp_path_factory.mktemp("cqa") / "palm"
    api.generate(task="cqa", data=published, engine="published", out=out)
    return out


@pytest.fixture
def farm(tmp_path: Path) -> Farm:
    return Farm(tmp_path)


@pytest.fixture(scope="session")
def answered_farm(tmp_path_factory: pytest.TempPathFactory) -> Farm:
    """A farm whose rows are answered; tests must not change it."""
    made = Farm(tmp_path_factory.mktemp("farm"))
    made.generate()
    return made


@pytest.fixture(scope="session")
def large_report(tmp_path_factory: pytest.TempPathFactory) -> "LargeReport":
    from dsbs.reporting.write import write_report
    from support.made_runs import LargeReport, World

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


@pytest.fixture(scope="session")
def two_teachers(tmp_path_factory: pytest.TempPathFactory) -> Farm:
    """A farm with two teachers, who disagree on birds: together their labels are distributions.
    Tests must not change it.
    """
    farm = Farm(tmp_path_factory.mktemp("two"))
    farm.generate(out=farm.folder / "first")
    farm.answers.write_text(
        farm.answers.read_text().replace("So it is a bird", "So it is a mammal")
    )
    farm.generate(out=farm.folder / "second")
    return farm


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start loopback servers: `serve("--faults", "0.2")` gives a base URL."""
    servers = []

    def start(*options: Any) -> str:
        command = [
            sys.executable,
            str(ROOT / "tests" / "support" / "loopback.py"),
            *map(str, options),
        ]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        servers.append(server)
        assert server.stdout is not None
        return f"http://127.0.0.1:{server.stdout.readline().strip()}/v1"

    yield start
    for server in servers:
        server.kill()
        server.wait()


@pytest.fixture(scope="session")
def planner_benchmark() -> ModuleType:
    """benchmarks/planner.py, whose simulations the tests share."""
    spec = importlib.util.spec_from_file_location("planner", ROOT / "benchmarks" / "planner.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
