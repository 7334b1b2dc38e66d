"""What the attacks have in common: a farm whose rows are answered, a student, a comparison."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.disturbed import run
from support.farm import Farm

SPLITS = ("--splits", "train,validation,test")
TRAINING = (
    *("--student", "tinier", "--max-steps", "4", "--eval-every", "2", "--batch-size", "8"),
    *("--max-target-tokens", "24", "--report-to", "none"),
)


@dataclass(frozen=True)
class Made:
    """Runs that attacks start from; they must not change them."""

    farm: Farm
    answered: Path
    student: Path
    compared: Path


@pytest.fixture(scope="session", autouse=True)
def linux() -> None:
    if sys.platform != "linux":
        pytest.skip("the attacks look into /proc and fork, as Linux allows")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    farm = Farm(folder)
    answered = folder / "answered"
    student = folder / "student"
    compared = folder / "compared"
    rows = ("--task", farm.task, "--data", farm.data, "--answers-from", farm.answers)
    for arguments in (
        ("generate", *rows, *SPLITS, "--out", answered),
        ("train", "--answers", answered, *TRAINING, "--out", student),
        ("compare", "--answers", answered, *TRAINING, "--methods", "standard", "--out", compared),
    ):
        ended = run(arguments, folder)
        assert ended.code == 0, ended.said
    return Made(farm, answered, student, compared)
