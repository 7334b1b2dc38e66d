"""The teacher of a server: asked as `generate` asked it, so that stored answers fit."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from dsbs.artifacts.manifest import read_manifest
from dsbs.artifacts.student_card import StudentCard
from dsbs.cli.settings import build
from dsbs.config.generate import GenerateConfig
from dsbs.core.errors import InputError
from dsbs.labeling.requests import Style
from dsbs.teachers.new_tokens import default_new_tokens
from dsbs.teachers.open import check_engine, open_teacher
from dsbs.teachers.protocol import EndpointOptions, EngineOptions, Sampling, Teacher

_ATTEMPTS = 4
_TIMEOUT_S = 60.0
"""Seconds before a request is tried again: a call does not wait so long, but its answer is kept."""
_SAME = (
    "teacher",
    "revision",
    "api",
    "temperature",
    "top_p",
    "max_new_tokens",
    "zero_shot",
    "extra_body",
)
"""Settings of `generate` that are part of a request."""


class TeacherPlan(NamedTuple):
    """How the teacher is asked."""

    options: EngineOptions
    sampling: Sampling
    style: Style

    def open(self, log: Path) -> AbstractContextManager[Teacher]:
        """Connect to it. Raises InputError where nobody answers."""
        return _opened(self, log)


def plan_of(card: StudentCard, checkpoint: Path, url: str, name: str | None) -> TeacherPlan:
    """How to ask the teacher at an address.

    As the run of `generate` did whose answers the student learned from, where that is found.

    Raises:
        InputError: No name of a model is known.
        MissingPackage: The client for such servers is not installed.
    """
    check_engine("endpoint")
    made = _settings_of(card, checkpoint)
    model = name or made.get("teacher")
    if not model:
        raise InputError(
            "--teacher-url",
            got="no name of a model",
            expected="the teacher's name",
            fix="name it with --teacher",
        )
    values = {"engine": "endpoint", "base_url": url, **made, "teacher": model}
    config = build(GenerateConfig, values)
    options = EngineOptions(
        model=str(model),
        revision=config.revision,
        api=config.api,
        endpoint=EndpointOptions((url,), 1, _TIMEOUT_S, _ATTEMPTS),
    )
    limit = config.max_new_tokens
    if limit is None:
        limit = default_new_tokens("endpoint", options, config.extra_body).limit
    sampling = Sampling(
        temperature=config.drawn_temperature,
        top_p=config.top_p,
        max_new_tokens=limit,
        stop=() if config.zero_shot else card.task.prompt.stop,
        extra=config.extra_body,
    )
    return TeacherPlan(options, sampling, Style(zero_shot=config.zero_shot))


def _settings_of(card: StudentCard, checkpoint: Path) -> dict[str, Any]:
    """The settings of the first run of answers that is found and that had a live teacher."""
    for place in card.answers.runs:
        folder = place.find(checkpoint)
        if folder is None:
            continue
        try:
            config = read_manifest(folder).config
        except InputError:
            continue
        if config.get("engine") != "published":
            return {name: config[name] for name in _SAME if config.get(name) is not None}
    return {}


@contextmanager
def _opened(plan: TeacherPlan, log: Path) -> Iterator[Teacher]:
    options = replace(plan.options)
    with open_teacher("endpoint", options, plan.sampling, log=log) as teacher:
        yield teacher
