"""The settings of `report` and `runs`."""

from pathlib import Path

from pydantic import Field

from dsbs.config.base import Listed, StageConfig


class ReportConfig(StageConfig):
    """Write one page, figures and tables about runs of compare, train and generate."""

    positional = "runs"

    runs: Listed[Path] = Field(
        (), description="run folders. Default: the newest comparison below ./runs"
    )
    out: Path | None = Field(
        None, description="folder for the page. Default: report/ in the first run folder"
    )
    title: str | None = Field(None, description="title of the page. Default: the tasks")
    compare_to_paper: bool = Field(
        False, description="add the numbers of the paper and of independent reproductions"
    )
    price_per_hour: float | None = Field(
        None, gt=0, description="price of a training device per hour, for a figure of cost"
    )


class RunsConfig(StageConfig):
    """List runs with status, age, accuracy and folder."""

    positional = "roots"

    roots: Listed[Path] = Field((Path("runs"),), description="folders to look below")
    stage: str | None = Field(None, description="only runs of this stage")
