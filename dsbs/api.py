"""The Python API: every stage as a function of the settings of its command line.

    from dsbs import api
    api.generate(task="cqa", data="published/", engine="published", out="runs/cqa-palm")
    api.train(answers="runs/cqa-palm", student="tiny", data_frac=0.5, out="runs/cqa-dss")

Each returns what the stage prints with --json, and raises `InputError` for bad input. Names,
defaults and meaning of the settings are those of the models in `dsbs.config`.
"""

import importlib
from typing import Any

from dsbs.cli.stage import plain
from dsbs.core.errors import InputError
from dsbs.core.failures import explaining

__all__ = [
    "InputError",
    "answers",
    "compare",
    "contract",
    "doctor",
    "evaluate",
    "export",
    "generate",
    "plan",
    "predict",
    "quickstart",
    "report",
    "runs",
    "train",
]


def generate(**settings: Any) -> dict[str, Any]:
    """Have a teacher answer the inputs of a task; settings of `GenerateConfig`."""
    return _run("generate", settings)


def answers(question: str, **settings: Any) -> dict[str, Any]:
    """Look into an answer store. `question` is "count", "list", "export" or "reparse"."""
    return _run("answers", settings, question)


def train(**settings: Any) -> dict[str, Any]:
    """Train one student; settings of `TrainConfig`."""
    return _run("train", settings)


def evaluate(**settings: Any) -> dict[str, Any]:
    """Measure a trained student; settings of `EvaluateConfig`."""
    return _run("evaluate", settings)


def contract(**settings: Any) -> dict[str, Any]:
    """Find which calls a student may answer; settings of `ContractConfig`, with `with_`."""
    return _run("contract", settings)


def compare(**settings: Any) -> dict[str, Any]:
    """Train and measure a grid of students; settings of `CompareConfig`."""
    return _run("compare", settings)


def plan(question: str, **settings: Any) -> dict[str, Any]:
    """Plan. `question` is "teacher", "budget", "cost", "forecast", "law" or "fit"."""
    return _run("plan", settings, question)


def report(**settings: Any) -> dict[str, Any]:
    """Write one page about runs; settings of `ReportConfig`."""
    return _run("report", settings)


def runs(**settings: Any) -> list[dict[str, Any]]:
    """List runs; settings of `RunsConfig`."""
    return list(_run("runs", settings)["runs"])


def predict(**settings: Any) -> list[dict[str, Any]]:
    """Label new inputs with a trained student; settings of `PredictConfig`."""
    return list(_run("predict", settings)["predictions"])


def export(**settings: Any) -> dict[str, Any]:
    """Export a student and compare it with the student; settings of `ExportConfig`."""
    return _run("export", settings)


def quickstart(**settings: Any) -> dict[str, Any]:
    """Go the whole way on the task that travels with dsbs; settings of `QuickstartConfig`."""
    return _run("quickstart", settings)


def doctor(**settings: Any) -> dict[str, Any]:
    """Look at the installation; settings of `DoctorConfig`."""
    return _run("doctor", settings)


def _run(name: str, settings: dict[str, Any], question: str = "") -> dict[str, Any]:
    stage = importlib.import_module(f"dsbs.{name}").STAGE
    if question:
        stage = stage.question(question)
    with explaining(f"dsbs {stage.name}"):
        results: dict[str, Any] = plain(stage.run(stage.configure(**settings)))
    return results
