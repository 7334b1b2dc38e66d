"""What `quickstart` is given."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from dsbs.config.base import StageConfig


class QuickstartConfig(StageConfig):
    """Go the whole way in minutes on a small world that travels with dsbs: teacher, students, comparison."""

    fast: bool = Field(False, description="only the smaller fraction of the training questions")
    seeds: int = Field(
        1,
        ge=1,
        description="how many students of each kind; from 2 on differences get intervals over seeds",
    )
    engine: Literal["auto", "vllm", "transformers"] = Field(
        "auto", description="what runs the teacher; auto: vllm if it is installed"
    )
    jobs: int | None = Field(
        None, ge=1, description="students trained side by side; left out, one a processor core"
    )
    out: Path = Field(
        Path("runs/quickstart"), description="folder of everything that the run leaves"
    )
