"""The settings of `generate`."""

import json
import shlex
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from dsbs.config.base import (
    Duplicates,
    Fraction,
    Incidental,
    Listed,
    NamesInput,
    RayAddress,
    RayCpus,
    RayGpus,
    Seeds,
    StageConfig,
)
from dsbs.core.records import LabelScores, Split

Engine = Literal["auto", "published", "vllm", "ray", "endpoint", "transformers"]

SCORED_AS_TEXT = ("without", "after", "averaged")
"""Label scores that take requests of their own."""

AnswersFormat = Literal["auto", "text", "batch", "chat", "label-studio", "doccano"]


class GenerateConfig(StageConfig):
    """Have a teacher answer the inputs of a task. Every answer is kept."""

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

    base_url: Annotated[Listed[str], Incidental] = Field(
        (), description="endpoint: addresses of servers of the same model, ending in /v1"
    )
    api: Literal["auto", "chat", "completions"] = Field(
        "auto", description="auto: chat where the model has a chat template"
    )
    serve: Annotated[bool, Incidental] = Field(
        False, description="endpoint: start vLLM's server for the time of the run"
    )
    serve_python: Annotated[str | None, Incidental] = Field(
        None,
        description="interpreter of the environment that has vLLM; default: this environment",
    )
    serve_args: Annotated[str, Incidental] = Field(
        "", description="further arguments of vLLM's server, as one string"
    )
    concurrency: Annotated[int | None, Incidental] = Field(
        None,
        ge=1,
        description="most requests in flight, per engine with ray; fewer where a server is slow",
    )
    prompts_per_request: Annotated[int, Incidental] = Field(
        32, ge=1, description="endpoint: prompts per completions request"
    )
    request_timeout: Annotated[float, Incidental] = Field(
        300.0,
        gt=0,
        description="seconds before a request is tried again; with ray, only if a machine was lost",
    )
    max_attempts: Annotated[int, Incidental] = Field(
        6, ge=1, description="endpoint: attempts before a request counts as failed"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="precision of a teacher that runs here"
    )
    max_model_len: Annotated[int | None, Incidental] = Field(
        None, ge=1, description="context length in tokens; default: the model's own"
    )
    replicas: Annotated[int | None, Incidental] = Field(
        None,
        ge=1,
        description="ray: number of engines; default: one per GPU, or one per machine without GPUs",
    )
    ray_address: Annotated[RayAddress, Incidental] = None
    ray_cpus: Annotated[RayCpus, Incidental] = 1
    ray_gpus: Annotated[RayGpus, Incidental] = None

    plan: Annotated[bool, Incidental] = Field(
        False, description="show three prompts, tokens, time and money, and ask for nothing"
    )
    show: Annotated[bool, Incidental] = Field(
        False, description="print prompt, answer, outcome and gold label of every row"
    )
    price_in: Annotated[float, Incidental] = Field(
        0.0, ge=0, description="money per million prompt tokens"
    )
    price_out: Annotated[float, Incidental] = Field(
        0.0, ge=0, description="money per million generated tokens"
    )
    price_cached: Annotated[float | None, Incidental] = Field(
        None, ge=0, description="money per million cached prompt tokens; default: price-in"
    )
    tokens_per_second: Annotated[float | None, Incidental] = Field(
        None,
        gt=0,
        description="rate for --plan; default: the rate of an earlier run in the same folder",
    )
    max_cost: Annotated[float | None, Incidental] = Field(
        None, gt=0, description="stop when this much money is spent; needs prices"
    )
    max_tokens: Annotated[int | None, Incidental] = Field(
        None, ge=1, description="stop when this many tokens are used"
    )
    max_bad_answers: Annotated[float | None, Incidental] = Field(
        0.5,
        ge=0,
        le=1,
        description="stop when more than this share of 200 or more answers cannot be used; not "
        "for published answers",
    )
    progress_json: Annotated[Path | None, Incidental] = Field(
        None, description="file for the state of the run, for other programs"
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

    @field_validator("serve_args")
    @classmethod
    def _arguments(cls, value: str) -> str:
        try:
            shlex.split(value)
        except ValueError as error:
            raise ValueError(f"arguments as in a shell ({error})") from None
        return value

    @property
    def drawn_temperature(self) -> float:
        """The temperature in force. Several samples need one above 0."""
        if self.temperature is not None:
            return self.temperature
        return 0.0 if self.samples == 1 else 0.7

    @model_validator(mode="after")
    def _consistent(self) -> "GenerateConfig":
        """Refuse settings that cannot go together, before anything is loaded or paid for."""
        without_prices = not self.price_in and not self.price_out
        problems = {
            "teacher": self.engine == "endpoint" and self.teacher is None,
            "base_url": self.engine == "endpoint" and not self.base_url and not self.serve,
            "temperature": self.samples > 1 and self.temperature == 0,
            "max_cost": self.max_cost is not None and without_prices,
            "label_scores": self.label_scores in SCORED_AS_TEXT
            and (self.engine == "published" or self.api == "chat"),
            "top_logprobs": self.label_scores == "top_logprobs"
            and (self.engine not in ("auto", "endpoint") or self.api == "completions"),
        }
        for name, wrong in problems.items():
            if wrong:
                setting = "label_scores" if name == "top_logprobs" else name
                raise ValueError(f"{setting}: {_INCONSISTENT[name]}")
        return self


_INCONSISTENT = {
    "teacher": "with --engine endpoint, the model's name",
    "base_url": "with --engine endpoint, --base-url or --serve",
    "temperature": "with several samples, a temperature above 0",
    "max_cost": "with --max-cost, --price-in and --price-out",
    "label_scores": "no label scores with published answers or --api chat, because labels are "
    "scored as a continuation of text; chat servers have --label-scores top_logprobs",
    "top_logprobs": "top_logprobs with --engine endpoint and a chat model; --serve starts vLLM's "
    "server",
}
