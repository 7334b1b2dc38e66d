"""Prompt and pipeline files are found from a checkout, an editable install and a wheel, each in a
fresh environment.
"""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from dsbs.tasks.prompts import load_task
from support.places import ROOT

ASK = """
import dsbs, json, os
from dsbs.data.load import load_data
from dsbs.core.files import find_file, packaged
from dsbs.tasks.prompts import load_task
from dsbs.compare import STAGE
assert len(load_data(load_task("quickstart"), None).splits["test"]) >= 1000
assert all((packaged(f"quickstart/{name}") / "model.safetensors").is_file() for name in ("teacher", "student"))
task = load_task("cqa")
print(json.dumps([dsbs.__file__, str(find_file("cqa", "prompts")), task.version, len(STAGE.configure(pipeline="cqa").grid())]))
"""


class Environment:
    """A virtual environment that has every dependency, and no dsbs."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        self.python = folder / "bin" / "python"
        (site,) = folder.glob("lib/python*/site-packages")
        # A path line adds the folder but does not run the .pth files in it, so this project's own
        # install stays out.
        (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")

    def install(self, *what: str) -> None:
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(self.python),
            "install",
            "-q",
            "--no-deps",
            "--no-build-isolation",
        ]
        done = subprocess.run([*pip, *what], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def ask(self, cwd: Path) -> list:
        import json

        done = subprocess.run(
            [self.python, "-E", "-c", ASK], cwd=cwd, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in ("dsbs", "prompts", "pipelines"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


def test_files_are_found_from_a_checkout(checkout: Path, tmp_path: Path) -> None:
    module, task, _, cells = Environment(tmp_path / "venv").ask(checkout)
    assert module == str(checkout / "dsbs" / "__init__.py")
    assert (task, cells) == (str(checkout / "prompts" / "cqa.yaml"), 240)


def test_edits_take_effect_in_an_editable_install(
    checkout: Path, empty: Path, tmp_path: Path
) -> None:
    environment = Environment(tmp_path / "venv")
    environment.install("-e", str(checkout))
    _, task, version, _ = environment.ask(empty)
    assert (task, version) == (str(checkout / "prompts" / "cqa.yaml"), load_task("cqa").version)
    path = checkout / "prompts" / "cqa.yaml"
    path.write_text(path.read_text().replace(f"version: {version}", f"version: {version + 1}"))
    assert environment.ask(empty)[2] == version + 1


def test_a_wheel_works_in_an_empty_folder(checkout: Path, empty: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        checkout,
    ]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    shutil.rmtree(checkout)
    environment = Environment(tmp_path / "venv")
    environment.install(str(wheel))
    module, task, _, cells = environment.ask(empty)
    assert str(tmp_path / "venv") in module
    assert (task, cells) == (str(Path(module).parent / "prompts" / "cqa.yaml"), 240)
    done = subprocess.run(
        [tmp_path / "venv" / "bin" / "dsbs", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == environment_version()


def environment_version() -> str:
    from dsbs.core.version import __version__

    return __version__
