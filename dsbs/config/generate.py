"""What `generate` is given."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

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
from dsbs.core.records import Split

Teacher = Literal["auto", "published", "vllm", "ray", "endpoint", "transformers"]


AnswersFormat = Literal["auto", "text", "batch", "chat", "label-studio", "doccano"]


class GenerateConfig(StageConfig):
    """Have a teacher answer the inputs of a task; every answer is kept and ends in exactly one outcome."""

    task: Annotated[str, NamesInput] = Field(
        "quickstart",
        description="a packaged task (quickstart, cqa, svamp, asdiv, anli1, esnli) or the path of your own .yaml",
    )
    data: Annotated[Path | None, NamesInput] = Field(
        None,
        description="file or folder with the rows; left out, the task's own or its hub data set",
    )
    teacher: Teacher = Field(
        "auto",
        description="who answers; published: files of answers; auto: a model if there is one, through vllm if installed",
    )
    model: str | None = Field(
        None,
        description="hub name, folder, or the name that the server knows; left out, the one that travels with the task",
    )
    revision: str | None = Field(
        None, description="revision of the model; part of what its answers are kept under"
    )
    answers_from: Annotated[Path | None, NamesInput] = Field(
        None,
        description="published answers: a folder in the release's layout, or JSON lines with id and text",
    )
    answers_format: AnswersFormat = Field(
        "auto",
        description="Format of the file of published answers. Default: found out from its first row.",
    )
    splits: Listed[Split] = Field(
        (), description="splits to answer; left out, all published ones, else train and validation"
    )
    extra_unlabelled: Annotated[Listed[str], NamesInput] = Field(
        (), description="NAME=PATH: inputs of another task, for training only"
    )
    split_seed: int = Field(0, description="seed of the 80/10/10 cut of rows without splits")
    skip_incomplete: bool = Field(
        False,
        description="Skip and count rows that lack a field of the input, instead of stopping.",
    )
    data_frac: Annotated[Fraction, Incidental] = Field(
        1.0, description="answer no more training rows than train takes with this fraction"
    )
    seeds: Annotated[Seeds, Incidental] = Field(
        (0,), description="the seeds with which train takes it"
    )
    max_rows: Annotated[int | None, Incidental] = Field(
        None, ge=1, description="stop after this many rows of each split"
    )
    duplicates: Annotated[Duplicates, Incidental] = Field(
        "auto",
        description="look for test inputs that training has nearly seen; auto: up to 50,000 rows",
    )
    store: Annotated[Path | None, Incidental] = Field(
        None, description="file of the answer store, may be shared; left out, in the run folder"
    )
    out: Annotated[Path | None, Incidental] = Field(
        None, description="run folder; left out, runs/<task>-<teacher>-<hash>"
    )

    samples: int = Field(
        1,
        ge=1,
        description="answers to each row; the label is their vote, its shares a distribution",
    )
    temperature: float | None = Field(
        None, ge=0, description="0 takes the likeliest text; left out, 0, and 0.7 for samples"
    )
    top_p: float = Field(
        1.0, gt=0, le=1, description="draw from the likeliest tokens of this share"
    )
    max_new_tokens: int = Field(256, ge=1, description="tokens of an answer at most")
    zero_shot: bool = Field(
        False, description="no demonstrations; the answer is held to a JSON schema"
    )
    rationalise: bool = Field(
        False, description="show the gold label where there is one, and have it explained"
    )
    label_scores: Literal["without", "after", "averaged"] | None = Field(
        None,
        description="the probability of each label: without a rationale, after it, or averaged over the samples",
    )
    keep_rationales: int = Field(
        1, ge=1, description="rationales to keep of each row, of samples that argue for its label"
    )
    max_rationale_words: int | None = Field(
        None, ge=1, description="keep the first whole sentences of longer rationales"
    )
    extra_body: str = Field(
        "{}", description="JSON that goes to the server as it is, e.g. for reasoning effort"
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
        None, description="interpreter of the environment that vLLM is installed in"
    )
    serve_args: Annotated[str, Incidental] = Field(
        "", description="further arguments of vLLM's server, as one string"
    )
    concurrency: Annotated[int | None, Incidental] = Field(
        None,
        ge=1,
        description="requests in flight at most, ray: an engine; fewer where a server is slow",
    )
    prompts_per_request: Annotated[int, Incidental] = Field(
        32, ge=1, description="endpoint: prompts in one completions request"
    )
    request_timeout: Annotated[float, Incidental] = Field(
        300.0,
        gt=0,
        description="seconds before a request is tried again; ray: only if a machine was lost",
    )
    max_attempts: Annotated[int, Incidental] = Field(
        6, ge=1, description="endpoint: times a request is tried before its row counts as failed"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="precision of a teacher run here"
    )
    max_model_len: Annotated[int | None, Incidental] = Field(
        None, ge=1, description="context length; left out, the model's own"
    )
    replicas: Annotated[int | None, Incidental] = Field(
        None,
        ge=1,
        description="ray: engines; left out, as many as there are GPUs for, or one a machine where there are none",
    )
    ray_address: Annotated[RayAddress, Incidental] = None
    ray_cpus: Annotated[RayCpus, Incidental] = 1
    ray_gpus: Annotated[RayGpus, Incidental] = None

    plan: Annotated[bool, Incidental] = Field(
        False, description="show three prompts, tokens, time and money, and ask nothing"
    )
    show: Annotated[bool, Incidental] = Field(
        False, description="print prompt, answer, outcome and gold of the rows side by side"
    )
    price_in: Annotated[float, Incidental] = Field(
        0.0, ge=0, description="money for a million prompt tokens"
    )
    price_out: Annotated[float, Incidental] = Field(
        0.0, ge=0, description="money for a million generated tokens"
    )
    price_cached: Annotated[float | None, Incidental] = Field(
        None, ge=0, description="money for a million cached prompt tokens; default price-in"
    )
    tokens_per_second: Annotated[float | None, Incidental] = Field(
        None, gt=0, description="rate to plan with, before there is a measured one"
    )
    max_cost: Annotated[float | None, Incidental] = Field(
        None, gt=0, description="stop when so much money is spent; needs the prices"
    )
    max_tokens: Annotated[int | None, Incidental] = Field(
        None, ge=1, description="stop when so many tokens are used"
    )
    max_bad_answers: Annotated[float | None, Incidental] = Field(
        None, ge=0, le=1, description="stop when this share of answers is unusable"
    )
    progress_json: Annotated[Path | None, Incidental] = Field(
        None, description="file that always holds the state of the run, for other programs"
    )

    @property
    def drawn_temperature(self) -> float:
        """The temperature in force: several samples need one above 0."""
        return (
            self.temperature if self.temperature is not None else 0.0 if self.samples == 1 else 0.7
        )

    @model_validator(mode="after")
    def _consistent(self) -> "GenerateConfig":
        """Settings that cannot go together, found before anything is loaded or paid for."""
        problems = {
            "model": self.teacher == "endpoint" and self.model is None,
            "base_url": self.teacher == "endpoint" and not self.base_url and not self.serve,
            "temperature": self.samples > 1 and self.temperature == 0,
            "max_cost": self.max_cost is not None and not self.price_in and not self.price_out,
            "label_scores": self.label_scores is not None
            and (self.teacher == "published" or self.api == "chat"),
        }
        for name, wrong in problems.items():
            if wrong:
                raise ValueError(f"{name}: {_INCONSISTENT[name]}")
        return self


_INCONSISTENT = {
    "model": "an endpoint needs --model",
    "base_url": "an endpoint needs --base-url or --serve",
    "temperature": "several samples need a temperature above 0",
    "max_cost": "a limit of money needs --price-in and --price-out",
    "label_scores": "labels are scored behind text, by a teacher that answers now: not by published ones, not in chat",
}
