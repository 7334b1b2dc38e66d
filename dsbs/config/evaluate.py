"""What `evaluate` is given."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from dsbs.config.base import Decode, Incidental, Listed, NamesInput, StageConfig
from dsbs.core.records import Split


class EvaluateConfig(StageConfig):
    """Measure a trained student on a split it has not seen."""

    run: Annotated[Path, NamesInput] = Field(
        description="Run folder of train, or its best/, or a copy of that, or an export."
    )
    split: Split = Field("test", description="Split to measure on.")
    data: Annotated[Path | None, NamesInput] = Field(
        None, description="Default: the data that the student was trained on."
    )
    answers: Annotated[Listed[Path], NamesInput] = Field(
        (),
        description="Run folders of generate, to measure the teacher on the same rows. "
        "Default: the answers that the student learned from, if they are still found.",
    )
    allow_changed_inputs: Annotated[bool, Incidental] = Field(
        False,
        description="Use answers whose rows or labels have changed since they were made. "
        "Default: that is an error.",
    )
    contract: Annotated[Path | None, NamesInput] = Field(
        None,
        description="Contract of this student: also measure the cascade of student and teacher.",
    )
    decode: Decode | None = Field(None, description="Default: the value used in training.")
    batch_size: Annotated[int, Incidental] = Field(
        64, ge=1, description="Examples per forward pass."
    )
    out: Annotated[Path | None, Incidental] = Field(
        None, description="Folder for predictions. Default: RUN/evaluate-<split>-<decode>."
    )
