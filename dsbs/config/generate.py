"""The settings of `generate`."""

import shlex
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from dsbs.config.base import (
    Incidental,
    Listed,
    RayAddress,
    RayCpus,
    RayGpus,
)
from dsbs.config.request_options import RequestOptions

SCORED_AS_TEXT = ("without", "after", "averaged")
"""Label scores that take requests of their own."""


class GenerateConfig(RequestOptions):
    """Have a teacher answer the inputs of a task. Every answer is kept."""

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

    @field_validator("serve_args")
    @classmethod
    def _arguments(cls, value: str) -> str:
        try:
            shlex.split(value)
        except ValueError as error:
            raise ValueError(f"arguments as in a shell ({error})") from None
        return value

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
