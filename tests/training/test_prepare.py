"""Settings of training that depend on others."""

from pathlib import Path

from dsbs import api
from dsbs.config.train import TrainConfig
from support.farm import Farm
from support.soft_training import settings


def test_optimisers_have_their_own_learning_rate(two_teachers: Farm, tmp_path: Path) -> None:
    trained = api.train(**settings(two_teachers, optimiser="adafactor"), out=tmp_path / "a")
    assert trained["settings"]["learning_rate"] == 1e-3
    assert trained["log"][-1]["step"] == 6
    given = TrainConfig(optimiser="adafactor", learning_rate=2e-4, lora_rank=8)
    from dsbs.training.prepare import settings_of

    assert settings_of(given).learning_rate == 2e-4
    assert settings_of(TrainConfig(student="google/t5-v1_1-base")).learning_rate == 5e-5
