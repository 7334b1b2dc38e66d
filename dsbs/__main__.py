"""`dsbs STAGE ...` is `python -m dsbs.STAGE ...`. Only the chosen stage is imported."""

import importlib
import sys

from dsbs.cli.help import listing
from dsbs.core.errors import nearest

STAGES = {
    "generate": "Have a teacher answer the inputs of a task; every answer is kept and ends in exactly one outcome.",
    "answers": "Look into an answer store: count, list, export and re-parse, without a teacher.",
    "train": "Train one student by one method on a fraction of the data.",
    "evaluate": "Measure a trained student on a split it has not seen.",
    "compare": "Train and measure a grid of students: methods x labels x fractions x seeds.",
    "plan": "Choose before spending: which teacher, which student, how much data, and what it costs.",
    "report": "Write one self-contained page, figures and tables about runs of compare, train and generate.",
    "runs": "List runs with status, age, accuracy and folder.",
    "predict": "Label new inputs with a trained student.",
    "quickstart": "Go the whole way in minutes on a small world that travels with dsbs: teacher, students, comparison.",
}


def main() -> None:
    """Hand the command line to its stage; list the stages where none is named."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in STAGES:
        importlib.import_module(f"dsbs.{name}").STAGE.main(sys.argv[2:])
    elif name in ("--help", "-h"):
        print(
            listing(
                "dsbs STAGE [FLAGS]",
                "Distilling step-by-step: a small model of your own from a large one.",
                STAGES,
            )
        )
    elif name == "--version":
        print(importlib.import_module("dsbs").__version__)
    else:
        print(
            f"error: command line: got stage {name!r}; expected a stage; {nearest(name, STAGES)}",
            file=sys.stderr,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
