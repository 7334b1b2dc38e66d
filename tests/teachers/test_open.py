"""Which engine runs a model here, and what is missing for the others."""

import importlib.util

import pytest

from dsbs.core.require import MissingPackage
from dsbs.teachers.open import check_engine, installed_engine


def test_an_installed_engine_is_found() -> None:
    pytest.importorskip("torch")
    engine = installed_engine()
    assert engine == ("vllm" if importlib.util.find_spec("vllm") else "transformers")
    check_engine(engine)


def test_a_missing_engine_is_one_line_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "vllm" else found(name)
    )
    with pytest.raises(
        MissingPackage, match=r"^--engine vllm needs vllm: pip install 'dsbs\[vllm\]'"
    ):
        check_engine("vllm")
