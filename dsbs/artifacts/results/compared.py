"""What is compared besides methods: further axes of a comparison, and its teachers."""

from typing import Literal

from dsbs.artifacts.results.base import Result, Score
from dsbs.config.axes import FURTHER, AxisName, Level


class Levels(Result):
    """The further axes of a comparison. None: all its students have one value of the axis, or it
    makes no difference to this one.
    """

    teacher: str | None = None
    """Whose answers were learned; a name of `CompareResult.teachers`."""
    extra: str | None = None
    """Further training inputs: "none", or the task that they are of."""
    alpha: float | None = None
    rationale_filter: str | None = None
    rationale_frac: float | None = None
    rationales_per_example: int | None = None
    max_rationale_tokens: int | Literal["all"] | None = None

    @property
    def levels(self) -> dict[AxisName, Level]:
        """Those that are not None, by axis."""
        known = ((name, getattr(self, name)) for name in FURTHER)
        return {name: level for name, level in known if level is not None}


class TeacherResult(Result):
    """A teacher that answers the test questions itself."""

    name: str
    """Its value on the axis `teacher`: the name of its run folder."""
    models: list[str]
    """The models that answered, one per run of generate."""
    answers: list[str]
    """The run folders."""
    method: Literal["few-shot CoT", "zero-shot CoT"] = "few-shot CoT"
    parameters: float | None = None
    """As given, or as the name of its model or run states; None where neither is known."""
    score: Score | None = None
    """On the gold test rows that it answered; None without any."""
    published_accuracy: float | None = None
    """By the rule of the published code."""
    needs_teacher: Literal[True] = True
