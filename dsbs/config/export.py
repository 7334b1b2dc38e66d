"""What `export` is given."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from dsbs.config.base import Incidental, NamesInput, StageConfig

Target = Literal["hf", "ctranslate2", "onnx"]
Quantize = Literal["none", "int8"]


class ExportConfig(StageConfig):
    """Export a student for another run-time, and prove that its labels are the same."""

    run: Annotated[Path, NamesInput] = Field(
        description="Run folder of train, or its best/, or a copy of that."
    )
    to: Target = Field(
        description="hf: a folder that transformers 4.57 and 5 load. ctranslate2: for CTranslate2. "
        "onnx: for ONNX Runtime."
    )
    quantize: Quantize = Field(
        "none", description="int8: weights in 8 bits. none: weights in fp32."
    )
    out: Annotated[Path | None, Incidental] = Field(
        None, description="Folder of the export. Default: RUN/export-<to>-<quantize>."
    )
    data: Annotated[Path | None, NamesInput] = Field(
        None,
        description="Rows to compare on. Default: the data that the student was trained on.",
    )
    rows: Annotated[int, Incidental] = Field(
        500, ge=500, description="Rows to compare on: test, then validation, then train."
    )
    max_flips: Annotated[int, Incidental] = Field(
        0, ge=0, description="Rows whose label may differ; with more there is no export."
    )
    latency_repeats: Annotated[int, Incidental] = Field(
        20,
        ge=0,
        description="Batches to time for each length, size and number of threads.",
    )
