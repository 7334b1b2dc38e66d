"""Every pipeline file loads; those of the paper have the settings of the paper."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from dsbs.cli.stage import Stage
from dsbs.compare import STAGE as COMPARE
from dsbs.generate import STAGE as GENERATE
from dsbs.tasks.prompts import load_task
from support.places import ROOT

PIPELINES = sorted((ROOT / "pipelines").glob("*.yaml"))

PAPER = [path for path in PIPELINES if path.stem != "quickstart"]

TASKS = ("anli1", "cqa", "esnli", "svamp")
CELLS = {
    "anli1": 3 * 2 * 2 * 6 * 4,
    "cqa": 3 * 2 * 2 * 5 * 4,
    "esnli": 3 * 2 * 2 * 8 * 4,
    "svamp": 3 * 2 * 2 * 5 * 4,
    # Four methods of gold labels, three of the teacher's, four seeds.
    **{f"{task}-methods": (4 + 3) * 4 for task in TASKS},
    # Standard, which gold labels need no teacher for, and step-by-step of two teachers.
    **{f"{task}-teachers": (1 + 2) * 4 for task in TASKS},
    # Three students, without and with ASDiv, two methods, four seeds.
    "svamp-asdiv": 3 * 2 * 2 * 4,
    "quickstart": 3 * 2,
}
"""How many students each pipeline trains."""

FRACTIONS = {
    "anli1": {0.125, 0.25, 0.5, 0.75, 0.8, 1.0},
    "cqa": {0.125, 0.25, 0.5, 0.75, 1.0},
    "esnli": {0.001, 0.005, 0.05, 0.125, 0.25, 0.5, 0.75, 1.0},
    "svamp": {0.2, 0.4, 0.6, 0.8, 1.0},
}


def settings(stage: Stage, path: Path) -> Any:
    return stage.configure(pipeline=path.stem)


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_every_pipeline_loads_and_resolves_every_cell(path: Path) -> None:
    generate, compare = settings(GENERATE, path), settings(COMPARE, path)
    assert load_task(compare.task).name == generate.task
    cells = [cell.settings for cell in compare.grid()]
    assert len({cell.slug() for cell in cells}) == len(cells) == CELLS[path.stem]


def test_the_fractions_are_those_of_the_papers_figures_and_text() -> None:
    for task, fractions in FRACTIONS.items():
        found = [cell.settings for cell in COMPARE.configure(pipeline=task).grid()]
        assert {cell.data_frac for cell in found} == fractions
        assert {cell.labels for cell in found} == {"gold", "teacher"}


def test_the_ablations_vary_what_the_paper_varies() -> None:
    methods = [cell.settings for cell in COMPARE.configure(pipeline="cqa-methods").grid()]
    assert {(cell.method, cell.labels) for cell in methods} == {
        *itertools.product(("standard", "step_by_step", "pinto"), ("gold", "teacher")),
        ("rationale_then_label", "gold"),
    }
    teachers = COMPARE.configure(pipeline="cqa-teachers").grid()
    assert [(c.settings.method, c.levels) for c in teachers if c.settings.seed == 0] == [
        ("standard", {}),
        ("step_by_step", {"teacher": "cqa-palm"}),
        ("step_by_step", {"teacher": "cqa-neox"}),
    ]
    extra = [cell.settings for cell in COMPARE.configure(pipeline="svamp-asdiv").grid()]
    assert {cell.extra_unlabeled for cell in extra} == {(), ("asdiv=ASDiv.xml",)}


@pytest.mark.parametrize("path", PAPER, ids=lambda path: path.stem)
def test_the_papers_pipelines_have_the_papers_settings(path: Path) -> None:
    from dsbs.config.presets import preset_of

    compare = settings(COMPARE, path)
    cells = [cell.settings for cell in compare.grid()]
    assert {cell.seed for cell in cells} == {0, 1, 2, 3}
    paper = {
        "google/t5-v1_1-base": (64, 10_000),
        "google/t5-v1_1-large": (64, 10_000),
        "google/t5-v1_1-xxl": (32, 4_000),
    }
    for cell in cells:
        preset = preset_of(cell.student)
        assert (preset.batch_size, preset.max_steps) == paper[cell.student]
        assert (preset.learning_rate, preset.max_input_tokens, preset.eval_every, cell.alpha) == (
            5e-5,
            1024,
            250,
            0.5,
        )
