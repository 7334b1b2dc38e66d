"""What `doctor` is given."""

from pydantic import Field

from dsbs.config.base import StageConfig


class DoctorConfig(StageConfig):
    """Show what is installed, what is missing or broken, and the command that mends it."""

    imports: bool = Field(
        True, description="Import the libraries of every installed extra, to see that they work."
    )
    timeout: float = Field(120.0, gt=0, description="Seconds that one such import may take.")
