"""The main training options against plain step-by-step, one comparison each, kept as a table.

    python benchmarks/options.py --answers runs/quickstart/answers --student quickstart --data-frac 0.25 --max-steps 400 \
        --soft-labels --soft-teacher RUN --out runs/options --write docs/options.md

Every option is a run of `dsbs compare` in a folder of its own, with the same rows and seeds: what
is done is skipped, what was interrupted goes on. Intervals are Wilson's over test questions, of all
seeds together.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsbs import api
from dsbs.core.tables import percent
from dsbs.metrics.accuracy import interval

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "plain step-by-step": {},
    "standard": {"methods": "standard"},
    "label, then rationale": {"methods": "label_then_rationale"},
    "a third of the rationales": {"rationale_frac": 0.33},
    "rationales cut to 10 tokens": {"max_rationale_tokens": 10},
    "alpha from 1 to 0.5": {"alpha_schedule": "linear"},
    "mean over examples": {"loss_mean": "examples"},
    "right rationales only": {"rationale_filter": "correct"},
    "Adafactor": {"optimizer": "adafactor", "learning_rate": 0.01},
    "soft labels, T = 2": {"soft_weight": 0.5, "soft_temperature": 2.0},
    "soft tokens of a better student": {"soft_weight": 0.5, "soft_temperature": 2.0},
}
"""At most twelve. Soft labels need answers with distributions, soft tokens another student: left
out where there is none.
"""

HEADING = """# Training options against plain step-by-step, as measured

On the quickstart's small world, {rows}, {seeds} seeds, labels of the teacher.
One small world made to show the effect of rationales: what helps here need not help elsewhere, and three seeds claim
nothing about a method. Intervals are over the test questions of all seeds together, not over seeds; beside them stand the
worst and the best seed. Seconds are of processor time, one thread. What every option does is in [training.md](training.md).

Made by

    {command}

{table}
"""

SOFT_LABELS, SOFT_TOKENS = "soft labels, T = 2", "soft tokens of a better student"


def measure(
    name: str, options: Mapping[str, Any], shared: Mapping[str, Any], out: Path
) -> dict[str, Any]:
    """One option: right answers over all seeds, its interval, the spread over seeds, and the
    training time of a run.
    """
    folder = out / name.replace(" ", "-").replace(",", "").replace("=", "")
    results = api.compare(
        **{"methods": "step_by_step", "baselines": (), **shared, **options}, out=folder
    )
    done = [cell for cell in results["cells"] if cell["status"] == "done"]
    scores = [cell["score"] for cell in done]
    n, correct = sum(score["n"] for score in scores), sum(score["correct"] for score in scores)
    times = [
        json.loads((Path(cell["out"]) / "manifest.json").read_text())["cpu_s"] for cell in done
    ]
    accuracies = [cell["accuracy"] for cell in done]
    return {
        "name": name, "n": n, "accuracy": correct / n, "interval": interval(correct, n), "lowest": min(accuracies),
        "highest": max(accuracies), "seconds": sum(times) / len(times), "seeds": len(done),
    }  # fmt: skip


def table(rows: list[dict[str, Any]], plain: float) -> str:
    """The table as Markdown, in the order measured."""
    lines = [
        "| option | accuracy | 95 % | worst and best seed | against plain | seconds a run |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = map(percent, row["interval"])
        seeds = f"{percent(row['lowest'])}, {percent(row['highest'])}"
        change = f"{100 * (row['accuracy'] - plain):+.1f}"
        lines.append(
            f"| {row['name']} | {percent(row['accuracy'])} | {low} to {high} | {seeds} | {change} | {row['seconds']:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure all that can be measured with what is given, and print or write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--answers", required=True, help="run folder of generate; several with commas"
    )
    parser.add_argument("--data")
    parser.add_argument("--student", default="tiny")
    parser.add_argument("--data-frac", type=float, default=0.25)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--max-steps", type=int)
    parser.add_argument("--precision")
    parser.add_argument("--labels", default="teacher")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--soft-teacher", help="better student of the same vocabulary")
    parser.add_argument(
        "--soft-labels", action="store_true", help="the answers have label distributions"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--write", type=Path, help="file to write the table to")
    given = vars(parser.parse_args())
    out, write, soft_teacher, soft_labels = (
        given.pop(name) for name in ("out", "write", "soft_teacher", "soft_labels")
    )
    shared = {name: value for name, value in given.items() if value is not None} | {
        "data_fracs": given["data_frac"]
    }
    del shared["data_frac"]
    chosen = {name: dict(options) for name, options in OPTIONS.items()}
    if soft_teacher:
        chosen[SOFT_TOKENS]["soft_teacher"] = soft_teacher
    left_out = ([] if soft_labels else [SOFT_LABELS]) + ([] if soft_teacher else [SOFT_TOKENS])
    rows = [
        measure(name, options, shared, out)
        for name, options in chosen.items()
        if name not in left_out
    ]
    text = table(rows, rows[0]["accuracy"])
    print(text)
    if write:
        rows_of = f"{given['data_frac']:.0%} of the training questions, {given['max_steps'] or 'the preset’s'} steps"
        command = " ".join(["python", *sys.argv])
        told = HEADING.format(rows=rows_of, seeds=rows[0]["seeds"], command=command, table=text)
        write.write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()
