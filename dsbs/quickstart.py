"""From nothing to a small model in minutes. It needs no key, no network and no GPU.

    python -m dsbs.quickstart
    python -m dsbs.quickstart --fast
    python -m dsbs.quickstart --seeds 5 --json

Runs generate, compare, report and contract one after the other on a small world that comes with
dsbs, and prints each command before it starts. Their settings are in pipelines/quickstart.yaml.
The same command goes on where it stopped.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from dsbs.artifacts.manifest import read_manifest
from dsbs.artifacts.results.cells import Group
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.contract import ContractResult
from dsbs.cli.stage import Stage
from dsbs.comparison.score_sentences import teacher_sentence
from dsbs.comparison.statistics import mean_over_seeds
from dsbs.comparison.verdict_sentences import display
from dsbs.config.quickstart import QuickstartConfig
from dsbs.contracts.show import sentence
from dsbs.core import output
from dsbs.core.errors import InputError
from dsbs.core.progress import duration, say
from dsbs.core.records import Method
from dsbs.core.require import check_installed
from dsbs.core.supervisor import Children
from dsbs.core.tables import percent, span, table
from dsbs.reporting.write import PAGE

_PACKAGES = ("torch", "transformers", "accelerate", "scipy", "statsmodels", "plotly", "matplotlib")

SETTINGS = ("--pipeline", "quickstart")
STORE = "answers.sqlite"
QUESTION = (
    '{"question": "Where would you look for a trout?", '
    '"choices": ["barn", "river", "vase", "nest", "garage"]}'
)
FIRST_SEED = 100
"""World and settings were chosen on seeds below it."""
SMALLER = "0.25"
"""The fraction of --fast; the pipeline has it and the whole."""
AGREE = 0.98
"""What the contract promises."""


class StudentContract(ContractResult):
    """A contract, and whose it is."""

    method: Method
    seed: int


class QuickstartResult(CompareResult):
    """What `compare` leaves, and where the rest is."""

    answers: str
    """The run folder of the teacher's answers."""
    report: str
    """The page."""
    contracts: list[StudentContract] = Field(default_factory=list)
    """Of students of the smaller fraction, whose unused rows are calibrated on; none with --fast.
    """
    wall_s: float


def quickstart(config: QuickstartConfig) -> QuickstartResult:
    """Run generate, compare, report and contract.

    Raises:
        InputError: A stage ended because its input is wrong. It has printed its own message.
    """
    check_installed(*_PACKAGES, extra="train,report", needed_by="dsbs quickstart")
    started = time.monotonic()
    comparison = config.out / f"{'fast' if config.fast else 'full'}-{config.seeds}"
    # With --fast the teacher answers only what students learn from; both forms share the store.
    answers = config.out / (f"answers-{comparison.name}" if config.fast else "answers")
    seeds = ",".join(str(FIRST_SEED + number) for number in range(config.seeds))
    rows = ["--data-frac", SMALLER, "--seeds", seeds] if config.fast else []
    grid = ["--seeds", seeds, *(["--data-fracs", SMALLER] if config.fast else [])]
    jobs = str(config.jobs or os.cpu_count() or 1)
    store = ["--store", str(config.out / STORE), "--out", str(answers)]
    _run_stage("generate", *SETTINGS, "--engine", config.engine, *rows, *store)
    students = ["--answers", str(answers), *grid, "--jobs", jobs, "--out", str(comparison)]
    _run_stage("compare", *SETTINGS, *students)
    _run_stage("report", str(comparison), str(answers), "--out", str(comparison / "report"))
    results = _results(comparison)
    contracts = [] if config.fast else _contracts(results)
    return QuickstartResult(
        **{name: getattr(results, name) for name in CompareResult.model_fields},
        answers=str(answers),
        report=str(comparison / "report" / PAGE),
        contracts=contracts,
        wall_s=round(time.monotonic() - started, 1),
    )


