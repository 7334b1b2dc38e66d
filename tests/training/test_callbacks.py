"""Where training is logged."""

from pathlib import Path
from typing import Any

import pytest

from dsbs import api
from dsbs.core.errors import InputError
from dsbs.training import callbacks
from support.farm import Farm


def test_training_is_logged_where_it_is_asked_to_be(
    answered_farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    settings: dict[str, Any] = {
        "answers": answered_farm.folder / "answered",
        "max_steps": 1,
        "batch_size": 8,
    }
    api.train(**settings, report_to="none", out=tmp_path / "none")
    assert not (tmp_path / "none" / "tensorboard").exists()
    with pytest.raises(
        InputError, match="--report-to: got 'paper'; expected tensorboard, none, or a tool"
    ):
        api.train(**settings, report_to="tensorboard,paper", out=tmp_path / "paper")
    monkeypatch.setattr(callbacks, "get_available_reporting_integrations", lambda: ["wandb"])
    assert callbacks.other_reports(["tensorboard", "wandb", "none"]) == ["wandb"]
