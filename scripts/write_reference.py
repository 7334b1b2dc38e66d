"""Write docs/reference.md: every flag of every command, from the configuration models.

python scripts/write_reference.py
"""

import importlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dsbs.__main__ import STAGES
from dsbs.cli.flags import SHARED_FLAGS, Flag, flags_of
from dsbs.cli.stage import Stage, StageGroup

REFERENCE = Path(__file__).parent.parent / "docs" / "reference.md"
COMMAND = "python scripts/write_reference.py"

_HEAD = f"""# Every flag of every command

Made from the configuration models by `{COMMAND}`; do not edit it by hand.

A flag `--data-frac` is the key `data-frac` or `data_frac` in a YAML file and the keyword `data_frac` in Python. A name
in capitals without hyphens stands on the command line by itself. Values with `,...` are lists: `--seeds 0,1`,
`--seeds 0 --seeds 1` and YAML's `seeds: [0, 1]` mean the same. A flag without a value is off unless it is given, and
`--no-...` turns it off again where a file turned it on.

## Flags of every command
"""


def reference() -> str:
    """The whole page."""
    parts = [_HEAD, _table(SHARED_FLAGS)]
    for stage in _commands():
        own = [flag for flag in flags_of(stage.config) if flag not in SHARED_FLAGS]
        parts += [f"\n## `dsbs {stage.name}`\n\n{stage.help}\n", _table(own)]
    return "\n".join(parts) + "\n"


def _commands() -> Iterator[Stage[Any]]:
    for name in STAGES:
        stage = importlib.import_module(f"dsbs.{name}").STAGE
        yield from stage.stages if isinstance(stage, StageGroup) else [stage]


def _table(flags: Iterable[Flag]) -> str:
    rows = ["| flag | value | default | meaning |", "|---|---|---|---|"]
    return "\n".join(rows + [f"| {' | '.join(map(_cell, _row(flag)))} |" for flag in flags])


def _row(flag: Flag) -> list[str]:
    value = ", ".join(f"`{choice}`" for choice in flag.choices) or _code(flag.value)
    if flag.choices and flag.listed:
        value = f"some of {value}"
    default = "required" if flag.required else _code(flag.default)
    return [f"`{flag.typed}`", value, default, flag.description]


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    REFERENCE.write_text(reference(), encoding="utf-8")
    print(REFERENCE)
