"""Ask the teacher of an earlier run about other rows, in the same way and through its store."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dsbs.artifacts.answer_dataset import answer_rows
from dsbs.artifacts.manifest import finished_run
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.core import output
from dsbs.core.errors import InputError
from dsbs.core.files import write_text
from dsbs.core.supervisor import Children

_STORE = "answers.sqlite"
_OTHER_ROWS: dict[str, Any] = {
    "splits": ["test"],
    "data_frac": 1.0,
    "max_rows": None,
    "extra_unlabeled": [],
    "duplicates": "never",
    "plan": False,
    "show": False,
    "progress_json": None,
    "max_bad_answers": None,
}
"""Settings of the earlier run that were about its rows."""


def ask_again(run: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The teacher's label of each row that it has a usable one for, by the row's input hash.

    Answers that the earlier run's store holds are not asked for again, and new ones are kept there.

    Args:
        run: The earlier run of `generate`.
        rows: Rows as they came, with the columns of the task.

    Raises:
        InputError: The run's answers were published ones, or the teacher cannot be asked.
    """
    made = finished_run(run, GenerateResult, "--ask-teacher", partial=True)
    if made.config.get("engine") == "published":
        raise InputError(
            f"--ask-teacher {run}",
            got="answers that were published",
            expected="a run whose teacher can be asked",
            fix="label the rows that are left in another way, or drop --ask-teacher",
        )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        data = folder / "rows"
        data.mkdir()
        write_text(data / "test.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
        settings = {name: value for name, value in made.config.items() if value is not None}
        settings |= {name: value for name, value in _OTHER_ROWS.items() if value is not None}
        for name in [name for name, value in _OTHER_ROWS.items() if value is None]:
            settings.pop(name, None)
        settings["task"] = str(made.task_place(run).resolve())
        settings["data"] = str(data)
        settings["store"] = str(made.config.get("store") or (run / _STORE).resolve())
        settings["out"] = str(folder / "asked")
        write_text(folder / "generate.yaml", json.dumps(settings))
        _generate(folder / "generate.yaml")
        return {
            row["input_hash"]: row["label"]
            for row in answer_rows(folder / "asked")
            if row["label"] is not None and row["outcome"] in ("ok", "empty_rationale")
        }


def _generate(settings: Path) -> None:
    """Run the stage as a user does; its results go to stderr, since stdout is the caller's."""
    command = [sys.executable, "-m", "dsbs", "generate", "--config", str(settings)]
    shown = subprocess.DEVNULL if output.is_quiet() else output.notes()
    with Children() as children:
        code = children.start([*command, *output.flags()], stdout=shown, stderr=output.notes())
        ended = code.wait()
    if ended not in (0, 1):  # 1: some rows have no answer, which their lines show
        fix = "see its own message above"
        raise InputError("dsbs generate", got=f"exit code {ended}", expected="0", fix=fix)
