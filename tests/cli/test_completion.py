"""Completion as a shell does it: the script is sourced by bash, which is then asked."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dsbs.__main__ import STAGES
from dsbs.cli.flags import flags_of
from dsbs.train import STAGE as TRAIN

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")

COMPLETE = """source {script}
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); COMPREPLY=()
_dsbs; printf '%s\\n' "${{COMPREPLY[@]}}"
"""


def dsbs(*arguments: str, home: Path) -> str:
    command = [sys.executable, "-m", "dsbs", *arguments]
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    path = folder / "dsbs.bash"
    path.write_text(dsbs("--show-completion", "bash", home=folder))
    return path


def completed(script: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    code = COMPLETE.format(script=script, words=shlex.join(words))
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_every_command_is_offered(script: Path) -> None:
    assert completed(script, "dsbs", "") == list(STAGES)


def test_every_flag_is_offered(script: Path) -> None:
    assert {flag.typed for flag in flags_of(TRAIN.config)} <= set(
        completed(script, "dsbs", "train", "--")
    )


def test_choices_are_offered_behind_their_flag(script: Path) -> None:
    assert completed(script, "dsbs", "train", "--precision", "")[:2] == ["auto", "fp32"]
    assert completed(script, "dsbs", "generate", "--splits", "tr") == ["train"]


def test_a_flag_without_a_value_swallows_nothing(script: Path) -> None:
    assert completed(script, "dsbs", "train", "--shard", "--method", "stan") == ["standard"]


def test_the_questions_of_a_command_are_offered(script: Path) -> None:
    assert "forecast" in completed(script, "dsbs", "plan", "")
    assert completed(script, "dsbs", "plan", "cost", "--teacher-u") != []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_it_is_installed_where_the_shell_looks(tmp_path: Path, shell: str) -> None:
    shown = dsbs("--install-completion", shell, home=tmp_path)
    path = Path(shown.partition(": ")[0])
    assert tmp_path in path.parents
    assert "quickstart" in path.read_text()


def test_it_is_made_without_torch() -> None:
    code = (
        "import runpy, sys; sys.argv = ['dsbs', '--show-completion', 'zsh']\n"
        "runpy.run_module('dsbs', run_name='__main__', alter_sys=True)\n"
        "assert not {'torch', 'transformers', 'vllm'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_an_unknown_shell_is_told_in_one_line() -> None:
    command = [sys.executable, "-m", "dsbs", "--show-completion", "tcsh"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "choose one of: bash, fish, powershell, zsh" in done.stderr
