"""From nothing to a small model in minutes, on a small world that travels with dsbs: no key, no network, no GPU needed.

    python -m dsbs.quickstart
    python -m dsbs.quickstart --fast
    python -m dsbs.quickstart --seeds 5 --json

Runs other stages one after the other, each a command that is said before it starts; their settings are in
pipelines/quickstart.yaml. The same command again goes on where it stopped.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from dsbs.artifacts.manifest import read_manifest
from dsbs.cli.stage import Stage
from dsbs.config.quickstart import QuickstartConfig
from dsbs.core.errors import InputError
from dsbs.core.progress import duration, say
from dsbs.core.require import check_installed
from dsbs.core.tables import percent, span, table
from dsbs.reporting.write import PAGE

SETTINGS = ("--pipeline", "quickstart")
STORE = "answers.sqlite"
ASKED = '{"question": "Where would you look for a trout?", "choices": ["barn", "river", "vase", "nest", "garage"]}'
FRESH = 100
"""The first seed. World and recipe were settled on seeds below it."""
_PACKAGES = ("torch", "transformers", "accelerate", "scipy", "statsmodels", "plotly", "matplotlib")
SMALLER = 0.25
"""The fraction of --fast; both are in the pipeline."""


def quickstart(config: QuickstartConfig) -> dict[str, Any]:
    """What `compare` gives, with the `report`, the `answers` of the teacher, and the `wall_s` that all of it took.

    InputError where a stage found its input wrong; it has said so itself.
    """
    check_installed(*_PACKAGES, extra="train,report", needed_by="dsbs quickstart")
    started = time.monotonic()
    comparison = config.out / f"{'fast' if config.fast else 'full'}-{config.seeds}"
    # With --fast only what will be learned is asked for; the answers are shared all the same.
    answers, store = (
        config.out / (f"answers-{comparison.name}" if config.fast else "answers"),
        config.out / STORE,
    )
    seeds = ",".join(str(FRESH + number) for number in range(config.seeds))
    rows = ["--data-frac", str(SMALLER), "--seeds", seeds] if config.fast else []
    grid = ["--seeds", seeds, *(["--data-fracs", str(SMALLER)] if config.fast else [])]
    jobs = str(config.jobs or os.cpu_count() or 1)
    _stage(
        "generate",
        *SETTINGS,
        "--engine",
        config.engine,
        *rows,
        "--store",
        str(store),
        "--out",
        str(answers),
    )
    _stage(
        "compare",
        *SETTINGS,
        "--answers",
        str(answers),
        *grid,
        "--jobs",
        jobs,
        "--out",
        str(comparison),
    )
    _stage("report", str(comparison), str(answers), "--out", str(comparison / "report"))
    compared = read_manifest(comparison).final
    wall_s = round(time.monotonic() - started, 1)
    return {
        **compared,
        "answers": str(answers),
        "report": str(comparison / "report" / PAGE),
        "wall_s": wall_s,
    }


def show(results: Mapping[str, Any]) -> str:
    """Accuracy of every kind of student beside the teacher's, where the report is, and what to try next."""
    rows = [
        [_kind(g), f"{g['data_frac']:.0%}", g["n_train"], percent(g["mean"]), _interval(g)]
        for g in results["groups"]
    ]
    shown = table(
        ["student learned from", "questions", "rows", "accuracy", "95 %"],
        rows,
        title=f"{results['task']}: test",
    )
    done = [
        cell["out"]
        for cell in results["cells"]
        if cell["status"] == "done" and cell["method"] == "step_by_step"
    ]
    failed = [
        f"failed: {cell['name']}: {cell['error']}"
        for cell in results["cells"]
        if cell["status"] == "failed"
    ]
    ask = [
        f"ask the student: echo '{ASKED}' | dsbs " + f"predict --run {run} --explain"
        for run in done[-1:]
    ]
    return "\n".join(
        [
            shown,
            f"the teacher itself: {percent(results['teacher_accuracy'])}",
            *failed,
            "A small world, made to show the effect: on real data the paper reports gains of one to six points.",
            f"report: {results['report']} ({duration(results['wall_s'])} in all)",
            *ask,
        ]
    )


def _stage(name: str, *arguments: str) -> None:
    """Run a stage as a user does. What it prints is for the one who watches: stdout is for the result of all."""
    say(f"\n$ dsbs {shlex.join([name, *arguments])}")
    sys.stderr.flush()
    code = subprocess.run(
        [sys.executable, "-m", "dsbs", name, *arguments], stdout=sys.stderr, check=False
    ).returncode
    if code not in (0, 1):  # 1: results that say what failed
        raise InputError(
            f"dsbs {name}", got=f"exit code {code}", expected="0", fix="see its own message above"
        )


def _kind(group: Mapping[str, Any]) -> str:
    how = {"standard": "labels", "step_by_step": "labels and rationales"}[group["method"]]
    return f"{'gold' if group['labels'] == 'gold' else 'the teacher’s'} {how}"


def _interval(group: Mapping[str, Any]) -> str:
    """Over seeds where there are several students of a kind, else over test questions."""
    over = "seeds" if group["ci95_seeds"] else "examples"
    return f"{span(group[f'ci95_{over}'])} over {over}"


STAGE = Stage("quickstart", QuickstartConfig, quickstart, show)

if __name__ == "__main__":
    STAGE.main()
