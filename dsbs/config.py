"""What each stage is told: one frozen model a stage. Flags, YAML keys and the arguments of `dsbs.api` all come from here."""

import itertools
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dsbs.records import LabelSource, Method, Split
from dsbs.settings import Decode, Fraction, Listed, RayAddress, RayCpus, RayGpus, StageConfig
from dsbs.student_options import StudentOptions

__all__ = [
    "AnswersCountConfig", "AnswersExportConfig", "AnswersListConfig", "AnswersReparseConfig", "CompareConfig", "Decode",
    "EvaluateConfig", "Fraction", "GenerateConfig", "Listed", "PredictConfig", "StageConfig", "StudentOptions", "TrainConfig",
]  # fmt: skip

Teacher = Literal["auto", "published", "vllm", "ray", "endpoint", "transformers"]
Duplicates = Literal["auto", "always", "never"]
Match = Literal["steps", "epochs", "compute"]
Seeds = Listed[Annotated[int, Field(ge=0)]]


class GenerateConfig(StageConfig):
    """Have a teacher answer the inputs of a task; every answer is kept and ends in exactly one outcome."""

    incidental = StageConfig.incidental | {
        *("max_rows", "data_frac", "seeds", "show", "duplicates", "plan", "store", "base_url", "serve", "serve_python"),
        *("serve_args", "concurrency", "prompts_per_request", "request_timeout", "max_attempts", "progress_json", "price_in"),
        *("price_out", "price_cached", "max_cost", "max_tokens", "max_bad_answers", "tokens_per_second", "max_model_len"),
        *("replicas", "ray_address", "ray_cpus", "ray_gpus"),
    }

    task: str = Field(
        "quickstart", description="a packaged task (quickstart, cqa, svamp, asdiv, anli1, esnli) or the path of your own .yaml"
    )
    data: Path | None = Field(None, description="file or folder with the rows; left out, the task's own or its hub data set")
    teacher: Teacher = Field(
        "auto", description="who answers; published: files of answers; auto: a model if there is one, through vllm if installed"
    )
    model: str | None = Field(
        None, description="hub name, folder, or the name that the server knows; left out, the one that travels with the task"
    )
    revision: str | None = Field(None, description="revision of the model; part of what its answers are kept under")
    answers_from: Path | None = Field(
        None, description="published answers: a folder in the release's layout, or JSON lines with id and text"
    )
    splits: Listed[Split] = Field((), description="splits to answer; left out, all published ones, else train and validation")
    extra_unlabelled: Listed[str] = Field((), description="NAME=PATH: inputs of another task, for training only")
    split_seed: int = Field(0, description="seed of the 80/10/10 cut of rows without splits")
    data_frac: Fraction = Field(1.0, description="answer no more training rows than train takes with this fraction")
    seeds: Seeds = Field((0,), description="the seeds with which train takes it")
    max_rows: int | None = Field(None, ge=1, description="stop after this many rows of each split")
    duplicates: Duplicates = Field(
        "auto", description="look for test inputs that training has nearly seen; auto: up to 50,000 rows"
    )
    store: Path | None = Field(None, description="file of the answer store, may be shared; left out, in the run folder")
    out: Path | None = Field(None, description="run folder; left out, runs/<task>-<teacher>-<hash>")

    samples: int = Field(1, ge=1, description="answers to each row; the label is their vote, its shares a distribution")
    temperature: float | None = Field(None, ge=0, description="0 takes the likeliest text; left out, 0, and 0.7 for samples")
    top_p: float = Field(1.0, gt=0, le=1, description="draw from the likeliest tokens of this share")
    max_new_tokens: int = Field(256, ge=1, description="tokens of an answer at most")
    zero_shot: bool = Field(False, description="no demonstrations; the answer is held to a JSON schema")
    rationalise: bool = Field(False, description="show the gold label where there is one, and have it explained")
    label_scores: Literal["without", "after", "averaged"] | None = Field(
        None, description="the probability of each label: without a rationale, after it, or averaged over the samples"
    )
    keep_rationales: int = Field(1, ge=1, description="rationales to keep of each row, of samples that argue for its label")
    max_rationale_words: int | None = Field(None, ge=1, description="keep the first whole sentences of longer rationales")
    extra_body: str = Field("{}", description="JSON that goes to the server as it is, e.g. for reasoning effort")

    base_url: Listed[str] = Field((), description="endpoint: addresses of servers of the same model, ending in /v1")
    api: Literal["auto", "chat", "completions"] = Field("auto", description="auto: chat where the model has a chat template")
    serve: bool = Field(False, description="endpoint: start vLLM's server for the time of the run")
    serve_python: str | None = Field(None, description="interpreter of the environment that vLLM is installed in")
    serve_args: str = Field("", description="further arguments of vLLM's server, as one string")
    concurrency: int | None = Field(
        None, ge=1, description="requests in flight at most, ray: an engine; fewer where a server is slow"
    )
    prompts_per_request: int = Field(32, ge=1, description="endpoint: prompts in one completions request")
    request_timeout: float = Field(
        300.0, gt=0, description="seconds before a request is tried again; ray: only if a machine was lost"
    )
    max_attempts: int = Field(6, ge=1, description="endpoint: times a request is tried before its row counts as failed")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="precision of a teacher run here")
    max_model_len: int | None = Field(None, ge=1, description="context length; left out, the model's own")
    replicas: int | None = Field(
        None, ge=1, description="ray: engines; left out, as many as there are GPUs for, or one a machine where there are none"
    )
    ray_address: RayAddress = None
    ray_cpus: RayCpus = 1
    ray_gpus: RayGpus = None

    plan: bool = Field(False, description="show three prompts, tokens, time and money, and ask nothing")
    show: bool = Field(False, description="print prompt, answer, outcome and gold of the rows side by side")
    price_in: float = Field(0.0, ge=0, description="money for a million prompt tokens")
    price_out: float = Field(0.0, ge=0, description="money for a million generated tokens")
    price_cached: float | None = Field(None, ge=0, description="money for a million cached prompt tokens; default price-in")
    tokens_per_second: float | None = Field(None, gt=0, description="rate to plan with, before there is a measured one")
    max_cost: float | None = Field(None, gt=0, description="stop when so much money is spent; needs the prices")
    max_tokens: int | None = Field(None, ge=1, description="stop when so many tokens are used")
    max_bad_answers: float | None = Field(None, ge=0, le=1, description="stop when this share of answers is unusable")
    progress_json: Path | None = Field(None, description="file that always holds the state of the run, for other programs")

    @property
    def drawn_temperature(self) -> float:
        """The temperature in force: several samples need one above 0."""
        return self.temperature if self.temperature is not None else 0.0 if self.samples == 1 else 0.7

    @model_validator(mode="after")
    def _consistent(self) -> "GenerateConfig":
        """Settings that cannot go together, found before anything is loaded or paid for."""
        problems = {
            "model": self.teacher == "endpoint" and self.model is None,
            "base_url": self.teacher == "endpoint" and not self.base_url and not self.serve,
            "temperature": self.samples > 1 and self.temperature == 0,
            "max_cost": self.max_cost is not None and not self.price_in and not self.price_out,
            "label_scores": self.label_scores is not None and (self.teacher == "published" or self.api == "chat"),
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


class StoreConfig(StageConfig):
    """Base of the questions to an answer store."""

    store: Path = Field(description="file of an answer store, answers.sqlite in a run folder of generate")
    run: str | None = Field(None, description="only what this run folder asked for; left out, all runs")


class AnswersCountConfig(StoreConfig):
    """Count answers, failures and tokens of every teacher in a store."""


class AnswersListConfig(StoreConfig):
    """List what was asked and answered."""

    failed: bool = Field(False, description="only requests that have no answer, with the reason")
    limit: int = Field(20, ge=1, description="rows at most")


class AnswersExportConfig(StoreConfig):
    """Write every answer to a file that other programs read."""

    out: Path = Field(description="a .parquet or .jsonl file; the latter serves as published answers (--answers-from)")


class AnswersReparseConfig(StoreConfig):
    """Read stored answers again, with the task file as it is now, and without a teacher."""

    task: str | None = Field(None, description="task name or .yaml; left out, the definition that was asked with")
    max_rationale_words: int | None = Field(None, ge=1, description="keep the first whole sentences of longer rationales")


class TrainConfig(StudentOptions):
    """Train one student by one method on a fraction of the data."""

    student: str = Field("auto", description="hub name, folder, or built-in: tiny, quickstart; auto: the task's own, else tiny")
    method: Method = Field("step_by_step", description="what the student learns from each answer")
    labels: LabelSource = Field("gold", description="whose labels it learns")
    data_frac: Fraction = Field(1.0, description="share of the training rows, above 0 and at most 1")
    seed: int = Field(0, ge=0, description="seed of weights, order and the fraction's rows")
    out: Path | None = Field(None, description="run folder; left out, runs/<task>-<method>-<hash>")


class EvaluateConfig(StageConfig):
    """Measure a trained student on a split it has not seen."""

    incidental = StageConfig.incidental | {"run", "data", "batch_size"}

    run: Path = Field(description="run folder of train")
    split: Split = Field("test", description="split to measure on")
    data: Path | None = Field(None, description="left out, the data of the run")
    decode: Decode | None = Field(None, description="left out, as the run was trained to be read")
    batch_size: int = Field(64, ge=1, description="examples a forward pass")
    out: Path | None = Field(None, description="folder for predictions; left out, RUN/evaluate-<split>-<decode>")


class CompareConfig(StudentOptions):
    """Train and measure a grid of students: methods x labels x fractions x seeds."""

    incidental = StudentOptions.incidental | {"duplicates", "jobs", "launcher", "ray_address", "ray_cpus", "ray_gpus"}

    student: Listed[str] = Field(("auto",), description="hub names, folders or built-ins; auto: the task's own, else tiny")
    methods: Listed[Method] = Field(("standard", "step_by_step"), description="methods to compare")
    labels: Listed[LabelSource] = Field(("gold",), description="whose labels")
    data_fracs: Listed[Fraction] = Field((1.0,), description="shares of the training rows")
    seeds: Seeds = Field((0,), description="one run of every cell a seed")
    match: Match = Field(
        "steps", description="what all methods have in common: optimiser steps, passes over the rows, or FLOPs"
    )
    also_match: Literal["epochs", "compute"] | None = Field(
        None, description="train standard once more, matched with the other methods in this as well"
    )
    tune: Literal["lr"] | None = Field(
        None, description="lr: search the learning rate of every method on validation first, 3 runs each"
    )
    duplicates: Duplicates = Field(
        "auto", description="look for test inputs that training has nearly seen; auto: up to 50,000 rows"
    )
    skip: Listed[str] = Field((), description="cells to leave out, as METHOD:LABELS, e.g. step_by_step:gold")
    jobs: int = Field(1, ge=1, description="local: students trained side by side, one thread each")
    launcher: Literal["local", "ray"] = Field("local", description="where students are trained; ray: all over its cluster")
    ray_address: RayAddress = None
    ray_cpus: RayCpus = 1
    ray_gpus: RayGpus = None
    out: Path | None = Field(None, description="run folder; left out, runs/<task>-compare-<hash>")

    @model_validator(mode="after")
    def _known_cells(self) -> "CompareConfig":
        """What is left out must be in the grid, and something must be left."""
        grid = {f"{method}:{labels}" for method in self.methods for labels in self.labels}
        if not set(self.skip) <= grid or set(self.skip) == grid:
            raise ValueError(f"skip: some, not all, of {', '.join(sorted(grid))}")
        return self

    def cells(self) -> list[TrainConfig]:
        """The configuration of every cell, seeds innermost; where each is trained is set by the run."""
        shared = self.model_dump(include=set(StudentOptions.model_fields))
        grid = itertools.product(self.student, self.labels, self.data_fracs, self.methods, self.seeds)
        return [
            TrainConfig(**shared, student=student, labels=labels, data_frac=data_frac, method=method, seed=seed)
            for student, labels, data_frac, method, seed in grid
            if f"{method}:{labels}" not in self.skip
        ]


class QuickstartConfig(StageConfig):
    """Go the whole way in minutes on a small world that travels with dsbs: teacher, students, comparison."""

    fast: bool = Field(False, description="only the smaller fraction of the training questions")
    seeds: int = Field(1, ge=1, description="how many students of each kind; from 2 on differences get intervals over seeds")
    teacher: Literal["auto", "vllm", "transformers"] = Field("auto", description="auto: vllm where it is installed")
    jobs: int | None = Field(None, ge=1, description="students trained side by side; left out, one a processor core")
    out: Path = Field(Path("runs/quickstart"), description="folder of everything that the run leaves")


class PredictConfig(StageConfig):
    """Label new inputs with a trained student."""

    run: Path = Field(description="run folder of train")
    input: str = Field("-", description="CSV, JSON lines or Parquet with the task's fields; - reads JSON lines from stdin")
    explain: bool = Field(False, description="also decode a rationale")
    scores: bool = Field(False, description="also score every allowed label")
    batch_size: int = Field(64, ge=1, description="examples a forward pass")