def show(results: QuickstartResult) -> str:
    """Accuracy of each kind of student beside the teacher's, the report, and what to try next."""
    columns = ["learned from", "questions", "rows", "accuracy", "95 %"]
    rows = [
        [_kind(g), f"{g.data_frac:.0%}", g.n_train, percent(g.mean), _interval(g)]
        for g in results.groups
    ]
    lines = [
        table(columns, rows, title=f"{results.task}: test"),
        teacher_sentence(results.teacher_score),
        *([f"Verdict: {results.verdict.sentence}"] if results.verdict else []),
        *(f"failed: {c.name}: {c.error}" for c in results.cells if c.status == "failed"),
        "This small world was made to show the effect. On real data the paper reports gains of "
        "one to six points.",
        f"Report: {results.report} ({duration(results.wall_s)} in all)",
    ]
    lines += _promises(results.contracts)
    explaining = [c for c in results.cells if c.status == "done" and c.method == "step_by_step"]
    for cell in explaining[-1:]:
        command = f"dsbs predict --run {cell.out} --explain"
        lines.append(f"Ask the student: echo '{QUESTION}' | {command}")
    return "\n".join(lines)


def _contracts(results: CompareResult) -> list[StudentContract]:
    """A contract for each student of the smaller fraction that learned from the teacher.

    With one seed only the step-by-step student has one: the other is there to be compared.
    """
    learned = [
        cell
        for cell in results.cells
        if (cell.status, cell.labels, cell.data_frac) == ("done", "teacher", float(SMALLER))
    ]
    several = len({cell.seed for cell in learned}) > 1
    made = []
    for cell in [cell for cell in learned if several or cell.method == "step_by_step"]:
        out = Path(cell.out) / "contract"
        _run_stage("contract", "--run", cell.out, "--agree", str(AGREE), "--out", str(out))
        found: ContractResult = read_manifest(out).final
        made.append(StudentContract(**dict(found), method=cell.method, seed=cell.seed))
    return made


def _promises(contracts: Sequence[StudentContract]) -> list[str]:
    """The sentence of the last contract; over seeds, what rationales do for the local share."""
    if not contracts:
        return []
    best = [one for one in contracts if one.method == "step_by_step"]
    lines = [sentence(best[-1])] if best else []
    shares = {(one.method, one.seed): one.share_local for one in contracts}
    seeds = sorted({one.seed for one in contracts})
    pairs = [(shares.get(("standard", s)), shares.get(("step_by_step", s))) for s in seeds]
    gains = [more - less for less, more in pairs if less is not None and more is not None]
    if len(gains) > 1:
        mean = mean_over_seeds(gains)
        for method in ("standard", "step_by_step"):
            own = [one.share_local for one in contracts if one.method == method]
            lines.append(f"answered locally by {method}: {percent(sum(own) / len(own))}")
        interval = f" (95 % {span(mean.ci95_seeds)} over seeds)" if mean.ci95_seeds else ""
        lines.append(f"step_by_step answers {percent(mean.mean)} more{interval}")
    return lines


def _run_stage(name: str, *arguments: str) -> None:
    """Run a stage as a user does. Its stdout goes to stderr: stdout is for the final result."""
    say(f"\n$ dsbs {shlex.join([name, *arguments])}")
    with Children() as children:
        command = [sys.executable, "-m", "dsbs", name, *arguments, *output.flags()]
        shown = subprocess.DEVNULL if output.is_quiet() else output.notes()
        code = children.start(command, stdout=shown, stderr=output.notes()).wait()
    if code not in (0, 1):  # 1: results that say what failed
        fix = "see its own message above"
        raise InputError(f"dsbs {name}", got=f"exit code {code}", expected="0", fix=fix)


def _results(comparison: Path) -> CompareResult:
    found: CompareResult = read_manifest(comparison).final
    return found


def _kind(group: Group) -> str:
    source = "gold" if group.labels == "gold" else "the teacher’s"
    if group.is_baseline:
        return f"{source} labels: {display(group.method)}"
    what = {"standard": "labels", "step_by_step": "labels and rationales"}[group.method]
    return f"{source} {what}"


def _interval(group: Group) -> str:
    """Over seeds if there are several students of a kind, else over test questions."""
    if group.ci95_seeds:
        return f"{span(group.ci95_seeds)} over seeds"
    return f"{span(group.ci95_examples)} over examples"


STAGE = Stage("quickstart", QuickstartConfig, quickstart, show)

if __name__ == "__main__":
    STAGE.main()
