"""The contract's file, what it answers locally, and whom it refuses."""

from pathlib import Path

import pytest

from dsbs.artifacts.results.contract import ClassTerms, Identity
from dsbs.contracts.contract import CONTRACT, Contract
from dsbs.core.errors import InputError
from support.contracts import IDENTITY, made_contract


def test_a_contract_is_read_as_it_was_written(tmp_path: Path) -> None:
    terms = {"praise": ClassTerms(n=9, local=8, different=0, threshold=0.25)}
    contract = made_contract(per_class=terms, threshold=0.1 + 0.2)
    contract.save(tmp_path / CONTRACT)
    assert Contract.load(tmp_path / CONTRACT) == contract
    assert Contract.load(tmp_path) == contract


def test_any_byte_of_a_contract_that_changes_is_found(tmp_path: Path) -> None:
    made_contract().save(tmp_path / CONTRACT)
    whole = (tmp_path / CONTRACT).read_text()
    for old, new in [("0.98", "0.88"), ("0.9,", "0.8,"), ('"holds": true', '"holds": false')]:
        (tmp_path / CONTRACT).write_text(whole.replace(old, new))
        with pytest.raises(InputError, match="dsbs contract"):
            Contract.load(tmp_path / CONTRACT)


def test_scores_from_the_threshold_on_are_answered_locally() -> None:
    contract = made_contract()
    assert contract.answers_locally(0.9, "praise")
    assert not contract.answers_locally(0.8999, "praise")
    assert not contract.answers_locally(1.0, None)
    assert not made_contract(holds=False, threshold=None).answers_locally(1.0, "praise")


def test_each_class_may_have_its_own_threshold() -> None:
    terms = {
        "praise": ClassTerms(n=300, local=300, different=0, holds=True, threshold=0.5),
        "question": ClassTerms(n=9, local=0, different=0),
    }
    contract = made_contract(by_class=True, threshold=None, per_class=terms)
    assert contract.answers_locally(0.5, "praise")
    assert not contract.answers_locally(1.0, "question")
    assert not contract.answers_locally(1.0, "never seen")


@pytest.mark.parametrize("part", Identity.model_fields)
def test_another_student_is_refused_with_the_command_that_makes_a_new_one(part: str) -> None:
    contract = made_contract()
    contract.check(IDENTITY)
    other = IDENTITY.model_copy(update={part: "other"})
    with pytest.raises(InputError, match=f"other {part}.*dsbs contract --run runs/a --agree 0.98"):
        contract.check(other, "runs/a")
