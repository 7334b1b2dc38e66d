"""Which checkpoint training goes on from."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from dsbs import api
from dsbs.training.callbacks import StepCallback
from dsbs.training.checkpoints import newest_whole, seal_checkpoint
from support.farm import Farm
from support.soft_training import settings

FILES = (
    "model.safetensors",
    "optimizer.pt",
    "scheduler.pt",
    "rng_state.pth",
    "trainer_state.json",
)
"""What a resumed training reads."""


@pytest.fixture(scope="module")
def interrupted(two_teachers: Farm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints after 3 and 6 steps of 8."""
    ended = StepCallback.on_step_end
    folder = tmp_path_factory.mktemp("interrupted")

    def stop_after(last: int) -> Any:
        def stop(self: Any, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.global_step > last:
                raise KeyboardInterrupt
            ended(self, args, state, control, **more)

        return stop

    for last in (3, 6):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(StepCallback, "on_step_end", stop_after(last))
            with pytest.raises(KeyboardInterrupt):
                api.train(**options(two_teachers), out=folder / "run")
        made = folder / "run" / "checkpoints" / f"checkpoint-{last}"
        shutil.copytree(made, folder / "kept" / made.name)
    shutil.copytree(folder / "kept", folder / "run" / "checkpoints", dirs_exist_ok=True)
    return folder / "run"


def options(farm: Farm) -> dict[str, Any]:
    return settings(farm, max_steps=8, dropout=0.1)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["overwritten", "cut off", "removed"])
def test_a_damaged_checkpoint_is_named_and_passed_over(
    interrupted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, harm: str
) -> None:
    folder = shutil.copytree(interrupted / "checkpoints", tmp_path / "checkpoints")
    assert newest_whole(folder) == folder / "checkpoint-6"
    file = folder / "checkpoint-6" / name
    content = file.read_bytes()
    middle = len(content) // 2
    if harm == "overwritten":
        file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif harm == "cut off":
        file.write_bytes(content[:middle])
    else:
        file.unlink()
    assert newest_whole(folder) == folder / "checkpoint-3"
    said = capsys.readouterr().err.strip()
    assert said.startswith(f"{folder}/checkpoint-6 is damaged and passed over: {name} ")


def test_going_on_from_an_older_checkpoint_ends_in_the_same_weights(
    interrupted: Path, two_teachers: Farm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.train(**options(two_teachers), out=tmp_path / "whole")
    run = shutil.copytree(interrupted, tmp_path / "run")
    (run / "checkpoints" / "checkpoint-6" / "optimizer.pt").write_bytes(b"nothing")
    api.train(**options(two_teachers), out=run)
    said = capsys.readouterr().err
    assert "checkpoint-6 is damaged and passed over: optimizer.pt has changed" in said
    assert f"going on from {run}/checkpoints/checkpoint-3" in said
    for part in ("best", "checkpoints/checkpoint-8"):
        one = load_file(tmp_path / "whole" / part / "model.safetensors")
        two = load_file(run / part / "model.safetensors")
        assert all(torch.equal(one[key], two[key]) for key in one)
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["checkpoint-8"]


def test_a_checkpoint_that_was_cut_off_is_passed_over_and_older_ones_stay_until_the_new_is_whole(
    tmp_path: Path,
) -> None:
    assert newest_whole(tmp_path) is None
    for step in (250, 1000):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "trainer_state.json").write_text("{}")
        if step == 250:
            seal_checkpoint(folder)
    assert newest_whole(tmp_path) == tmp_path / "checkpoint-250"
    seal_checkpoint(tmp_path / "checkpoint-1000")
    assert newest_whole(tmp_path) == tmp_path / "checkpoint-1000"
    assert not (tmp_path / "checkpoint-250").exists()


def test_a_checkpoint_of_a_clock_that_was_ahead_is_no_newer_one(tmp_path: Path) -> None:
    for step in (250, 500):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "trainer_state.json").write_text("{}")
        seal_checkpoint(folder)
        os.utime(folder, (2e9, 2e9))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-500"]
    assert newest_whole(tmp_path) == tmp_path / "checkpoint-500"
