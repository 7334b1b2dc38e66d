"""What callers send to `/predict` and what they get."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class PredictBody(BaseModel):
    """Rows to label."""

    model_config = ConfigDict(extra="forbid")

    rows: list[dict[str, Any]] = Field(description="Each has the columns of the task's input.")
    explain: bool = Field(False, description="Also a rationale for each row.")
    probabilities: bool = Field(True, description="Also the probability of each allowed label.")


class Labeled(BaseModel):
    """The answer to one row."""

    id: str | int | float
    label: str | None = Field(description="None where the student's text has no readable label.")
    source: Literal["student", "teacher"] = Field(description="Who answered.")
    probabilities: dict[str, float] | None = Field(
        None, description="The student's. None where labels are open or the teacher answered."
    )
    rationale: str | None = None
    marked: str = Field(
        "",
        description="Why the student answered although the contract leaves the row to the teacher.",
    )


class PredictReply(BaseModel):
    """The answers, in the order of the rows."""

    rows: list[Labeled]


class Health(BaseModel):
    """Whether the server answers, and how."""

    status: Literal["ok"] = "ok"
    run: str
    task: str
    runtime: str
    contract: Literal["none", "holds", "withdrawn"]
    teacher: Literal["none", "up", "down"]
