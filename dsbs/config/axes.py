"""What the students of a comparison may differ in: one small type for every axis of its grid."""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from dsbs.config.presets import base_name
from dsbs.config.train import TrainConfig

AxisName = Literal[
    "student",
    "teacher",
    "extra",
    "labels",
    "data_frac",
    "method",
    "alpha",
    "rationale_filter",
    "rationale_frac",
    "rationales_per_example",
    "max_rationale_tokens",
]
"""Everything that students are compared by; seeds are what they are paired by."""

Level = str | float | int
"""The value of an axis as tables, folders and --skip name it."""

Chosen = Mapping[str, Any]
"""The settings of one cell by name, those of `dsbs train`."""


def _always(chosen: Chosen) -> bool:
    return True


def uses_teacher(chosen: Chosen) -> bool:
    """Whether anything of the answers is learned."""
    soft = chosen.get("soft_weight", 0) > 0 and not chosen.get("soft_teacher")
    gold_alone = chosen["labels"] == "gold" and chosen["method"] == "standard"
    return soft or not gold_alone


def uses_extra(chosen: Chosen) -> bool:
    """Whether further inputs can be learned: they have no gold label."""
    return bool(chosen["labels"] != "gold")


def uses_alpha(chosen: Chosen) -> bool:
    """Whether there are two tasks to weigh."""
    return bool(chosen["method"] == "step_by_step")


def uses_rationales(chosen: Chosen) -> bool:
    """Whether rationales are learned or read."""
    return bool(chosen["method"] != "standard")


class Value(NamedTuple):
    """One value of an axis."""

    level: Level
    setting: Any
    """What `dsbs train` gets."""


@dataclass(frozen=True)
class Axis:
    """One thing that the students of a comparison may differ in."""

    name: str
    """A name of `AxisName`, or "seed"."""
    setting: str
    """The setting of `dsbs train` that it sets."""
    values: tuple[Value, ...]
    acts: Callable[[Chosen], bool] = _always
    """Whether it makes any difference to a cell with these settings."""

    @property
    def idle(self) -> Value:
        """The value of a cell that it makes no difference to: without parts, else the first."""
        return next((value for value in self.values if value.setting == ()), self.values[0])


@dataclass(frozen=True)
class GridCell:
    """One student to train."""

    settings: TrainConfig
    levels: Mapping[str, Level] = field(default_factory=dict)
    """Its value of each further axis that has several and makes a difference to it."""


def axis(
    name: AxisName | Literal["seed"],
    values: Iterable[Any],
    setting: str = "",
    acts: Callable[[Chosen], bool] = _always,
) -> Axis:
    """An axis whose values are named as they are given."""
    return Axis(name, setting or name, tuple(Value(value, value) for value in values), acts)


def extra_parts(text: str) -> tuple[str, ...]:
    """The parts of one value: "a=X+b=Y" has two, "none" has none."""
    return () if text == "none" else tuple(re.split(r"\+(?=[^+=]+=)", text))


def runs_of(place: Path) -> tuple[Path, ...]:
    """The runs of one teacher: "A+B" are two, unless a folder has this very name."""
    if "+" not in str(place) or place.exists():
        return (place,)
    return tuple(map(Path, str(place).split("+")))


def extra_name(named_path: str) -> str:
    """ "asdiv=ASDiv.xml" -> "asdiv"."""
    return Path(named_path.partition("=")[0]).stem


def matching(entry: str, axes: Sequence[Axis]) -> dict[str, str]:
    """The axes and values that an entry of --skip names; {} where it is none of the grid's.

    A value alone is none: an axis can do without it.
    """
    found: dict[str, str] = {}
    parts = entry.split(":")
    for part in parts:
        name, _, value = part.rpartition("=")
        said = _said(value)
        found |= {
            one.name: said
            for one in axes
            if name in ("", one.name) and said in {_said(v.level) for v in one.values}
        }
    return found if 1 < len(found) == len(parts) else {}


def fits(entry: Mapping[str, str], levels: Mapping[str, Level]) -> bool:
    """Whether a cell with these values, of the axes that matter to it, is one that --skip names."""
    return all(name in levels and _said(levels[name]) == said for name, said in entry.items())


def _said(level: Level) -> str:
    """A value as it may be typed: 1 for 1.0."""
    try:
        return f"{float(level):g}"
    except ValueError:
        return str(level)


def named(values: Sequence[tuple[Any, ...]], name: Callable[[Any], str]) -> tuple[Value, ...]:
    """Values that are named by their parts. Equal names get a number."""
    found: list[Value] = []
    times: Counter[str] = Counter()
    for value in values:
        level = "+".join(map(name, value)) or "none"
        times[level] += 1
        found.append(Value(f"{level}-{times[level]}" if times[level] > 1 else level, value))
    return tuple(found)


def folder_name(place: object) -> str:
    """How a run of generate is named: by its folder."""
    return base_name(str(place))


def cells_of(
    axes: Sequence[Axis],
    shared: Chosen,
    *,
    skipped: Sequence[Mapping[str, str]],
    train: Callable[[Chosen], TrainConfig],
) -> Iterator[GridCell]:
    """Every different cell of the grid, the last axis innermost.

    An axis that makes no difference to a cell does not multiply it.

    Args:
        axes: The axes, all with values.
        shared: Settings of `dsbs train` that all cells share.
        skipped: What `matching` has read of the cells to leave out.
        train: Makes the settings of a cell.
    """
    seen = set()
    for values in itertools.product(*(one.values for one in axes)):
        chosen = {**shared, **{a.setting: v.setting for a, v in zip(axes, values, strict=True)}}
        acting = [one.acts(chosen) for one in axes]
        picked = zip(axes, values, acting, strict=True)
        levels = {one.name: value.level for one, value, acts in picked if acts}
        key = tuple(levels.items())
        if key in seen or any(fits(entry, levels) for entry in skipped):
            continue
        seen.add(key)
        idle = {
            one.setting: one.idle.setting
            for one, acts in zip(axes, acting, strict=True)
            if not acts
        }
        yield GridCell(train({**chosen, **idle}), _further(axes, levels))


def _further(axes: Sequence[Axis], levels: Mapping[str, Level]) -> dict[str, Level]:
    """The values of those further axes that have several."""
    several = {one.name for one in axes if one.name in FURTHER and len(one.values) > 1}
    return {name: level for name, level in levels.items() if name in several}


FURTHER: tuple[AxisName, ...] = (
    "teacher",
    "extra",
    "alpha",
    "rationale_filter",
    "rationale_frac",
    "rationales_per_example",
    "max_rationale_tokens",
)
"""Axes that have one value unless several are given. Only then do results name it."""
