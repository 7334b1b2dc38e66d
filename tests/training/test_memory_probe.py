"""A step that does not fit into memory is cut until it does."""

from pathlib import Path
from typing import Any

import pytest
import torch

from dsbs import api
from dsbs.core.errors import InputError
from dsbs.training.batching import Collator, lengths_of, rows_of
from dsbs.training.memory_probe import largest_pass
from dsbs.training.objective import Objective
from dsbs.training.prepare import prepare
from support.farm import Farm
from support.training_log import logged
from support.trainings import data_of, settings_of


def test_a_step_that_does_not_fit_into_memory_is_cut_until_it_does(
    answered_farm: Farm,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings: dict[str, Any] = {
        "answers": answered_farm.folder / "answered",
        "dropout": 0.0,
        "max_steps": 6,
        "batch_size": 8,
    }
    settings["precision"] = "fp32"
    roomy = api.train(**settings, out=tmp_path / "roomy")
    compute = Objective.of_pass
    room = 100

    def limited(self: Objective, model: Any, batches: Any, *rest: Any, **more: Any) -> torch.Tensor:
        loss = compute(self, model, batches, *rest, **more)
        if sum(batch.tokens for batch in batches) > room:
            raise torch.OutOfMemoryError
        return loss

    monkeypatch.setattr(Objective, "of_pass", limited)
    tight = api.train(**settings, out=tmp_path / "tight")
    assert "does not fit in memory" in capsys.readouterr().err
    for one, two in zip(roomy["log"], tight["log"], strict=True):
        assert logged(one) == pytest.approx(logged(two), rel=1e-4)
    room = 0
    with pytest.raises(InputError, match=r"does not fit in memory; .* --gradient-checkpointing"):
        api.train(**settings, out=tmp_path / "none")


def test_the_largest_pass_that_fits_is_found_by_halves(answered_farm: Farm) -> None:
    data = data_of(answers=answered_farm.folder / "answered")
    plan = prepare(settings_of(data, student="tiny"), data)
    examples, collator = plan.encoded.examples, Collator(plan.encoded.tasks, 0)
    tried = []

    def most(room: float) -> int:
        return largest_pass(
            examples,
            collator,
            count=8,
            fits=lambda batch: tried.append(batch.tokens) or batch.tokens <= room,
        )

    whole = most(float("inf"))
    anywhere = [
        max(part.tokens for part in collator(examples[at : at + 8]).micro_batches)
        for at in range(57)
    ]
    assert whole >= max(anywhere)
    assert whole / 4 < most(whole / 2) <= whole / 2
    with pytest.raises(InputError, match="does not fit in memory"):
        most(0)
    assert tried[-1] == max(
        int(lengths_of(rows_of([example])).sum(axis=1).max()) for example in examples
    )
