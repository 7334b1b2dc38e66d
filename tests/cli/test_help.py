"""`--help` names every setting of every command."""

import importlib

import pytest

from dsbs.__main__ import STAGES
from dsbs.cli.flags import flag_name
from dsbs.cli.stage import Stage, StageGroup
from support.command import Cli


def questions() -> list[tuple[tuple[str, ...], Stage]]:
    """Every command with flags: the stages, and the questions of those that have several."""
    found = []
    for name in STAGES:
        stage = importlib.import_module(f"dsbs.{name}").STAGE
        parts = stage.stages if isinstance(stage, StageGroup) else [stage]
        found += [(tuple(part.name.split()), part) for part in parts]
    return found


@pytest.mark.parametrize(
    ("words", "stage"),
    questions(),
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_help_names_every_setting(words: tuple[str, ...], stage: Stage, cli: Cli) -> None:
    shown = cli(*words, "--help")
    assert shown.returncode == 0
    for name, field in stage.config.model_fields.items():
        assert (
            name.upper() if name == stage.config.positional else flag_name(name)
        ) in shown.stdout
        assert field.description, name
