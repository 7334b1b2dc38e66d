"""Many devices: what is sharded trains as what is not, and no process waits for another in vain.
Real processes, over gloo.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSeq2SeqLM

from dsbs import api
from dsbs.core.errors import InputError
from support.farm import Farm
from support.places import ROOT
from support.training_log import logged
from support.two_processes import SHARED

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]


def launched(*command: Any) -> str:
    """What the processes wrote to stderr. They must end well."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*map(str, command)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-8000:]
    return done.stderr


class Trained:
    """Runs of two_processes.py."""

    def __init__(self, folder: Path, answers: Path, said: str) -> None:
        self.folder, self.answers, self.said = folder, answers, said

    def results(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / name / "manifest.json").read_text())[
            "results"
        ]
        return found

    def weights(self, name: str, part: str = "checkpoints/checkpoint-8") -> dict[str, torch.Tensor]:
        return load_file(self.folder / name / part / "model.safetensors")

    def alike(self, one: str, two: str, **tolerance: float) -> None:
        """Losses, lengths of gradients and validation of every step agree."""
        logs = [self.results(name)["log"] for name in (one, two)]
        assert len(logs[0]) > 8
        for a, b in zip(*logs, strict=True):
            assert logged(a) == pytest.approx(logged(b), **tolerance)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    farm = Farm(tmp_path_factory.mktemp("farm"))
    farm.generate(out=farm.folder / "first")
    farm.answers.write_text(
        farm.answers.read_text().replace("So it is a bird", "So it is a mammal")
    )
    farm.generate(out=farm.folder / "second")
    out = tmp_path_factory.mktemp("two")
    return Trained(
        out,
        farm.folder / "first",
        launched(*TORCHRUN, ROOT / "tests" / "support" / "two_processes.py", farm.folder, out),
    )


def test_sharded_training_is_unsharded_training(trained: Trained) -> None:
    assert trained.results("sharded")["sharded"]
    assert not trained.results("replicated")["sharded"]
    trained.alike("replicated", "sharded", rel=1e-4)
    one, two = trained.weights("replicated"), trained.weights("sharded")
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, two[name], rtol=1e-3, atol=1e-4)


def test_soft_labels_are_learned_sharded_too(trained: Trained) -> None:
    """The encoder runs by itself there, before the decoder scores the candidates."""
    trained.alike("soft", "soft-sharded", rel=1e-4)


def test_a_decoder_trains_alike_on_one_process_two_and_sharded(trained: Trained) -> None:
    alone: dict[str, Any] = SHARED | {"dropout": 0.0, "student": "tiny-gemma"}
    api.train(**alone, answers=[trained.answers], out=trained.folder / "decoder-alone")
    trained.alike("decoder", "decoder-sharded", rel=1e-4)
    trained.alike("decoder", "decoder-alone", rel=1e-4)


def test_a_sharded_student_is_an_ordinary_checkpoint(trained: Trained) -> None:
    best = trained.folder / "sharded" / "best"
    model, found = AutoModelForSeq2SeqLM.from_pretrained(best, output_loading_info=True)
    assert not any(found.values())
    stored = load_file(best / "model.safetensors")
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, stored[name])
    assert api.evaluate(run=trained.folder / "sharded")["n"] == 8


def test_sharded_training_goes_on_to_the_same_weights(trained: Trained) -> None:
    assert "going on from" in trained.said
    assert trained.results("whole")["log"] == trained.results("parts")["log"]
    for part in ("best", "checkpoints/checkpoint-8"):
        whole, parts = trained.weights("whole", part), trained.weights("parts", part)
        assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_sharded_training_goes_on_in_one_process(trained: Trained) -> None:
    assert not (trained.folder / "moved" / "checkpoints" / "checkpoint-8").exists()
    api.train(**SHARED, answers=[trained.answers], dropout=0.0, out=trained.folder / "moved")
    assert trained.results("moved")["processes"] == 1
    trained.alike("replicated", "moved", rel=1e-4)


def test_what_fits_into_memory_is_agreed_on(trained: Trained) -> None:
    """One process has room for 130 tokens, the other for 70: neither waits for the other, and the
    steps stay the same.
    """
    assert "tokens does not fit in memory" in trained.said
    trained.alike("replicated", "tight", rel=1e-4)


def test_a_configuration_of_accelerate_for_fsdp_shards(answered_farm: Farm, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "accelerate.yaml").read_text()
    (tmp_path / "accelerate.yaml").write_text(text.replace("num_processes: 8", "num_processes: 2"))
    settings = [
        "--answers",
        answered_farm.folder / "answered",
        "--max-steps",
        2,
        "--batch-size",
        8,
        "--out",
        tmp_path / "run",
    ]
    accelerate = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--config_file",
        tmp_path / "accelerate.yaml",
    ]
    launched(*accelerate, "-m", "dsbs.train", *settings)
    results = json.loads((tmp_path / "run" / "manifest.json").read_text())["results"]
    assert (results["processes"], results["sharded"]) == (2, True)


@pytest.mark.parametrize("more", [{"optimizer": "adafactor"}, {"lora_rank": 2}])
def test_what_cannot_be_sharded_is_refused(
    answered_farm: Farm, tmp_path: Path, more: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match="all weights trained by adamw"):
        api.train(
            answers=answered_farm.folder / "answered",
            max_steps=1,
            shard=True,
            **more,
            out=tmp_path / "run",
        )


def test_deepspeed_is_refused(
    answered_farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    with pytest.raises(InputError, match="use --shard"):
        api.train(answers=answered_farm.folder / "answered", max_steps=1, out=tmp_path / "run")
