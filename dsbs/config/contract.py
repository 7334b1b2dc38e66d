"""What `contract` is given."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from dsbs.config.base import Incidental, Listed, NamesInput, StageConfig

With = Literal["teacher", "gold"]
"""What a local answer must agree with: the teacher's label, or the gold label."""


class ContractConfig(StageConfig):
    """Find which calls a student may answer: a threshold that keeps a promise, with confidence."""

    run: Annotated[Path, NamesInput] = Field(
        description="Run folder of train, or its best/, a copy of that, or an export."
    )
    agree: float = Field(
        0.98,
        gt=0,
        lt=1,
        description="The promise: at most 1 - AGREE of all calls are answered locally and "
        "differently.",
    )
    confidence: float = Field(
        0.95,
        gt=0,
        lt=1,
        description="How often a promise made in this way holds, over draws of calibration rows.",
    )
    with_: With = Field(
        "teacher",
        description="What a local answer must agree with: the teacher's label, or the gold label.",
    )
    per_class: bool = Field(
        False,
        description="Find a threshold for each class, with the same promise for the calls that "
        "the student gives this class.",
    )
    rows: Annotated[Path | None, NamesInput] = Field(
        None,
        description="File of calibration rows that the student has not seen. Default: rows held by "
        "`train --calibration-frac`, else training rows outside its --data-frac.",
    )
    calibration_frac: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Calibrate on at most this share of the training rows. Default: all that "
        "nothing used.",
    )
    data: Annotated[Path | None, NamesInput] = Field(
        None, description="Default: the data that the student was trained on."
    )
    answers: Annotated[Listed[Path], NamesInput] = Field(
        (),
        description="Run folders of generate with the teacher's answers to the calibration rows. "
        "Default: the answers that the student learned from.",
    )
    teacher_cost: float | None = Field(
        None,
        ge=0,
        description="Money for 1,000 calls of the teacher. Default: from prices and tokens.",
    )
    student_cost: float = Field(0.0, ge=0, description="Money for 1,000 calls of the student.")
    price_in: float | None = Field(
        None,
        ge=0,
        description="Money per million prompt tokens of the teacher. Default: that of the "
        "answers' run.",
    )
    price_out: float | None = Field(
        None,
        ge=0,
        description="Money per million generated tokens of the teacher. Default: that of the "
        "answers' run.",
    )
    allow_changed_inputs: Annotated[bool, Incidental] = Field(
        False,
        description="Use answers whose rows or labels have changed since they were made. "
        "Default: that is an error.",
    )
    batch_size: Annotated[int, Incidental] = Field(
        64, ge=1, description="Examples per forward pass."
    )
    out: Annotated[Path | None, Incidental] = Field(
        None, description="Folder for the contract. Default: RUN/contract-<hash>."
    )
