"""Teachers that a user could take, from a file, and their order by each thing known of them."""

from collections.abc import Callable, Sequence
from math import log
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dsbs.config.plan import Size
from dsbs.core.errors import InputError
from dsbs.core.sizes import show_size
from dsbs.core.yaml_files import load_yaml
from dsbs.planning.plan import Part
from dsbs.scaling import laws


class Candidate(BaseModel):
    """One teacher of the user's list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Size
    """Parameters."""
    name: str = ""
    price_per_million_tokens: float | None = Field(None, ge=0)
    price_per_token: float | None = Field(None, ge=0)
    loss: Size | None = None
    """Nats per token. Default: the supervised law's."""
    accuracy: float | None = Field(None, ge=0, le=1)
    """Few-shot accuracy, measured on the task."""

    @model_validator(mode="after")
    def _one_price(self) -> "Candidate":
        if self.price_per_token is not None and self.price_per_million_tokens is not None:
            raise ValueError("one price: price_per_token or price_per_million_tokens")
        return self

    @property
    def price(self) -> float | None:
        """The price of a million tokens, in the user's own money."""
        if self.price_per_token is None:
            return self.price_per_million_tokens
        return 1e6 * self.price_per_token


class RankedCandidate(Part):
    """A candidate with what each law expects of it. Ranks start at 1, and equals share one."""

    name: str
    size: float
    price_per_million_tokens: float | None
    accuracy: float | None
    rank_accuracy: int | None
    """None without a measured accuracy."""
    loss: float
    loss_from: Literal["given", "scaling law"]
    student_loss: float
    """The student's loss with this teacher, by the scaling law."""
    rank_scaling_law: int
    gap_distance: float | None
    """How far its size is from the capacity gap's teacher, as a logarithm of their ratio."""
    rank_capacity_gap: int | None


def read_candidates(path: Path) -> list[Candidate]:
    """The teachers of a YAML list, which stands alone or under `teachers`.

    Raises:
        InputError: with the number of the first wrong teacher.
    """
    loaded = load_yaml(path)
    listed = loaded.get("teachers") if isinstance(loaded, dict) else loaded
    if not isinstance(listed, list) or not listed:
        got = type(listed).__name__ if listed is not None else "no teachers"
        fix = "write `- {name: small, size: 7B}` lines"
        raise InputError(path, got=got, expected="a list of teachers", fix=fix)
    return [
        _candidate(given, f"{path}: teacher {number}") for number, given in enumerate(listed, 1)
    ]


def rank(
    candidates: Sequence[Candidate],
    *,
    n_student: float,
    d_student: float,
    tokens_per_param: float,
    gap_teacher: float | None,
) -> list[RankedCandidate]:
    """The candidates, best first.

    They are ordered by accuracy if all have one, because it was measured on the task, and else by
    the student's loss that the scaling law predicts.

    Args:
        candidates: The teachers to rank.
        n_student: The student's parameters without embeddings.
        d_student: The student's tokens.
        tokens_per_param: Training tokens per parameter of a candidate whose loss is not given.
        gap_teacher: Parameters of the best teacher by the law of capacity gap; None if it has none.
    """
    losses = [c.loss or laws.supervised_loss(c.size, tokens_per_param * c.size) for c in candidates]
    student_losses = [laws.student_loss(n_student, d_student, teacher_loss=loss) for loss in losses]
    distances = [abs(log(c.size / gap_teacher)) if gap_teacher else None for c in candidates]
    accuracies = [c.accuracy for c in candidates]
    of_loss = _ranks(student_losses)
    of_distance = _ranks(distances)
    of_accuracy = _ranks(accuracies, highest_first=True)
    ranked = [
        RankedCandidate(
            name=candidate.name or show_size(candidate.size),
            size=candidate.size,
            price_per_million_tokens=candidate.price,
            accuracy=candidate.accuracy,
            rank_accuracy=of_accuracy(candidate.accuracy),
            loss=loss,
            loss_from="given" if candidate.loss else "scaling law",
            student_loss=student_loss,
            rank_scaling_law=of_loss(student_loss) or 0,
            gap_distance=distance,
            rank_capacity_gap=of_distance(distance),
        )
        for candidate, loss, student_loss, distance in zip(
            candidates, losses, student_losses, distances, strict=True
        )
    ]
    if None not in accuracies:
        return sorted(ranked, key=lambda candidate: candidate.rank_accuracy or 0)
    return sorted(ranked, key=lambda candidate: candidate.rank_scaling_law)


def _ranks(
    values: Sequence[float | None], *, highest_first: bool = False
) -> Callable[[float | None], int | None]:
    """A function from a value to its rank; None has none."""
    known = sorted({value for value in values if value is not None}, reverse=highest_first)
    return lambda value: None if value is None else 1 + known.index(value)


def _candidate(given: Any, where: str) -> Candidate:
    try:
        return Candidate.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "mapping"
        expected = first["msg"].removeprefix("Value error, ")
        got = repr(first.get("input"))[:80]
        fix = f"keys are: {', '.join(Candidate.model_fields)}"
        raise InputError(f"{where}: {place}", got=got, expected=expected, fix=fix) from None
