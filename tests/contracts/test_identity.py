"""Any byte that decides answers makes another student: a contract refuses it."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dsbs.contracts.identity as identity
from dsbs.artifacts.student_card import CARD, StudentCard, TrainingFacts
from dsbs.contracts.identity import identity_of
from dsbs.core.checksums import write_checksums
from dsbs.core.errors import InputError
from dsbs.core.files import packaged
from dsbs.tasks.prompts import load_task
from support.contracts import made_contract


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quickstart's first weights, with a card."""
    folder = tmp_path_factory.mktemp("student") / "best"
    shutil.copytree(packaged("quickstart/student"), folder)
    card = StudentCard(
        task=load_task("quickstart"),
        method="step_by_step",
        prefixes={"label": "[label] ", "rationale": "[rationale] "},
        max_input_tokens=64,
        max_target_tokens=64,
        max_label_tokens=16,
        training=TrainingFacts(
            method="step_by_step",
            labels="teacher",
            student="quickstart",
            data_frac=1.0,
            seed=0,
            selected_by="last step",
        ),
    )
    card.write(folder)
    write_checksums(folder)
    return folder


Change = Callable[[Path, random.Random], None]


def flip_byte(name: str) -> Change:
    def change(folder: Path, drawn: random.Random) -> None:
        content = bytearray((folder / name).read_bytes())
        content[drawn.randrange(len(content))] ^= 1 << drawn.randrange(8)
        (folder / name).write_bytes(content)

    return change


def change_card(change: Callable[[dict[str, Any], int], None]) -> Change:
    def apply(folder: Path, drawn: random.Random) -> None:
        card = json.loads((folder / CARD).read_text())
        change(card, drawn.randrange(26))
        (folder / CARD).write_text(json.dumps(card, indent=1))

    return apply


def in_labels(card: dict[str, Any], letter: int) -> None:
    card["task"]["label"] = {"kind": "class", "labels": [chr(97 + letter), "?"]}
    card["task"]["columns"]["choices"] = None


def in_prompt(card: dict[str, Any], letter: int) -> None:
    card["prefixes"]["label"] = f"[labe{chr(65 + letter)}] "


def in_template(card: dict[str, Any], letter: int) -> None:
    card["task"]["input"] += chr(97 + letter)


def in_precision(card: dict[str, Any], letter: int) -> None:
    card["precision"] = f"{chr(97 + letter)}p32" if letter != 5 else "bp32"


def in_runtime(card: dict[str, Any], letter: int) -> None:
    card["runtime"] = f"torc{chr(65 + letter)}"


CHANGES: dict[str, Change] = {
    "weights": flip_byte("model.safetensors"),
    "weights: settings": flip_byte("config.json"),
    "tokenizer": flip_byte("tokenizer.json"),
    "tokenizer: settings": flip_byte("tokenizer_config.json"),
    "labels": change_card(in_labels),
    "prompt": change_card(in_prompt),
    "task": change_card(in_template),
    "precision": change_card(in_precision),
    "runtime": change_card(in_runtime),
    "card": flip_byte(CARD),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_hundred_changes_of_one_byte_are_refused(
    student: Path, tmp_path: Path, name: str
) -> None:
    contract = made_contract(identity=identity_of(student))
    contract.check(identity_of(student))
    for seed in range(10):
        folder = tmp_path / f"changed-{seed}"
        shutil.copytree(student, folder)
        CHANGES[name](folder, random.Random(seed))
        write_checksums(folder)
        part = name.partition(":")[0]
        expected = "card" if part == "card" else f"{part}.*dsbs contract --run"
        with pytest.raises(InputError, match=expected):
            contract.check(identity_of(folder))


def test_another_version_of_the_run_time_is_refused(
    student: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = made_contract(identity=identity_of(student))
    monkeypatch.setattr(identity, "version", lambda library: "999.1")
    with pytest.raises(InputError, match=r"other runtime \(torch 999\.1, transformers 999\.1"):
        contract.check(identity_of(student))


def test_a_copy_is_the_same_student_and_measurements_beside_it_change_nothing(
    student: Path, tmp_path: Path
) -> None:
    shutil.copytree(student, tmp_path / "copy")
    (tmp_path / "copy" / "contract.json").write_text("{}")
    assert identity_of(tmp_path / "copy") == identity_of(student)
