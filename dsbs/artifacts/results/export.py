"""What `export` leaves: the export, how far it is from its student, and how long it takes."""

from pydantic import Field

from dsbs.artifacts.results.base import Result, Status


class Difference(Result):
    """A row whose label differs."""

    id: str
    student: str | None
    export: str | None


class Parity(Result):
    """An export compared with its student, row by row."""

    rows: int
    flips: int
    """Rows whose label differs."""
    max_score_difference: float | None
    """The largest difference of a label's log-likelihood. None where no label was scored."""
    max_flips: int
    """Rows whose label may differ."""
    differences: list[Difference] = Field(default_factory=list)
    """Every row whose label differs."""

    @property
    def passed(self) -> bool:
        """Whether no more labels differ than may."""
        return self.flips <= self.max_flips


class Latency(Result):
    """How long one batch takes, from text to label."""

    input_tokens: int
    batch: int
    threads: int
    repeats: int
    p50_ms: float
    p95_ms: float


class ExportResult(Result):
    """What `export` leaves in its folder."""

    run: str
    out: str
    to: str
    family: str
    """encoder-decoder, decoder-only or encoder."""
    quantize: str
    runtime: str
    """The run-time that computed it, and how."""
    bytes: int
    parity: Parity
    latency: list[Latency] = Field(default_factory=list)
    status: Status = "done"
