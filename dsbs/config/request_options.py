"""What is asked of a teacher, and about which rows: flags of `generate`. See docs/teachers.md."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from dsbs.config.base import (
    Duplicates,
    Fraction,
    Incidental,
    Listed,
    NamesInput,
    Seeds,
    StageConfig,
)
from dsbs.core.records import LabelScores, Split

Engine = Literal["auto", "published", "vllm", "ray", "endpoint", "transformers"]
AnswersFormat = Literal["auto", "text", "batch", "chat", "label-studio", "doccano"]


class RequestOptions(StageConfig):
    """The rows, the teacher, and how its answers are drawn."""

    task: Annotated[str, NamesInput] = Field(
        "quickstart",
        description="a packaged task (quickstart, cqa, svamp, asdiv, anli1, esnli) or the path of "
        "your own .yaml",
    )
    data: Annotated[Path | None, NamesInput] = Field(
        None, description="file or folder with the rows; default: the task's own data"
    )
    teacher: str | None = Field(
        None,
        description="the model: a hub name, a folder, or the name that the server knows; default: "
        "the one that travels with the task",
    )
    engine: Engine = Field(
        "auto",
        description="what runs or reaches the teacher; published: files of answers; auto: vllm if "
        "it is installed, else transformers, or published where there is no teacher",
    )
    revision: str | None = Field(
        None, description="revision of the model; its answers are kept apart from those of others"
    )
    answers_from: Annotated[Path | None, NamesInput] = Field(
        None,
        description="published answers: a file of one of the formats below, or a folder in the "
        "layout of the paper's release: llm/ (PaLM 540B) or gpt-neox/ (GPT-NeoX 20B)",
    )
    answers_format: AnswersFormat = Field(
        "auto", description="format of the file of published answers; auto: by its first row"
    )
    allow_changed_inputs: Annotated[bool, Incidental] = Field(
        False,
        description="take published answers although they repeat other inputs than the rows with "
        "their ids; default: that is an error",
    )
    splits: Listed[Split] = Field(
        (),
        description="splits to label; default: those with published answers, else all but test",
    )
    extra_unlabeled: Annotated[Listed[str], NamesInput] = Field(
        (), description="NAME=PATH: inputs of another task, for training only"
    )
    split_seed: int = Field(0, description="seed of the 80/10/10 split of rows without splits")
    skip_incomplete: bool = Field(
        False, description="leave out, and count, rows that lack a field of the input"
    )
    data_frac: Annotated[Fraction, Incidental] = Field(
        1.0, description="label only the rows that `train --data-frac` with this fraction uses"
    )
    seeds: Annotated[Seeds, Incidental] = Field(
        (0,), description="seeds of the runs of train that use this fraction"
    )
    max_rows: Annotated[int | None, Incidental] = Field(
        None, ge=1, description="label at most this many rows of each split"
    )
    duplicates: Annotated[Duplicates, Incidental] = Field(
        "auto",
        description="look for test inputs that are nearly training inputs; auto: up to 50,000 rows",
    )
    store: Annotated[Path | None, Incidental] = Field(
        None,
        description="file of the answer store, which runs may share; default: answers.sqlite in "
        "the run folder",
    )
    out: Annotated[Path | None, Incidental] = Field(
        None, description="run folder; default: runs/<task>-<engine>-<hash>"
    )

    samples: int = Field(
        1,
        ge=1,
        description="answers per row; the label is their vote, the shares of votes a distribution",
    )
    temperature: float | None = Field(
        None,
        ge=0,
        description="0 takes the most likely text; default: 0, or 0.7 with several samples",
    )
    top_p: float = Field(
        1.0, gt=0, le=1, description="draw from the most likely tokens with this total probability"
    )
    max_new_tokens: int | None = Field(
        None,
        ge=1,
        description="most tokens per answer; default: 256, or 4096 where --extra-body turns "
        "reasoning on or the model's chat template has reasoning traces (that of a server is not "
        "seen)",
    )
    zero_shot: bool = Field(
        False, description="no demonstrations; the answer follows a JSON schema"
    )
    rationalize: bool = Field(
        False, description="show the gold label where there is one, and ask for an explanation"
    )
    label_scores: LabelScores | None = Field(
        None,
        description="also score each allowed label: without a rationale, after it, or averaged "
        "over the rationales of all samples; top_logprobs: read the alternatives that a chat "
        "server gives where the answer states its label",
    )
    vote_smoothing: float = Field(
        0.5,
        ge=0,
        description="votes that each allowed label gets besides those of the samples, so that no "
        "share is 0 and a temperature can act; 0: shares as they are",
    )
    keep_rationales: int = Field(
        1, ge=1, description="most rationales per row, from samples that have its label"
    )
    max_rationale_words: int | None = Field(
        None, ge=1, description="longer rationales keep their first whole sentences"
    )
    extra_body: str = Field(
        "{}", description="JSON that is sent to the server unchanged, e.g. a reasoning effort"
    )

    @field_validator("extra_body")
    @classmethod
    def _object(cls, value: str) -> str:
        try:
            valid = isinstance(json.loads(value), dict)
        except (ValueError, RecursionError):
            valid = False
        if not valid:
            raise ValueError('a JSON object, such as {"reasoning_effort": "low"}')
        return value

    @property
    def drawn_temperature(self) -> float:
        """The temperature in force. Several samples need one above 0."""
        if self.temperature is not None:
            return self.temperature
        return 0.0 if self.samples == 1 else 0.7
