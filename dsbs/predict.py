"""Label new inputs with a trained student.

    python -m dsbs.predict --run runs/cqa-dss --input questions.jsonl
    echo '{"question": "Wet?", "choices": ["sea", "sky"]}' | python -m dsbs.predict --run runs/cqa-dss

Writes one JSON line per input: id and label, and on request rationale and scores. A row needs the
columns of the task's input and no other. Its own id is the id that is printed. No teacher is
called.
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
from dsbs.data.json_rows import parse_lines
from dsbs.data.load import unlabelled_examples
from dsbs.data.readers import read_rows

_ROWS_AT_ONCE = 1024


def predict(config: PredictConfig) -> dict[str, Any]:
    """`predictions`: an iterator of {id, label, rationale?, scores?} in the order of the input.

    Each prediction is made as it is drawn.
    """
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
        for asked in batched(unlabelled_examples(student.card.task, rows), _ROWS_AT_ONCE):
            said = ask(
                student,
                [one.example for one in asked],
                explain=config.explain,
                scores=config.scores,
                batch_size=config.batch_size,
            )
            for (given, _), prediction in zip(asked, said, strict=True):
                line: dict[str, Any] = {"id": given, "label": prediction.label}
                line |= {"rationale": prediction.rationale} if config.explain else {}
                yield line | ({"scores": prediction.scores} if config.scores else {})

    return {"predictions": made()}


def show(results: Mapping[str, Any]) -> Iterator[str]:
    """One JSON line a prediction."""
    return (json.dumps(prediction, ensure_ascii=False) for prediction in results["predictions"])


STAGE = Stage("predict", PredictConfig, predict, show)

if __name__ == "__main__":
    STAGE.main()
