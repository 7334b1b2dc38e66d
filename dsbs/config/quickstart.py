"""The settings of `quickstart`."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from dsbs.config.base import StageConfig


class QuickstartConfig(StageConfig):
    """Run the whole pipeline in minutes on a small world that comes with dsbs."""

    fast: bool = Field(False, description="train on the smaller fraction of the questions only")
    seeds: int = Field(
        1,
        ge=1,
        description="students of each kind; from 2 on, differences get intervals over seeds",
    )
    engine: Literal["auto", "vllm", "transformers"] = Field(
        "auto", description="what runs the teacher; auto: vllm if it is installed"
    )
    jobs: int | None = Field(
        None, ge=1, description="students to train at the same time. Default: one per core"
    )
    out: Path = Field(Path("runs/quickstart"), description="folder for everything it writes")
