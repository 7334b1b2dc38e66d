"""Every command line that the documents, the pipelines and the stages show goes through the real
parser.
"""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from dsbs.__main__ import STAGES
from support.places import ROOT

FILES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("**/*.md")),
    ROOT / "docs" / "accelerate.yaml",
    *sorted((ROOT / "pipelines").glob("*.yaml")),
    *(ROOT / "dsbs" / f"{stage}.py" for stage in STAGES),
]
_LINE = re.compile(
    r"^[\s#$]*(?:[A-Z_]+=\S+\s+)*(?:.*\|\s*)?"  # a comment, variables, a pipe
    r"(?:python3? -m dsbs(?:\.(\w+)|\s+(\w+))|(?:torchrun|accelerate launch) .*? -m dsbs\.(\w+)"
    r"|dsbs (\w+))(.*)$"
)


def commands(path: Path) -> list[tuple[str, list[str]]]:
    """(stage, arguments) of every dsbs line; a backslash joins lines, a # begins a comment, > and |
    end a command.
    """
    found = []
    for line in re.sub(r"\\\n\s*", " ", path.read_text()).splitlines():
        if match := _LINE.match(line):
            stage = next(name for name in match.groups()[:4] if name)
            words = shlex.split(re.split(r"\s[|>&]\s?", match[5])[0], comments=True)
            if stage in STAGES:
                found.append((stage, words))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_command_lines_parse(path: Path) -> None:
    for stage, words in commands(path):
        if "--help" not in words:
            importlib.import_module(f"dsbs.{stage}").STAGE.parse(words)


def test_the_documents_show_every_stage() -> None:
    shown = {stage for path in FILES for stage, _ in commands(path)}
    assert shown == set(STAGES)


def test_links_within_the_project_lead_somewhere() -> None:
    for path in FILES:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_task_file_of_the_readme_is_one(tmp_path: Path) -> None:
    from dsbs.tasks.prompts import load_task

    (shown,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "mytask.yaml").write_text(shown)
    assert load_task(str(tmp_path / "mytask.yaml")).name == "mytask"
