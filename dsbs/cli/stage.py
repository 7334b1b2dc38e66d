"""One stage on the command line: flags from its configuration, results, one-line errors."""

import inspect
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple

from cyclopts import App, Parameter
from pydantic_core import to_jsonable_python

from dsbs.cli.flags import SHARED_FLAGS, Flag, flags_of
from dsbs.cli.help import listing
from dsbs.cli.run import run_app
from dsbs.cli.settings import Config, configure
from dsbs.config.base import StageConfig
from dsbs.core import output
from dsbs.core.errors import InputError, nearest
from dsbs.core.known_secrets import printable, printable_json
from dsbs.core.progress import is_main_process
from dsbs.core.version import __version__

_EXIT_1 = frozenset({"incomplete", "broken"})
"""Statuses of results that say that something failed: rows, cells, or what is installed."""


@dataclass(frozen=True)
class Stage(Generic[Config]):
    """One stage: `python -m dsbs.<name>` and `dsbs <name>`.

    `run` does the work and returns a model of the results; `show` turns them into text for people,
    or into lines one by one as they come.
    """

    name: str
    config: type[Config]
    run: Callable[[Config], Any]
    show: Callable[[Any], str | Iterator[str]]

    @property
    def help(self) -> str:
        """What the stage is for, in one line."""
        return (inspect.getdoc(self.config) or "").splitlines()[0]

    def main(self, argv: Sequence[str] | None = None) -> None:
        """Run the command line and exit: 0, 1 where something failed, 2 for bad input."""
        code = run_app(self.app(), sys.argv[1:] if argv is None else argv)
        output.end_in_log()
        sys.exit(code)

    def app(self) -> App:
        """The stage as a cyclopts application, under its own name."""
        app = App(
            name=f"dsbs {self.name}",
            help=inspect.getdoc(self.config),
            version=__version__,
            help_format="plaintext",
            suppress_keyboard_interrupt=False,
        )
        app.default(self._command())
        return app

    def parse(self, argv: Sequence[str]) -> Config:
        """The configuration of a command line; nothing runs. Raises InputError for a bad one."""
        command, bound, _ = self.app().parse_args(
            list(argv), print_error=False, exit_on_error=False
        )
        del command
        return self.configure(**_split(bound.arguments)[0])

    def configure(self, **given: Any) -> Config:
        """The configuration from flags, else from the `config` file, else from the `pipeline`."""
        return configure(self.config, self.name, given)

    def _command(self) -> Callable[..., int]:
        def command(*values: Any, **given: Any) -> int:
            given |= dict(zip([self.config.positional], values, strict=False))
            settings, printing = _split(given)
            config = self.configure(**settings)
            with output.apart(quiet=printing.quiet, verbose=printing.verbose):
                results = self.run(config)
                if is_main_process():
                    shown = json_text(results) if printing.json else self.show(results)
                    clean = printable_json if printing.json else printable
                    for text in [shown] if isinstance(shown, str) else shown:
                        print(clean(text), file=output.results())
            return 1 if getattr(results, "status", "done") in _EXIT_1 else 0

        signature = inspect.Signature(_parameters(self.config))
        command.__signature__ = signature  # type: ignore[attr-defined]
        command.__name__ = self.name
        return command


@dataclass(frozen=True)
class StageGroup:
    """Several stages under one name: `dsbs NAME QUESTION`, each a Stage named "NAME QUESTION"."""

    name: str
    help: str
    stages: tuple[Stage[Any], ...]

    def main(self, argv: Sequence[str] | None = None) -> None:
        """Hand the command line to its question; list the questions where none is named."""
        argv = sys.argv[1:] if argv is None else argv
        if not argv or argv[0] in ("--help", "-h"):
            listed = {name: stage.help for name, stage in self._questions().items()}
            print(listing(f"dsbs {self.name} QUESTION [FLAGS]", self.help, listed))
            sys.exit(0)
        try:
            self.question(argv[0]).main(argv[1:])
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)

    def question(self, name: str) -> Stage[Any]:
        """The stage of a question; InputError for one that there is not."""
        if name not in self._questions():
            fix = nearest(name, self._questions())
            raise InputError(
                f"dsbs {self.name}", got=f"question {name!r}", expected="a question", fix=fix
            )
        return self._questions()[name]

    def parse(self, argv: Sequence[str]) -> StageConfig:
        """The configuration that a command line means, without running anything."""
        config: StageConfig = self.question(argv[0]).parse(argv[1:])
        return config

    def _questions(self) -> dict[str, Stage[Any]]:
        return {stage.name.removeprefix(f"{self.name} "): stage for stage in self.stages}


class _Printing(NamedTuple):
    """What a command prints."""

    json: bool
    quiet: bool
    verbose: bool


def _split(given: Mapping[str, Any]) -> tuple[dict[str, Any], _Printing]:
    """The settings of a stage, and how it prints. InputError for flags that contradict."""
    printing = _Printing(*(bool(given.get(name)) for name in _Printing._fields))
    if printing.quiet and printing.verbose:
        raise InputError("--quiet", got="--verbose too", expected="one of them", fix="drop one")
    return {k: v for k, v in given.items() if k not in _Printing._fields}, printing


def plain(results: Any) -> Any:
    """Results as plain JSON values."""
    return to_jsonable_python(results)


def json_text(results: Any) -> str:
    """Results as one line of JSON."""
    return json.dumps(plain(results), ensure_ascii=False)


def _parameters(config: type[StageConfig]) -> list[inspect.Parameter]:
    """Parameters for cyclopts: the positional one first, then the flags.

    Values pass through as text: the model alone says what is valid.
    """
    found = [_parameter(flag) for flag in flags_of(config)]
    return sorted(found, key=lambda parameter: parameter.kind)


def _parameter(flag: Flag) -> inspect.Parameter:
    """A flag that cyclopts omits when it was not given, so that a file can set it."""
    choices = f"[{', '.join(flag.choices)}]" if flag.choices else ""
    default = f"[default: {flag.default}]" if flag.default else ""
    parameter = Parameter(
        help=" ".join(filter(None, [flag.description, choices, default])),
        metavar=flag.value or None,
        # --no-shard takes back what a file sets; --json stands in no file.
        negative=() if flag in SHARED_FLAGS else None,
        negative_iterable=(),
        show_default=False,
    )
    kind: Any = bool if flag.kind is bool else list[str] if flag.listed else str
    bare = flag.positional
    return inspect.Parameter(
        flag.field,
        inspect.Parameter.POSITIONAL_ONLY if bare else inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, parameter],
    )
