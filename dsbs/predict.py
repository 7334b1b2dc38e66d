"""Label new inputs with a trained student.

    python -m dsbs.predict --run runs/cqa-dss --input questions.jsonl
    echo '{"question": "Where do fish live?", "choices": ["water", "sky"]}' | python -m dsbs.predict --run runs/cqa-dss

Writes one JSON line an input: id and label, and where asked for rationale and scores. No teacher is called.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dsbs.artifacts.manifest import finished_run
from dsbs.artifacts.results.train import TrainResult
from dsbs.cli.stage import Stage
from dsbs.config.predict import PredictConfig
from dsbs.core.iteration import batched
from dsbs.core.require import check_installed
from dsbs.data.load import unlabelled_examples
from dsbs.data.readers import parse_lines, read_rows

_ROWS_AT_ONCE = 1024


def predict(config: PredictConfig) -> dict[str, Any]:
    """`predictions`: an iterator of {id, label, rationale?, scores?} in the order of the input, made as it is drawn."""
    check_installed("torch", "transformers", extra="train", needed_by="dsbs predict")
    finished_run(config.run, TrainResult, "--run")
    from dsbs.student.checkpoint import BEST, load_student
    from dsbs.student.predict import check
    from dsbs.student.predict import predict as ask

    student = load_student(config.run / BEST)
    check(student, decode=student.card.decode, explain=config.explain, scores=config.scores)
    rows = (
        parse_lines(sys.stdin.buffer, "stdin")
        if config.input == "-"
        else read_rows(Path(config.input))
    )

    def made() -> Iterator[dict[str, Any]]:
        for examples in batched(unlabelled_examples(student.card.task, rows), _ROWS_AT_ONCE):
            for said in ask(
                student,
                examples,
                explain=config.explain,
                scores=config.scores,
                batch_size=config.batch_size,
            ):
                line: dict[str, Any] = {"id": said.example_id, "label": said.label}
                line |= {"rationale": said.rationale} if config.explain else {}
                yield line | ({"scores": said.scores} if config.scores else {})

    return {"predictions": made()}


def show(results: Mapping[str, Any]) -> Iterator[str]:
    """One JSON line a prediction."""
    return (json.dumps(prediction, ensure_ascii=False) for prediction in results["predictions"])


STAGE = Stage("predict", PredictConfig, predict, show)

if __name__ == "__main__":
    STAGE.main()
