"""What was tokenized once is read back."""

from pathlib import Path

import pytest

from dsbs.student import token_cache
from dsbs.training.prepare import prepare
from support.farm import Farm
from support.trainings import data_of, settings_of


def test_what_was_tokenized_once_is_read_back(
    answered_farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSBS_CACHE", str(tmp_path))
    monkeypatch.setattr(token_cache, "MIN_TEXTS", 1)
    data = data_of(answers=answered_farm.folder / "answered")
    settings = settings_of(data)
    fresh = prepare(settings, data)
    kept = sorted((tmp_path / "tokens").iterdir())
    assert len(kept) == 4  # inputs and targets: to learn, and tried for what the tokenizer loses
    with monkeypatch.context() as patch:
        patch.setattr(token_cache, "_tokenize", lambda *_: pytest.fail("tokenized again"))
        assert prepare(settings, data).encoded == fresh.encoded
    kept[0].write_bytes(kept[0].read_bytes()[:50])  # cut off
    assert prepare(settings, data).encoded == fresh.encoded
    other = settings_of(data, prefixes=("[a] ", "[b] "))
    assert prepare(other, data).encoded != fresh.encoded
