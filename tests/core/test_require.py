"""A missing package is one plain sentence with the command that installs it."""

import sys
from pathlib import Path

import pytest

from dsbs.core.errors import InputError
from dsbs.core.require import MissingPackage, check_installed, require


def test_an_installed_package_is_imported() -> None:
    assert require("json.decoder", "train", needed_by="x").JSONDecoder


def test_a_missing_package_is_told_with_its_extra() -> None:
    with pytest.raises(MissingPackage) as caught:
        require("not_there.inner", "train", needed_by="--lora-rank")
    assert str(caught.value) == "--lora-rank needs not_there: pip install 'dsbs[train]'"
    assert isinstance(caught.value, InputError)


def test_without_an_extra_the_package_itself_is_installed() -> None:
    with pytest.raises(MissingPackage, match=r"needs not_there: pip install not_there$"):
        check_installed("json", "not_there", needed_by="--optimizer adamw_8bit")


def test_a_package_that_does_not_import_is_another_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "halfway.py").write_text("import not_there_either\n")
    monkeypatch.syspath_prepend(tmp_path)
    check_installed("halfway", needed_by="x")
    assert "halfway" not in sys.modules
    with pytest.raises(MissingPackage, match=r"is installed but does not import .*dsbs doctor"):
        require("halfway", needed_by="x")
