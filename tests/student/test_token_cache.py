"""What was tokenized once is read back."""

from pathlib import Path

import pytest

from dsbs.config.train import TrainConfig
from dsbs.distillation.training_set import load_material
from dsbs.student import token_cache
from dsbs.training.prepare import plan_training
from support.farm import Farm


def test_what_was_tokenised_once_is_read_back(
    answered_farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSBS_CACHE", str(tmp_path))
    monkeypatch.setattr(token_cache, "WORTH_TEXTS", 1)
    config = TrainConfig(answers=answered_farm.folder / "answered")
    material = load_material(config)
    fresh = plan_training(material, config)
    kept = sorted((tmp_path / "tokens").iterdir())
    assert len(kept) == 2
    with monkeypatch.context() as patch:
        patch.setattr(token_cache, "_tokenise", lambda *_: pytest.fail("tokenised again"))
        assert plan_training(material, config).encoded == fresh.encoded
    kept[0].write_bytes(kept[0].read_bytes()[:50])  # cut off
    assert plan_training(material, config).encoded == fresh.encoded
    other = TrainConfig(answers=answered_farm.folder / "answered", prefixes=("[a] ", "[b] "))
    assert plan_training(material, other).encoded != fresh.encoded
