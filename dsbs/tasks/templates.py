"""Templates of task files, filled in within bounds of time and size.

A task file may come from somebody else, so its templates run in Jinja2's sandbox, and every turn of
a loop, call, filter and value costs work. A rendering that costs too much ends in an error. What is
about to become large costs before it is made: `"x" * 10**9` makes nothing.

This module loads Jinja2. Others import it inside functions, because --help shall not wait for it.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from jinja2 import StrictUndefined, TemplateRuntimeError, Undefined, nodes, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dsbs.core.errors import InputError, brief
from dsbs.tasks.template_costs import MOST_WORK, call_cost, operator_cost, size_of

_PER_CHAR = 20
"""Further units per character of the row, so that long rows are no error."""
_LONGEST_SOURCE = 100_000
_CALL = 20
_TURN = 10

_REFUSED_FILTERS = ("urlize", "xmlattr", "pprint", "random")
"""Filters whose result may be any size, or another one each time."""
_REFUSED_NAMES = ("lipsum", "cycler", "joiner", "namespace")
_COUNTED = "counted turns"
_SIZED = "sized value"
"""Filters that are put into every template. No template can name them."""

Rendered = Callable[[Mapping[str, Any]], Any]


class TooMuchWork(TemplateRuntimeError):
    """A template takes too long, or makes something too large."""


class _Work:
    """What a rendering may still do."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._left = MOST_WORK
        self._values: Mapping[str, Any] | None = values

    def spend(self, units: float) -> None:
        """Count work. Raises TooMuchWork where nothing is left."""
        self._left -= int(min(units, 1e15))
        if self._left < 0 and self._values is not None:
            values = self._values
            self._values = None
            self._left += _PER_CHAR * size_of(values, most=100 * MOST_WORK)
        if self._left < 0:
            raise TooMuchWork("a loop, a value or a text that is too large")


_work: ContextVar[_Work | None] = ContextVar("work", default=None)


def rendering(template: Callable[..., Any]) -> Rendered:
    """The function that fills in a template of `environment`, within the bounds."""

    def rendered(values: Mapping[str, Any]) -> Any:
        before = _work.set(_Work(values))
        try:
            return template(values)
        finally:
            _work.reset(before)

    return rendered


def template_error(error: Exception, source: str, where: str) -> InputError:
    """What is wrong with a template, in one line. A template is code, and may fail in any way."""
    got = f"{type(error).__name__}: {brief(str(error), 300)[1:-1]}"
    expected = "a template that can be filled in"
    fix = f"mend it in the task file: {brief(source, 120)}"
    return InputError(where, got=got, expected=expected, fix=fix)


def environment(finalize: Callable[[Any], Any] | None = None) -> "BoundedEnvironment":
    """An environment without autoescape: its results are texts for a model, not HTML.

    Args:
        finalize: What `{{ ... }}` writes for a value. Default: the value.
    """
    return BoundedEnvironment(
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        finalize=functools.partial(_written, finalize),
    )


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, in which everything costs work."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "**", "%"])

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name in _REFUSED_FILTERS:
            del self.filters[name]
        for name in _REFUSED_NAMES:
            del self.globals[name]
        self.filters = {name: _bounded(name, one) for name, one in self.filters.items()}
        self.filters |= {_COUNTED: _counted, _SIZED: _sized}

    def compile(self, source: Any, *arguments: Any, **options: Any) -> Any:
        """See `jinja2.Environment`. Raises TooMuchWork for a source that is too long."""
        if isinstance(source, str) and len(source) > _LONGEST_SOURCE:
            raise TooMuchWork(f"a template of {len(source):,} characters")
        return super().compile(source, *arguments, **options)

    def _generate(self, source: nodes.Template, *arguments: Any, **options: Any) -> str:
        """The code of a template, in which loops count and values are measured."""
        for loop in list(source.find_all(nodes.For)):
            text = sum(len(data.data) for data in loop.find_all(nodes.TemplateData))
            loop.iter = _filtered(loop.iter, _COUNTED, nodes.Const(_TURN + text))
        _measure_values(source)
        return super()._generate(source, *arguments, **options)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """See `jinja2.sandbox`."""
        _spend(_CALL + operator_cost(operator, left, right))
        return _sized(super().call_binop(context, operator, left, right))

    def call(__self, __at: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """See `jinja2.sandbox`. Names as there, so that a keyword may have any."""
        _spend(_CALL)
        method = getattr(__obj, "__wrapped__", __obj)  # of str.format, which the sandbox wraps
        of = getattr(method, "__self__", None)
        if args and (isinstance(__obj, LoopContext) or getattr(method, "__name__", "") == "join"):
            args = (list(_each(args[0])), *args[1:])
        if isinstance(of, str | bytes | int):
            _spend(call_cost(method.__name__, of, args, kwargs))
        return _sized(super().call(__at, __obj, *args, **kwargs))


def _measure_values(node: nodes.Node) -> None:
    """Have every list, mapping and joined text of a template measured once it is made."""
    for child in list(node.iter_child_nodes()):
        _measure_values(child)
    for name, value in list(node.iter_fields()):
        if isinstance(value, list):
            setattr(node, name, [_measured(one) for one in value])
        else:
            setattr(node, name, _measured(value))


def _measured(value: Any) -> Any:
    makes = isinstance(value, nodes.Concat | nodes.List | nodes.Dict) or (
        isinstance(value, nodes.Tuple) and value.ctx == "load"
    )
    return _filtered(value, _SIZED) if makes else value


def _filtered(node: Any, name: str, *arguments: nodes.Expr) -> Any:
    made = nodes.Filter(node, name, list(arguments), [], None, None)
    return made.set_lineno(node.lineno).set_environment(node.environment)


def _spend(units: float) -> None:
    work = _work.get() or _Work({})  # none while a template is compiled
    work.spend(units)


@pass_context  # so that it is not computed beforehand
def _counted(context: Context, values: Iterable[Any], cost: int) -> Iterator[Any]:
    for value in values:
        _spend(cost)
        yield value


def _sized(value: Any) -> Any:
    """The value, whose size is spent."""
    _spend(size_of(value, most=MOST_WORK))
    return value


def _written(finalize: Callable[[Any], Any] | None, value: Any) -> Any:
    if not isinstance(value, Undefined):
        _sized(value)
    return finalize(value) if finalize is not None else value


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose call and result cost work. Its value may come after Jinja2's own argument."""
    at = 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def bounded(*arguments: Any, **options: Any) -> Any:
        given = list(arguments)
        if name in ("join", "sum") and not isinstance(given[at], str | list | tuple):
            given[at] = list(_each(given[at]))
        _spend(_CALL + call_cost(name, given[at], given[at + 1 :], options))
        return _sized(function(*given, **options))

    return bounded


def _each(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        _spend(1)
        yield value
