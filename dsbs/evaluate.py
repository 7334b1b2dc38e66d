"""Measure a trained student on test.

    python -m dsbs.evaluate --run runs/cqa-dss
    python -m dsbs.evaluate --run runs/cqa-dss --decode score --json
    python -m dsbs.evaluate --run copied/best --data questions.csv
    python -m dsbs.evaluate --run runs/cqa-dss --contract runs/cqa-contract

Leaves predictions.parquet and manifest.json in RUN/evaluate-<split>-<decode>.
"""

from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.artifacts.student_card import checkpoint_of, read_card
from dsbs.cli.stage import Stage
from dsbs.comparison.score_sentences import over_examples, teacher_sentence
from dsbs.config.evaluate import EvaluateConfig
from dsbs.contracts.show import show_cascade
from dsbs.core.require import check_installed
from dsbs.core.tables import percent, table
from dsbs.evaluation.load import load_for_evaluation
from dsbs.evaluation.run import evaluate_run
from dsbs.metrics.collapse import say_notices
from dsbs.runtimes.open import check_runtime


def evaluate(config: EvaluateConfig) -> EvaluateResult:
    """Predict one split and score it. Once per folder; then the same command prints the result."""
    needed = ("scipy", "evaluate")
    check_installed(*needed, extra="train", needed_by="dsbs evaluate")
    checkpoint = checkpoint_of(config.run)
    check_runtime(read_card(checkpoint), needed_by="dsbs evaluate")
    data = load_for_evaluation(
        read_card(checkpoint),
        checkpoint,
        data=config.data,
        answers=config.answers,
        may_have_changed=config.allow_changed_inputs,
    )
    results = evaluate_run(
        config.run,
        data,
        settings=config,
        split=config.split,
        decode=config.decode,
        batch_size=config.batch_size,
        out=config.out,
        contract=config.contract,
    )
    say_notices(results.notices)
    return results


def show(results: EvaluateResult) -> str:
    """Accuracy with its interval, and the table per label where there is one."""
    what = "accuracy" if results.against == "gold" else "agreement with the teacher"
    marked = ", checkpoint chosen by gold labels" if results.selected_by == "gold" else ""
    fallen = f" (no rationales for {asked})" if (asked := results.fell_back_from) else ""
    lines = [
        f"{results.method}{fallen}, labels {results.labels}, {results.student}{marked}",
        f"{what} on {results.split}: {percent(results.share)} "
        f"({results.correct:,}/{results.n:,}), {over_examples(results)}; "
        f"unparsable {percent(results.unparsable)}; chance {percent(results.chance)}",
        teacher_sentence(results.teacher_score),
    ]
    if results.macro_f1 is not None:
        columns = ["label", "n", "predicted", "correct", "precision", "recall", "f1"]
        rows = [
            [row.label, row.n, row.predicted, row.correct, row.precision, row.recall, row.f1]
            for row in results.per_label
        ]
        lines.append(table(columns, rows, title=f"macro-F1 {results.macro_f1:.3f}"))
    if results.cascade:
        lines.append(show_cascade(results.cascade))
    return "\n".join(lines)


STAGE = Stage("evaluate", EvaluateConfig, evaluate, show)

if __name__ == "__main__":
    STAGE.main()
