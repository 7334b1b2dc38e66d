"""Without any extra, every command that needs one says so in one line and leaves nothing behind."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import ROOT
from dsbs.environment.extras import BASE, requirements_of_dsbs
from support.farm import Farm
from support.random_students import card_of

SITE = Path(sysconfig.get_paths()["purelib"])


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds what `pip install dsbs` brings, and no more."""
    folder = tmp_path_factory.mktemp("base") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in with_dependencies(requirements_of_dsbs()[BASE]):
        for top in {Path(file).parts[0] for file in metadata.distribution(name).files or ()}:
            if top != ".." and not (site / top).exists():
                (site / top).symlink_to(SITE / top)
    (site / "dsbs.pth").write_text(f"{ROOT}\n")
    return folder / "bin" / "python"


def with_dependencies(requirements: Iterable[Requirement]) -> set[str]:
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name not in found and (not requirement.marker or requirement.marker.evaluate()):
            found.add(name)
            waiting += map(Requirement, metadata.requires(name) or ())
    return found


def run(python: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [python, "-m", "dsbs", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


NEEDS = {
    "generate": "dsbs generate needs torch: pip install 'dsbs[train]'",
    "generate --task cqa --engine endpoint --base-url http://localhost:1/v1 --teacher m": (
        "--engine endpoint needs openai: pip install 'dsbs[endpoint]'"
    ),
    "train": "dsbs train needs torch: pip install 'dsbs[train]'",
    "train --answers nowhere": "dsbs train needs torch: pip install 'dsbs[train]'",
    "compare": "dsbs compare needs torch: pip install 'dsbs[train]'",
    "quickstart": "dsbs quickstart needs torch: pip install 'dsbs[train,report]'",
}


@pytest.mark.parametrize("arguments", NEEDS)
def test_a_command_that_needs_an_extra_names_it_and_leaves_nothing(
    python: Path, tmp_path: Path, arguments: str
) -> None:
    done = run(python, *arguments.split(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr == f"error: {NEEDS[arguments]}\n"
    assert list(tmp_path.iterdir()) == []


STUDENTS = {
    ("predict", "torch"): "needs torch: pip install 'dsbs[train]'",
    ("predict", "ctranslate2"): "needs ctranslate2: pip install 'dsbs[serve]'",
    ("predict", "onnxruntime"): "needs onnxruntime: pip install 'dsbs[onnx]'",
    ("evaluate", "torch"): "needs scipy: pip install 'dsbs[train]'",
}


@pytest.mark.parametrize(("command", "runtime"), STUDENTS)
def test_what_a_student_runs_on_is_named(
    python: Path, tmp_path: Path, command: str, runtime: str
) -> None:
    student = tmp_path / "student"
    student.mkdir()
    (tmp_path / "farm").mkdir()
    card_of(Farm(tmp_path / "farm"), student, runtime=runtime).write(student)
    before = sorted(tmp_path.rglob("*"))
    done = run(python, command, "--run", "student", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr == f"error: dsbs {command} {STUDENTS[command, runtime]}\n"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("arguments", ["--version", "--help", "train --help", "runs .", "doctor"])
def test_what_needs_no_extra_works(python: Path, tmp_path: Path, arguments: str) -> None:
    done = run(python, *arguments.split(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_doctor_names_the_command_of_every_extra(python: Path, tmp_path: Path) -> None:
    shown = run(python, "doctor", cwd=tmp_path).stdout
    for extra in ("train", "endpoint", "plan", "report", "ray"):
        assert f"pip install 'dsbs[{extra}]'" in shown
