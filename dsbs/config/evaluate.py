"""What `evaluate` is given."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from dsbs.config.base import Decode, Incidental, NamesInput, StageConfig
from dsbs.core.records import Split


class EvaluateConfig(StageConfig):
    """Measure a trained student on a split it has not seen."""

    run: Annotated[Path, NamesInput] = Field(description="run folder of train")
    split: Split = Field("test", description="split to measure on")
    data: Annotated[Path | None, NamesInput] = Field(
        None, description="left out, the data of the run"
    )
    decode: Decode | None = Field(None, description="left out, as the run was trained to be read")
    batch_size: Annotated[int, Incidental] = Field(64, ge=1, description="examples a forward pass")
    out: Annotated[Path | None, Incidental] = Field(
        None, description="folder for predictions; left out, RUN/evaluate-<split>-<decode>"
    )
