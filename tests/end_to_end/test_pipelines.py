"""Every pipeline file loads; those of the paper have the settings of the paper."""

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


def settings(stage: Stage, path: Path) -> Any:
    return stage.configure(pipeline=path.stem)


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_every_pipeline_loads_and_resolves_every_cell(path: Path) -> None:
    generate, compare = settings(GENERATE, path), settings(COMPARE, path)
    assert load_task(compare.task).name == generate.task
    cells = compare.cells()
    assert len({cell.slug() for cell in cells}) == len(cells) > 0


@pytest.mark.parametrize("path", PAPER, ids=lambda path: path.stem)
def test_the_papers_pipelines_have_the_papers_settings(path: Path) -> None:
    from dsbs.config.presets import preset_of

    compare = settings(COMPARE, path)
    cells = compare.cells()
    assert len(cells) == 3 * 2 * 2 * len(compare.data_fracs) * 4
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
