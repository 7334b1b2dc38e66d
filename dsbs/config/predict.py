"""What `predict` is given."""

from pathlib import Path

from pydantic import Field

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
    batch_size: int = Field(64, ge=1, description="Examples per forward pass.")
