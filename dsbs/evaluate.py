"""Measure a trained student on test.

    python -m dsbs.evaluate --run runs/cqa-dss
    python -m dsbs.evaluate --run runs/cqa-dss --decode score --json

Leaves predictions.parquet and manifest.json in RUN/evaluate-<split>-<decode>.
"""

from collections.abc import Mapping
from typing import Any

from dsbs.artifacts.manifest import finished_run
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.artifacts.results.train import TrainResult
from dsbs.cli.stage import Stage, build
from dsbs.config.evaluate import EvaluateConfig
from dsbs.config.train import TrainConfig
from dsbs.core.require import check_installed
from dsbs.core.tables import percent, table
from dsbs.distillation.training_set import load_material
from dsbs.evaluation.run import evaluate_run


def evaluate(config: EvaluateConfig) -> EvaluateResult:
    """Predictions of one split and their scores. Done once a folder; the same command prints the result again."""
    check_installed("torch", "transformers", "scipy", extra="train", needed_by="dsbs evaluate")
    trained = finished_run(config.run, TrainResult, "--run")
    settings: dict[str, Any] = {**trained.config, "answers": trained.answer_places(config.run)}
    settings |= {"data": config.data} if config.data else {}
    return evaluate_run(config, load_material(build(TrainConfig, settings)))


def show(results: Mapping[str, Any]) -> str:
    """Accuracy with its interval, and the table per label where there is one."""
    what = "accuracy" if "accuracy" in results else "teacher_agreement"
    name = {"accuracy": "accuracy", "teacher_agreement": "agreement with the teacher"}[what]
    low, high = results["ci95_examples"]
    marked = ", checkpoint chosen by gold labels" if results["selected_by"] == "gold" else ""
    lines = [
        f"{results['method']}, labels {results['labels']}, {results['student']}{marked}",
        f"{name} on {results['split']}: {percent(results[what])} ({results['correct']:,}/{results['n']:,}), "
        f"95 % over examples {percent(low)} to {percent(high)}; unparsable {percent(results['unparsable'])}",
        f"the teacher itself: {percent(results['teacher_accuracy'])}",
    ]
    if results["per_label"]:
        rows = [list(row.values()) for row in results["per_label"]]
        lines.append(
            table(results["per_label"][0].keys(), rows, title=f"macro-F1 {results['macro_f1']:.3f}")
        )
    return "\n".join(lines)


STAGE = Stage("evaluate", EvaluateConfig, evaluate, show)

if __name__ == "__main__":
    STAGE.main()
