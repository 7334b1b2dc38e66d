"""What makes a model's answers its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from dsbs.teachers.model_identity import folder_hash, model_identity
from support.places import DATA_FILES

IDENTITIES = json.loads((DATA_FILES / "answer_keys.json").read_text())["identities"]


@pytest.mark.parametrize("case", IDENTITIES)
def test_identities_are_those_of_stores_that_people_have(
    case: dict[str, Any], tmp_path: Path
) -> None:
    for name, text in case.get("files", {}).items():
        path = tmp_path / "model" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    model = case.get("model", str(tmp_path / "model"))
    found = model_identity(model, case["revision"], chat_template=case["chat_template"])
    assert found == case["identity"]


def test_models_below_a_cache_folder_have_identities_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / ".cache" / "model"
    folder.mkdir(parents=True)
    (folder / "weights").write_text("a")
    before = folder_hash(folder)
    (folder / "weights").write_text("bb")
    assert folder_hash(folder) != before
