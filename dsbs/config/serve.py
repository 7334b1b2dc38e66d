"""What `serve` is given."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from dsbs.config.base import NamesInput, StageConfig


class ServeConfig(StageConfig):
    """Answer calls over HTTP with a student, and some with its teacher under a contract."""

    run: Annotated[Path, NamesInput] = Field(
        description="Run folder of train, or its best/, or a copy of that, or an export."
    )
    contract: Annotated[Path | None, NamesInput] = Field(
        None, description="Contract of this student: a file or a run folder of contract."
    )
    teacher_url: str | None = Field(
        None,
        description="Address of an OpenAI-compatible server of the teacher, ending in /v1. "
        "Its key is DSBS_API_KEY or OPENAI_API_KEY.",
    )
    teacher: str | None = Field(
        None,
        description="Its name there. Default: the model that the student learned from.",
    )
    teacher_timeout: float = Field(
        1.8, gt=0, description="Most seconds that a call waits for the teacher."
    )
    teacher_down: Literal["503", "local"] = Field(
        "503",
        description="What a call gets that the teacher does not answer. local: the student's "
        "answer, marked.",
    )
    store: Path | None = Field(
        None, description="Answer store. Default: answers.sqlite in the folder of --out."
    )
    shadow: bool = Field(
        False, description="The teacher answers every call; the student's label is only logged."
    )
    audit: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of all calls that go to student and teacher. The contract is withdrawn "
        "where they show that it is broken.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on. 0: any that is free.")
    max_body: int = Field(1 << 20, ge=1, description="Most bytes of a call.")
    max_rows: int = Field(256, ge=1, description="Most rows of a call.")
    max_tokens: int | None = Field(
        None, ge=1, description="Most input tokens of a row. Default: what the student reads."
    )
    max_waiting: int = Field(
        1024, ge=1, description="Most rows that wait for the student. More get 503."
    )
    timeout: float = Field(30.0, gt=0, description="Most seconds until a call is answered.")
    batch_size: int = Field(64, ge=1, description="Most rows of a batch.")
    batch_wait_ms: float = Field(
        0.0, ge=0, description="Most milliseconds that a row waits for others to share a batch."
    )
    threads: int = Field(
        0, ge=0, description="Threads of a batch. 0: OMP_NUM_THREADS, or else all cores."
    )
    log_inputs: bool = Field(False, description="Also log the inputs of calls.")
    out: Path | None = Field(
        None, description="Folder of log and answer store. Default: RUN/serve, or beside an export."
    )
