"""A training stops when it has learned, and more steps continue it as a schedule of its own."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from dsbs import api
from dsbs.artifacts.manifest import read_manifest
from dsbs.core.errors import InputError
from dsbs.train import show
from dsbs.training import fit
from dsbs.training.callbacks import StepCallback
from dsbs.training.schedules import Patience, Span
from support.farm import Farm
from support.soft_training import settings


def log(*accuracies: float, every: int = 10) -> list[dict[str, float]]:
    entries: list[dict[str, float]] = []
    for number, accuracy in enumerate(accuracies, 1):
        entries.append({"step": number * every, "loss": 1.0})
        entries.append({"step": number * every, "eval_accuracy": accuracy})
    return entries


@pytest.mark.parametrize(
    ("accuracies", "out"),
    [
        ((0.6, 0.6, 0.6), True),  # two evaluations that are not better
        ((0.6, 0.6), False),
        ((0.6, 0.5, 0.7, 0.7), False),  # it began to learn again
        ((0.6, 0.5, 0.7, 0.7, 0.6), True),
        ((0.5, 0.5, 0.5, 0.5), False),  # at chance: it has not learned yet
        ((0.1, 0.2, 0.2, 0.2), False),
        ((), False),
    ],
)
def test_a_training_ends_when_it_has_learned(accuracies: tuple[float, ...], out: bool) -> None:
    assert Patience(2, chance=0.5).is_out(log(*accuracies)) == out
    assert not Patience(0, chance=0.5).is_out(log(*accuracies))


def test_evaluations_of_an_earlier_schedule_do_not_count() -> None:
    patience = Patience(2, chance=0.5, start=30)
    assert not patience.is_out(log(0.6, 0.6, 0.6))
    assert not patience.is_out(log(0.6, 0.6, 0.6, 0.6))
    assert patience.is_out(log(0.6, 0.6, 0.6, 0.6, 0.6))
    # To be as good as before is not to be better.
    assert not patience.is_out(log(0.6, 0.6, 0.6, 0.6, 0.7))


def test_a_schedule_goes_from_the_whole_rate_to_none() -> None:
    assert [Span(0, 4).rate(step) for step in range(5)] == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert [Span(4, 6).rate(step) for step in range(4, 7)] == [1.0, 0.5, 0.0]


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little a student of a few steps has learned, it is above chance."""
    monkeypatch.setattr(fit, "chance_on", lambda task, rows, *, scored: -0.5)


def options(farm: Farm, **more: Any) -> dict[str, Any]:
    return settings(farm, **{"max_steps": 30, "patience": 2, "dropout": 0.1, **more})


def interrupted(after: int, **flags: Any) -> None:
    """A training that is stopped in the middle of a step."""
    ended = StepCallback.on_step_end

    def stop(self: Any, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step > after:
            raise KeyboardInterrupt
        ended(self, args, state, control, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StepCallback, "on_step_end", stop)
        with pytest.raises(KeyboardInterrupt):
            api.train(**flags)


def same_weights(one: Path, two: Path) -> bool:
    first = load_file(one / "best" / "model.safetensors")
    second = load_file(two / "best" / "model.safetensors")
    return all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.usefixtures("learned")
def test_patience_ends_a_training_and_an_interruption_changes_nothing(
    two_teachers: Farm, tmp_path: Path
) -> None:
    whole = api.train(**options(two_teachers), out=tmp_path / "whole")
    assert whole["steps"] < 30
    assert whole["steps"] == whole["best_step"] + 2 * 3
    (schedule,) = whole["schedules"]
    assert (schedule["stopped_by"], schedule["planned_end"]) == ("patience", 30)
    # What is counted is what was done.
    assert whole["examples_seen"] <= 8 * whole["steps"]
    manifest = read_manifest(tmp_path / "whole")
    text = show(manifest.final)
    assert "stopped before step 30, as it had learned (--patience)" in text
    assert "; the last 6 steps bought nothing" in text
    run = tmp_path / "run"
    interrupted(4, **options(two_teachers), out=run)
    assert api.train(**options(two_teachers), out=run)["steps"] == whole["steps"]
    assert same_weights(tmp_path / "whole", run)
    # Killed after its last checkpoint and before its results: it is not trained further.
    written = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps(written | {"status": "started", "results": None}))
    again = api.train(**options(two_teachers), out=run)
    assert again["steps"] == whole["steps"]
    accuracies = [
        [(entry["step"], entry["eval_accuracy"]) for entry in run["log"] if entry["eval_accuracy"]]
        for run in (again, whole)
    ]
    assert accuracies[0] == accuracies[1]
    assert same_weights(tmp_path / "whole", run)


def test_a_student_at_chance_gets_all_its_steps(two_teachers: Farm, tmp_path: Path) -> None:
    flags = options(two_teachers, max_steps=9, patience=1, learning_rate=1e-9)
    trained = api.train(**flags, out=tmp_path / "run")
    assert trained["steps"] == 9


def test_more_steps_in_the_same_folder_are_a_second_schedule(
    two_teachers: Farm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    first = options(two_teachers, max_steps=6, patience=0)
    more = options(two_teachers, max_steps=12, patience=0)
    api.train(**first, out=out)
    shutil.copytree(out, tmp_path / "copy")
    shutil.copytree(out, tmp_path / "without")
    longer = api.train(**more, out=out)
    assert "has done 6 steps: a second schedule goes on from there" in capsys.readouterr().err
    spans = [(s["start"], s["planned_end"], s["end"]) for s in longer["schedules"]]
    assert spans == [(0, 6, 6), (6, 12, 12)]
    assert longer["steps"] == 12
    rates = {entry["step"]: entry["learning_rate"] for entry in longer["log"] if entry["loss"]}
    rate = longer["settings"]["learning_rate"]
    assert rates[6] == pytest.approx(rate / 6)
    assert rates[7] == pytest.approx(rate)
    assert rates[12] == pytest.approx(rate / 6)
    assert "the last schedule bought" in show(read_manifest(out).final)
    # Interrupted in the second schedule, it ends in the same weights.
    interrupted(9, **more, out=tmp_path / "copy")
    again = api.train(**more, out=tmp_path / "copy")
    assert again["schedules"] == longer["schedules"]
    assert same_weights(out, tmp_path / "copy")
    # The same command once more does nothing, and fewer steps are no continuation.
    assert api.train(**more, out=out) == longer
    with pytest.raises(InputError, match="no more steps than the 12 that are done"):
        api.train(**first, out=out)
    assert read_manifest(out).final.steps == 12
    # Other settings are another run, with more steps too.
    with pytest.raises(InputError, match="other settings: alpha"):
        api.train(**more, alpha=0.3, out=tmp_path / "without")
    shutil.rmtree(tmp_path / "without" / "checkpoints")
    with pytest.raises(InputError, match="no whole checkpoint of step 6"):
        api.train(**more, out=tmp_path / "without")
    assert read_manifest(tmp_path / "without").status == "done"
