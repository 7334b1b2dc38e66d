"""Teachers a user could take, from a file, and their order by each thing that is known of them."""

from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dsbs.config.plan import Size
from dsbs.core.errors import InputError
from dsbs.core.files import load_yaml
from dsbs.core.sizes import show_size
from dsbs.scaling import laws


class Candidate(BaseModel):
    """One teacher of the list. `loss`: its own, nats a token; `accuracy`: measured few-shot on the task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Size
    name: str = ""
    price_per_million_tokens: float | None = Field(None, ge=0)
    price_per_token: float | None = Field(None, ge=0)
    loss: Size | None = None
    accuracy: float | None = Field(None, ge=0, le=1)

    @model_validator(mode="after")
    def _one_price(self) -> "Candidate":
        if self.price_per_token is not None and self.price_per_million_tokens is not None:
            raise ValueError("one price: price_per_token or price_per_million_tokens")
        return self

    @property
    def price(self) -> float | None:
        """Of a million tokens, in whatever money the user counts."""
        return (
            self.price_per_million_tokens
            if self.price_per_token is None
            else 1e6 * self.price_per_token
        )


def read_candidates(path: Path) -> list[Candidate]:
    """The teachers of a YAML list (alone, or under `teachers`). InputError with the number of the first wrong one."""
    loaded = load_yaml(path)
    listed = loaded.get("teachers") if isinstance(loaded, dict) else loaded
    if not isinstance(listed, list) or not listed:
        got = type(listed).__name__ if listed is not None else "no teachers"
        raise InputError(
            path,
            got=got,
            expected="a list of teachers",
            fix="write `- {name: small, size: 7B}` lines",
        )
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
) -> list[dict[str, Any]]:
    """What each law says of each candidate, with its rank by predicted student loss, by capacity gap and by accuracy.

    A loss that is not given is the supervised law's at `tokens_per_param` (`loss_from` says which). Best first: by accuracy
    where all have one, for it was measured on the task; else by predicted loss.
    """
    rows = []
    for candidate in candidates:
        loss = candidate.loss or laws.supervised_loss(
            candidate.size, tokens_per_param * candidate.size
        )
        rows.append(
            {
                "name": candidate.name or show_size(candidate.size),
                "size": candidate.size,
                "price_per_million_tokens": candidate.price,
                "accuracy": candidate.accuracy,
                "loss": loss,
                "loss_from": "given" if candidate.loss else "scaling law",
                "student_loss": laws.student_loss(n_student, d_student, teacher_loss=loss),
                "gap_distance": None
                if gap_teacher is None
                else abs(log(candidate.size / gap_teacher)),
            }
        )
    _number(rows, "student_loss", "rank_scaling_law")
    _number(rows, "gap_distance", "rank_capacity_gap")
    _number(rows, "accuracy", "rank_accuracy", highest_first=True)
    measured = all(row["accuracy"] is not None for row in rows)
    return sorted(rows, key=lambda row: row["rank_accuracy" if measured else "rank_scaling_law"])


def _number(
    rows: list[dict[str, Any]], key: str, rank_key: str, *, highest_first: bool = False
) -> None:
    """Ranks from 1, the same for equals, None for those without the value."""
    values = sorted({row[key] for row in rows if row[key] is not None}, reverse=highest_first)
    for row in rows:
        row[rank_key] = None if row[key] is None else 1 + values.index(row[key])


def _candidate(given: Any, where: str) -> Candidate:
    try:
        return Candidate.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "mapping"
        expected = first["msg"].removeprefix("Value error, ")
        fix = f"keys are: {', '.join(Candidate.model_fields)}"
        raise InputError(
            f"{where}: {place}", got=repr(first.get("input"))[:80], expected=expected, fix=fix
        ) from None
