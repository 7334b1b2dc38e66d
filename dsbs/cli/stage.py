"""One stage on the command line: flags from its configuration, results, one-line errors."""

import contextlib
import inspect
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from cyclopts import App, CycloptsError, Parameter
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from dsbs.cli.flags import SHARED_FLAGS, Flag, flags_of
from dsbs.cli.help import listing
from dsbs.config.base import StageConfig
from dsbs.core.errors import InputError, nearest
from dsbs.core.files import find_file, read_yaml
from dsbs.core.progress import is_main_process
from dsbs.core.version import __version__

Config = TypeVar("Config", bound=StageConfig)

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
        sys.exit(run_app(self.app(), sys.argv[1:] if argv is None else argv))

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
        given = dict(bound.arguments)
        given.pop("json", None)
        return self.configure(**given)

    def configure(self, **given: Any) -> Config:
        """The configuration from flags, else from the `config` file, else from the `pipeline`."""
        settings: dict[str, Any] = {}
        if pipeline := given.pop("pipeline", None):
            path = find_file(pipeline, "pipelines")
            settings |= _known(
                _section(read_yaml(path), path, self.name),
                self.config,
                where=f"{path}: {self.name}",
            )
        if config := given.pop("config", None):
            settings |= _known(read_yaml(Path(config)), self.config, where=str(config))
        return build(self.config, settings | given)

    def _command(self) -> Callable[..., int]:
        def command(*values: Any, **given: Any) -> int:
            given |= dict(zip([self.config.positional], values, strict=False))
            as_json = given.pop("json", False)
            config = self.configure(**given)
            with _stdout_for_results():
                results = self.run(config)
            if is_main_process():
                shown = json_text(results) if as_json else self.show(results)
                for text in [shown] if isinstance(shown, str) else shown:
                    print(text)
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


def build(config: type[Config], settings: Mapping[str, Any]) -> Config:
    """The model of these settings; InputError with the first wrong one as its flag."""
    try:
        return config(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # settings that do not go together: "name: why"
            name, _, why = first["msg"].removeprefix("Value error, ").partition(": ")
            got = repr(settings.get(name, "nothing"))
            raise InputError(
                f"--{name.replace('_', '-')}", got=got, expected=why, fix="see --help"
            ) from None
        field = str(first["loc"][0])
        flag = field.upper() if field == config.positional else "--" + field.replace("_", "-")
        if first["type"] == "missing":
            raise InputError(
                flag, got="nothing", expected=_help(config, first["loc"]), fix=f"give {flag}"
            ) from None
        expected = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        fix = f"give {_help(config, first['loc'])}"
        raise InputError(
            flag, got=repr(first.get("input"))[:80], expected=expected, fix=fix
        ) from None


def plain(results: Any) -> Any:
    """Results as plain JSON values."""
    return to_jsonable_python(results)


def json_text(results: Any) -> str:
    """Results as one line of JSON."""
    return json.dumps(plain(results), ensure_ascii=False)


def run_app(app: App, argv: Sequence[str]) -> int:
    """Run the application and return its exit code.

    Bad input is one line on stderr and code 2. SIGTERM ends the command like Ctrl-C: what is open
    is closed, and child processes end too.
    """
    try:
        with _sigterm_as_interrupt():
            code = app(
                list(argv), print_error=False, exit_on_error=False, result_action="return_value"
            )
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except CycloptsError as error:
        text = " ".join(str(error).split()).rstrip(".")
        print(
            f"error: command line: got {text}; expected flags of this stage; see --help",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt as error:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 128 + (error.args[0] if error.args else signal.SIGINT)
    except BrokenPipeError:
        # The reader of stdout, a `head`, is gone; nothing else to tell it.
        sys.stderr.close()
        return 0
    return code if isinstance(code, int) else 0


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt with the signal's number on SIGTERM, as Python does on Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():  # only it may set handlers
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt(number)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _stdout_for_results() -> Iterator[None]:
    """What libraries, and processes that they start, print meanwhile goes to stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


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


def _help(config: type[StageConfig], location: Sequence[Any]) -> str:
    field = config.model_fields.get(str(location[0])) if location else None
    return (field.description or "see --help") if field else "see --help"


def _known(settings: Mapping[str, Any], config: type[StageConfig], where: str) -> dict[str, Any]:
    """Settings with underscores for hyphens. Raises InputError for a key that the stage lacks."""
    for key in settings:
        if str(key).replace("-", "_") not in config.model_fields:
            fix = nearest(str(key), config.model_fields)
            raise InputError(where, got=f"key {key!r}", expected="a setting of this stage", fix=fix)
    return {str(key).replace("-", "_"): value for key, value in settings.items()}


def _section(pipeline: Mapping[str, Any], path: Path, stage: str) -> Mapping[str, Any]:
    section = pipeline.get(stage)
    if not isinstance(section, Mapping):
        fix = f"it has: {', '.join(pipeline)}"
        raise InputError(
            path, got=f"no section {stage!r}", expected="a mapping of settings", fix=fix
        )
    return section
