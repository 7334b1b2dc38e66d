"""The base of all configurations, lists on the command line, and shared kinds of value."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import to_jsonable_python

from dsbs.core.redaction import public_setting

T = TypeVar("T")

_LARGEST = 2**63 - 1


def _split_commas(value: Any) -> Any:
    """A list: `--seeds 0,1`, `--seeds 0 --seeds 1`, or YAML's `seeds: [0, 1]` or `seeds: 0`."""
    if isinstance(value, str | int | float | Path):
        value = [value]
    if isinstance(value, Iterable):
        return [
            part
            for item in value
            for part in (item.split(",") if isinstance(item, str) else [item])
            if part != ""
        ]
    return value


Listed = Annotated[tuple[T, ...], BeforeValidator(_split_commas)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Decode = Literal["generate", "score"]
ScoreNorm = Literal["sum", "mean", "prior"]
"""How scores of labels are made comparable: see `student.score_norms`."""
RayAddress = Annotated[
    str | None,
    Field(description="ray: HOST:PORT of the cluster. Default: RAY_ADDRESS, else this machine's"),
]
RayCpus = Annotated[int, Field(ge=1, description="ray: processor cores per engine or student")]
RayGpus = Annotated[
    int | None,
    Field(
        ge=0, description="ray: GPUs per engine or student. Default: 1 where the cluster has any"
    ),
]


class Incidental:
    """Marks a setting that does not change the result."""


class Continues:
    """Marks a setting that may change once a run is done, if its stage can go on from there."""


class NamesInput:
    """Marks a setting that names an input. The run knows its content by hash, so it may move."""


class StageConfig(BaseModel):
    """Base of all: frozen, and an unknown key is an error. `defer_build` keeps `--help` fast."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, validate_default=True, allow_inf_nan=False
    )

    positional: ClassVar[str] = ""
    """The field whose value stands on the command line without a flag; it has none."""

    def resolved(self) -> dict[str, Any]:
        """All settings as plain JSON values: what a manifest keeps.

        Paths are absolute. In the place of a secret stands a hash of the whole.
        """
        values = {name: getattr(self, name) for name in type(self).model_fields}
        plain = {name: to_jsonable_python(_absolute(value)) for name, value in values.items()}
        return {name: public_setting(value) for name, value in plain.items()}

    @model_validator(mode="after")
    def _numbers_that_libraries_take(self) -> Self:
        for name in type(self).model_fields:
            value = getattr(self, name)
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, int) and abs(one) > _LARGEST:
                    raise ValueError(f"{name}: a number of at most {_LARGEST:,}")
        return self

    def identity(self, *, with_inputs: bool = True) -> dict[str, Any]:
        """The settings that make this run another than others, as plain JSON values."""
        other = {Incidental} if with_inputs else {Incidental, NamesInput}
        fields = type(self).model_fields
        return {
            name: value
            for name, value in self.resolved().items()
            if other.isdisjoint(part for part in fields[name].metadata if isinstance(part, type))
        }

    def marked(self, mark: type) -> set[str]:
        """The settings with this mark."""
        fields = type(self).model_fields
        return {name for name, field in fields.items() if mark in field.metadata}

    def default(self, name: str) -> Any:
        """The default of a setting as a plain JSON value; None where it has none."""
        field = type(self).model_fields.get(name)
        if field is None or field.is_required():
            return None
        return to_jsonable_python(_absolute(field.get_default()))

    def slug(self, *more: object) -> str:
        """Eight hex digits of the identity, for folder names."""
        identity = json.dumps([self.identity(), *map(str, more)], sort_keys=True)
        return hashlib.sha256(identity.encode()).hexdigest()[:8]


def _absolute(value: Any) -> Any:
    """A path, or each path of a list, as absolute text; anything else as it is."""
    if isinstance(value, tuple):
        found = [_absolute(item) for item in value]
        return found if found != list(value) else value
    return str(value.resolve()) if isinstance(value, Path) else value


Duplicates = Literal["auto", "always", "never"]


Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""What NumPy takes."""
Seeds = Listed[Seed]
