"""The part of the input that is hidden is hidden."""

import pytest

pytest.importorskip("sklearn")

from dsbs.baselines.ablation import check_fields, without_fields
from dsbs.baselines.labels import LabeledRow
from dsbs.core.errors import InputError
from dsbs.core.records import Example
from support.baseline_rows import label_task


def pair(premise: str, hypothesis: str) -> Example:
    fields = {"premise": premise, "hypothesis": hypothesis}
    return Example(id=premise, split="train", fields=fields, input=f"{premise} {hypothesis}")


def test_what_a_hidden_field_tells_is_not_learned() -> None:
    task = label_task("class", "{{ premise }} {{ hypothesis }}", ("premise", "hypothesis"))
    train = [LabeledRow(pair("sun", "never so"), "no"), LabeledRow(pair("rain", "is so"), "yes")]
    asked = [pair("rain", "never so"), pair("sun", "is so")]
    without_premise = without_fields(task, train, ["premise"])(asked)
    without_hypothesis = without_fields(task, train, ["hypothesis"])(asked)
    assert [guess.label for guess in without_premise] == ["no", "yes"]
    assert [guess.label for guess in without_hypothesis] == ["yes", "no"]


def test_a_field_that_the_task_lacks_is_refused() -> None:
    task = label_task("class", "{{ premise }}", ("premise",))
    with pytest.raises(InputError, match="did you mean 'premise'"):
        check_fields(task, ["premises"])
    with pytest.raises(InputError, match="no --ablate-field"):
        check_fields(task, [])
