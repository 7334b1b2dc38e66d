"""What `predict` is given."""

from pathlib import Path

from pydantic import Field

from dsbs.config.base import StageConfig


class PredictConfig(StageConfig):
    """Label new inputs with a trained student."""

    run: Path = Field(description="run folder of train")
    input: str = Field(
        "-",
        description="CSV, JSON lines or Parquet with the task's fields; - reads JSON lines from stdin",
    )
    explain: bool = Field(False, description="also decode a rationale")
    scores: bool = Field(False, description="also score every allowed label")
    batch_size: int = Field(64, ge=1, description="examples a forward pass")
