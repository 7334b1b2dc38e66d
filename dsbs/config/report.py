"""What `report` and `runs` are given."""

from pathlib import Path

from pydantic import Field

from dsbs.config.base import Listed, StageConfig


class ReportConfig(StageConfig):
    """Write one self-contained page, figures and tables about runs of compare, train and generate."""

    positional = "runs"

    runs: Listed[Path] = Field(
        (), description="run folders; left out, the newest comparison below ./runs"
    )
    out: Path | None = Field(
        None, description="folder for the page; left out, report/ in the first run folder"
    )
    title: str | None = Field(None, description="title of the page; left out, the tasks")
    compare_to_paper: bool = Field(
        False, description="set the paper's and independent reproductions' numbers beside"
    )
    price_per_hour: float | None = Field(
        None, gt=0, description="money for an hour of a training device, for the cost figure"
    )


class RunsConfig(StageConfig):
    """List runs with status, age, accuracy and folder."""

    positional = "roots"

    roots: Listed[Path] = Field((Path("runs"),), description="folders to look below")
    stage: str | None = Field(None, description="only runs of this stage")
