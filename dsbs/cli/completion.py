"""Shell completion: a script that knows every command, question, flag and choice, made by cyclopts.

The script is plain shell. It starts no Python, so completing a flag costs nothing.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from cyclopts import App, Parameter
from cyclopts.completion import ShellDetectionError, detect_shell

from dsbs.cli.flags import Flag, flags_of
from dsbs.cli.stage import Stage, StageGroup
from dsbs.core.errors import InputError, nearest
from dsbs.core.version import __version__

Shell = Literal["bash", "fish", "powershell", "zsh"]


def install_completion(stages: Mapping[str, Stage[Any] | StageGroup], shell: str = "") -> Path:
    """Write the completion script where the shell looks for it, and have the shell load it.

    Args:
        stages: Every command by its name.
        shell: bash, zsh, fish or powershell. Default: the shell that runs this command.

    Returns:
        The file that was written.
    """
    return completion_app(stages).install_completion(shell=_known_shell(shell))


def completion_script(stages: Mapping[str, Stage[Any] | StageGroup], shell: str = "") -> str:
    """The completion script itself, for a system that keeps such files elsewhere."""
    return completion_app(stages).generate_completion(shell=_known_shell(shell))


def completion_app(stages: Mapping[str, Stage[Any] | StageGroup]) -> App:
    """All commands as one cyclopts application. It is only described, never run."""
    app = App(name="dsbs", help="Distilling step-by-step.", version=__version__)
    for name, stage in stages.items():
        if isinstance(stage, StageGroup):
            group = App(name=name, help=stage.help, version_flags=())
            for question in stage.stages:
                group.command(_command(question, question.name.removeprefix(f"{name} ")))
            app.command(group)
        else:
            app.command(_command(stage, name))
    return app


def _command(stage: Stage[Any], name: str) -> App:
    def described(*values: Any, **given: Any) -> None:
        """Never called."""

    parameters = sorted(map(_parameter, flags_of(stage.config)), key=lambda found: found.kind)
    described.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    app = App(name=name, help=stage.help, version_flags=())
    app.default(described)
    return app


def _parameter(flag: Flag) -> inspect.Parameter:
    """A flag with its real type, from which cyclopts completes choices and file names."""
    kind: Any = Literal[flag.choices] if flag.choices else flag.kind
    parameter = Parameter(help=flag.description, negative_iterable=(), negative=())
    return inspect.Parameter(
        flag.field,
        inspect.Parameter.POSITIONAL_ONLY if flag.positional else inspect.Parameter.KEYWORD_ONLY,
        default=False if kind is bool else None,
        annotation=Annotated[list[kind] if flag.listed else kind, parameter],
    )


def _known_shell(name: str) -> Any:
    if not name:
        try:
            return detect_shell()
        except ShellDetectionError:
            pass
    if name not in get_args(Shell):
        raise InputError(
            "shell",
            got=repr(name) if name else "no name, and none was detected",
            expected="the name of a shell",
            fix=nearest(name, get_args(Shell)),
        )
    return name
