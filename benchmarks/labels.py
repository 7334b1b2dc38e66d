"""Labels of a student's test rows, by generating and by scoring, against the plain way: one run,
the same labels.

    python benchmarks/labels.py make --shape small --answers runs/cqa-palm --out runs/small   # a student to train first
    python benchmarks/labels.py measure --run runs/my-student

The plain way is `generate` with 64 new tokens in fixed batches of 64, in fp32. `make` writes a
folder that `train --student` takes: T5 v1.1's shape with random weights, and a tokenizer made of
the answers' task.
"""

import argparse
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from train import SHAPES, VOCABULARY, build, describe
from transformers import AutoModelForSeq2SeqLM

from dsbs.artifacts.student_card import BEST, read_card
from dsbs.config.recipe import AnswerSources, DataSource
from dsbs.core.records import LABEL, Example
from dsbs.distillation.labeled_data import load_training_data, tokenizer_texts
from dsbs.distillation.methods import read_output
from dsbs.evaluation.load import load_for_evaluation
from dsbs.student.checkpoint import Student, load_student
from dsbs.student.predict import predict
from dsbs.student.tokenizer import train_tokenizer
from dsbs.tasks.labels import normalize


def make(shape: str, answers: Path, out: Path) -> None:
    """A student folder of this shape for the task that the answers belong to."""
    tokenizer = train_tokenizer(
        tokenizer_texts(load_training_data(DataSource(), AnswerSources((answers,)))), VOCABULARY
    )
    model = build(shape, "cpu")
    for config in (model.config, model.generation_config):
        config.pad_token_id = config.decoder_start_token_id = tokenizer.pad_token_id
        config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def measure(run: Path, rounds: int) -> None:
    """Predictions of a trained student's test rows, ours and the plain way in turns."""
    student, plain_model = (
        load_student(run / BEST),
        AutoModelForSeq2SeqLM.from_pretrained(run / BEST, dtype=torch.float32),
    )
    plain_student = replace(student, model=plain_model.to(student.model.device).eval())
    card = read_card(run / BEST)
    rows = list(load_for_evaluation(card, run / BEST).splits["test"])
    ways: dict[str, Callable[[], list[str | None]]] = {
        "generate, 64 new tokens, fixed batches of 64": lambda: _plain_labels(plain_student, rows),
        "ours, by generating": lambda: [p.label for p in predict(student, rows, decode="generate")],
        "ours, by scoring": lambda: [p.label for p in predict(student, rows, decode="score")],
    }
    seconds, said = dict.fromkeys(ways, math.inf), {}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.monotonic()
            said[name] = way()
            seconds[name] = min(seconds[name], time.monotonic() - started)
    plain, _, scored = ways
    print(
        f"{student.model.num_parameters():,} parameters on {describe(str(student.model.device))}, {len(rows):,} rows of test"
    )
    some = rows[:: max(1, len(rows) // 128)]
    one_by_one = dict(
        zip((row.id for row in some), _plain_scored(plain_student, some), strict=True)
    )
    for name in ways:
        pairs = [(a, b) for a, b in zip(said[name], said[plain], strict=True)]
        if name == scored:
            pairs = [
                (one_by_one[row.id], a)
                for row, a in zip(rows, said[name], strict=True)
                if row.id in one_by_one
            ]
        same, against = (
            sum(a == b for a, b in pairs) / len(pairs),
            "scored one by one" if name == scored else "generated",
        )
        print(
            f"{name:45} {seconds[name]:7.1f} s  {seconds[plain] / seconds[name]:6.2f} x  "
            f"{same:.1%} the same labels as {against} in fp32 ({len(pairs):,} rows)",
            flush=True,
        )


@torch.inference_mode()
def _plain_labels(student: Student, rows: Sequence[Example]) -> list[str | None]:
    card, found = student.card, []
    for at in range(0, len(rows), 64):
        texts = [card.prefixes[LABEL] + row.input for row in rows[at : at + 64]]
        inputs = student.tokenizer(texts, return_tensors="pt", padding=True).to(
            student.model.device
        )
        out = student.model.generate(**inputs, max_new_tokens=64, do_sample=False, num_beams=1)
        found += student.tokenizer.batch_decode(out, skip_special_tokens=True)
    kind, task = card.task.label.kind, card.task
    stated = [read_output(card.method, text.strip(), card.prefixes).label for text in found]
    return [
        normalize(kind, one, task.allowed(row.choices)) if one else None
        for one, row in zip(stated, rows, strict=True)
    ]


@torch.inference_mode()
def _plain_scored(student: Student, rows: Sequence[Example]) -> list[str]:
    """The likeliest label of each row by the model's own loss, a label at a time."""
    found, tokenizer = [], student.tokenizer
    for row in rows:
        inputs = tokenizer(student.card.prefixes[LABEL] + row.input, return_tensors="pt").to(
            student.model.device
        )
        scores = {}
        for label in student.card.task.allowed(row.choices):
            labels = tokenizer(text_target=label, return_tensors="pt").input_ids.to(
                student.model.device
            )
            scores[label] = -student.model(**inputs, labels=labels).loss.item() * labels.shape[1]
        found.append(max(scores, key=scores.__getitem__))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="what", required=True)
    making, measuring = commands.add_parser("make"), commands.add_parser("measure")
    making.add_argument("--shape", choices=SHAPES, default="small")
    making.add_argument("--answers", type=Path, required=True, help="run folder of generate")
    making.add_argument("--out", type=Path, required=True)
    measuring.add_argument("--run", type=Path, required=True, help="run folder of train")
    measuring.add_argument(
        "--rounds", type=int, default=2, help="of each way, in turns; the shortest counts"
    )
    given = parser.parse_args()
    if given.what == "make":
        make(given.shape, given.answers, given.out)
    else:
        torch.set_flush_denormal(True)
        measure(given.run, given.rounds)


if __name__ == "__main__":
    main()
