"""What `predict` is given."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from dsbs.config.base import StageConfig


class PredictConfig(StageConfig):
    """Label new inputs with a trained student."""

    run: Path = Field(
        description="Run folder of train, or its best/, or a copy of that, or an export."
    )
    input: str = Field(
        "-",
        description="CSV, JSON lines or Parquet with the task's fields. "
        "-: JSON lines from standard input.",
    )
    explain: bool = Field(False, description="Also generate a rationale.")
    scores: bool = Field(False, description="Also score every allowed label.")
    contract: Path | None = Field(
        None,
        description="Contract of this student: rows that it leaves to the teacher are marked "
        "(local: false) and have no label.",
    )
    ask_teacher: Path | None = Field(
        None,
        description="Run folder of generate whose teacher labels the rows that are left, through "
        "its store of answers. Needs --contract.",
    )
    batch_size: int = Field(64, ge=1, description="Examples per forward pass.")

    @model_validator(mode="after")
    def _cascade(self) -> Self:
        if self.ask_teacher is not None and self.contract is None:
            raise ValueError("ask_teacher: with --contract, which names the rows to ask about")
        return self
