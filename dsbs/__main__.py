"""`dsbs STAGE ...` is `python -m dsbs.STAGE ...`. Only the chosen stage is imported."""

import importlib
import sys

from dsbs.cli.help import listing
from dsbs.core.errors import InputError, nearest
from dsbs.core.version import __version__

STAGES = {
    "generate": "Have a teacher answer the inputs of a task. Every answer is kept.",
    "answers": "Look into an answer store: count, list, export and re-parse, without a teacher.",
    "train": "Train one student by one method on a fraction of the data.",
    "evaluate": "Measure a trained student on a split it has not seen.",
    "contract": "Find which calls a student may answer: a threshold that keeps a promise, with "
    "confidence.",
    "compare": "Train and measure a grid of students: methods x labels x fractions x seeds.",
    "plan": "Choose before you spend: which teacher, which student, how much data, at what cost.",
    "report": "Write one page, figures and tables about runs of compare, train and generate.",
    "runs": "List runs with status, age, accuracy and folder.",
    "predict": "Label new inputs with a trained student.",
    "export": "Export a student for another run-time, and prove that its labels are the same.",
    "serve": "Answer calls over HTTP with a student, and some with its teacher under a contract.",
    "quickstart": "Run the whole pipeline in minutes on a small world that comes with dsbs.",
    "doctor": "Show what is installed, what is missing or broken, and the command that mends it.",
}


OPTIONS = {
    "--version": "Show the version of dsbs.",
    "--install-completion": "Install completion for your shell: bash, zsh, fish or powershell.",
    "--show-completion": "Print the completion script instead.",
}


def main() -> None:
    """Hand the command line to its stage; list the stages where none is named."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in STAGES:
        importlib.import_module(f"dsbs.{name}").STAGE.main(rest)
    elif name in ("--help", "-h"):
        about = "Distilling step-by-step: a small model of your own from a large one."
        print(listing("dsbs STAGE [FLAGS]", about, STAGES | OPTIONS))
    elif name == "--version":
        print(__version__)
    else:
        try:
            print(_completion(name, *rest))
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)


def _completion(name: str, shell: str = "", *_: str) -> str:
    """What `--install-completion` and `--show-completion` print. InputError for any other name."""
    if name not in OPTIONS:
        fix = nearest(name, [*STAGES, *OPTIONS])
        raise InputError("command line", got=f"stage {name!r}", expected="a stage", fix=fix)
    from dsbs.cli.completion import completion_script, install_completion

    stages = {stage: importlib.import_module(f"dsbs.{stage}").STAGE for stage in STAGES}
    if name == "--show-completion":
        return completion_script(stages, shell)
    return f"{install_completion(stages, shell)}: completion for dsbs; open a new shell to use it"


if __name__ == "__main__":
    main()
