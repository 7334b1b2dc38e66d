"""What `evaluate` is given."""

from pathlib import Path

from pydantic import Field

from dsbs.config.base import Decode, StageConfig
from dsbs.core.records import Split


class EvaluateConfig(StageConfig):
    """Measure a trained student on a split it has not seen."""

    incidental = StageConfig.incidental | {"run", "data", "batch_size"}

    run: Path = Field(description="run folder of train")
    split: Split = Field("test", description="split to measure on")
    data: Path | None = Field(None, description="left out, the data of the run")
    decode: Decode | None = Field(None, description="left out, as the run was trained to be read")
    batch_size: int = Field(64, ge=1, description="examples a forward pass")
    out: Path | None = Field(
        None, description="folder for predictions; left out, RUN/evaluate-<split>-<decode>"
    )
