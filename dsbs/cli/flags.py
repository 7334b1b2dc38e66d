"""The flags of a command, from its configuration model: for parser, completion, reference."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from dsbs.config.base import StageConfig


@dataclass(frozen=True)
class Flag:
    """One setting of a command."""

    field: str
    """Its name in the configuration model, in YAML files and in the Python API."""
    kind: type
    """The type of one value; `str` where `choices` lists them."""
    description: str
    choices: tuple[str, ...] = ()
    listed: bool = False
    """Whether it takes several values."""
    positional: bool = False
    """Whether it stands on the command line without a name."""
    required: bool = False
    default: str = ""
    """The default as one would type it; empty where there is nothing to show."""

    @property
    def typed(self) -> str:
        """As it is typed: `--data-frac`, or `RUNS` for one that stands without a name."""
        return self.field.upper() if self.positional else flag_name(self.field)

    @property
    def value(self) -> str:
        """What follows the name: `FLOAT`, `CHOICE,...`; empty for a flag that is given or not."""
        if self.kind is bool:
            return ""
        return ("CHOICE" if self.choices else self.kind.__name__.upper()) + ",..." * self.listed


def flag_name(field: str) -> str:
    """The flag of a setting. A setting named like a word of Python ends in an underscore.

    >>> flag_name("with_")
    '--with'
    """
    return f"--{field.rstrip('_').replace('_', '-')}"


SHARED_FLAGS = (
    Flag("config", Path, "YAML file with any of these settings; flags win"),
    Flag(
        "pipeline",
        str,
        "packaged pipeline or .yaml: this stage's section of it; --config and flags win",
    ),
    Flag("json", bool, "print exactly one JSON object on stdout"),
    Flag("quiet", bool, "print results and errors only, no progress and no notices"),
    Flag(
        "verbose",
        bool,
        "also print what engines and libraries print, on stderr; default: into "
        "run.log in the run folder",
    ),
)
"""Flags of every command, which no configuration model has."""


def flags_of(config: type[StageConfig]) -> Iterator[Flag]:
    """Every flag of a command in the order of its model, the shared ones last."""
    for name, field in config.model_fields.items():
        yield _flag(name, field, positional=name == config.positional)
    yield from SHARED_FLAGS


def _flag(name: str, field: FieldInfo, *, positional: bool) -> Flag:
    kind, listed = _one_value(field.annotation)
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    return Flag(
        name,
        str if choices else kind,
        field.description or "",
        choices,
        listed,
        positional,
        required=field.is_required(),
        default=_shown(field.default),
    )


def _one_value(annotation: Any) -> tuple[Any, bool]:
    """The type of one value of a field, and whether the field takes a list of them."""
    if get_origin(annotation) is Annotated:
        return _one_value(get_args(annotation)[0])
    if get_origin(annotation) is tuple:
        return _one_value(get_args(annotation)[0])[0], True
    if get_origin(annotation) in (Union, types.UnionType):
        return _one_value(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation, False


def _shown(default: Any) -> str:
    # Not `default in (None, False)`, which 0 would be as well.
    if default is None or default is False or default in ((), PydanticUndefined):
        return ""
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
