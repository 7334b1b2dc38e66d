"""Distributions over labels from the alternatives of an answer's tokens."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsbs.core.records import AnswerToken, Completion, Example
from dsbs.labeling.label_logprobs import LogprobReader
from dsbs.metrics.distributions import softmax
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task
from support.farm import FARM
from support.tasks_of import task_of

BEFORE = "It has fur. So it is a"


def farm(*labels: str) -> Task:
    return task_of(FARM.replace("[bird, mammal]", f"[{', '.join(labels)}]"), demonstrations=labels)


def pieces(text: str, size: int) -> list[str]:
    """A text in tokens of `size` characters; the first has the space before it."""
    whole = f" {text}."
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def answer(shares: Mapping[str, float], size: int, *, most: int = 20) -> Completion:
    """What a teacher with these shares of labels answers, token by token, likeliest label first.

    After each beginning the next token has the share of the labels that go on with it.
    """
    said = max(shares, key=lambda label: shares[label])
    tokens = [AnswerToken(word.encode(), {word.encode(): 0.0}) for word in (BEFORE,)]
    for at, piece in enumerate(pieces(said, size)):
        begun = pieces(said, size)[:at]
        alive = {y: p for y, p in shares.items() if pieces(y, size)[:at] == begun}
        following: dict[str, float] = {}
        for label, share in alive.items():
            rest = pieces(label, size)[at : at + 1]
            if rest:
                following[rest[0]] = following.get(rest[0], 0.0) + share
        total = sum(alive.values())
        ranked = sorted(following.items(), key=lambda pair: -pair[1])[:most]
        logprobs = {text.encode(): math.log(p / total) for text, p in ranked}
        tokens.append(AnswerToken(piece.encode(), logprobs))
    text = b"".join(token.text for token in tokens).decode()
    return Completion("1", text, "stop", tokens=tuple(tokens))


def read(task: Task, completion: Completion, choices: Sequence[str] = ()) -> tuple[dict, str]:
    """The shares of labels that are read, and why there are none."""
    reader = LogprobReader(task)
    done = reader(Example("1", "train", {}, "", choices=tuple(choices)), completion)
    assert done.tokens == ()
    assert done.text == completion.text
    scores = dict(done.label_scores or {})
    return softmax(scores) if scores else {}, "\n".join(reader.lines())


LABELS = ("bird", "mammal", "reptile", "fish")


@given(
    weights=st.lists(st.floats(0.05, 1), min_size=4, max_size=4),
    size=st.integers(2, 12),
)
def test_the_shares_are_those_of_the_teacher_however_it_cuts_tokens(weights, size) -> None:
    shares = {y: w / sum(weights) for y, w in zip(LABELS, weights, strict=True)}
    found, _ = read(farm(*LABELS), answer(shares, size))
    assert found == pytest.approx(shares)


def test_labels_of_several_tokens_that_begin_alike_are_told_apart_further_on() -> None:
    shares = {"mammal": 0.6, "mammoth": 0.3, "bird": 0.1}
    found, _ = read(farm(*shares), answer(shares, 4))
    assert found == pytest.approx(shares)


def test_a_label_that_another_begins_with() -> None:
    shares = {"cat": 0.6, "catfish": 0.3, "bird": 0.1}
    for size in (2, 4, 5):
        found, _ = read(farm(*shares), answer(shares, size))
        assert found == pytest.approx(shares), size


def test_tokens_that_begin_several_other_labels_leave_the_row_out() -> None:
    shares = {"bird": 0.6, "mammal": 0.3, "mammoth": 0.1}
    found, why = read(farm(*shares), answer(shares, 4))
    assert found == {}
    assert "1 have none: several labels begin with the same token" in why


def test_a_server_without_logprobs_is_counted_and_nothing_is_guessed() -> None:
    found, why = read(farm("bird", "mammal"), Completion("1", f"{BEFORE} bird.", "stop"))
    assert found == {}
    assert "0 of 1 new answers" in why
    assert "the server gave no top_logprobs" in why


def test_other_text_at_the_labels_place_leaves_the_row_out() -> None:
    told = answer({"bird": 0.9, "mammal": 0.1}, 12)
    odd = AnswerToken(b" bird.", {b" bird.": math.log(0.3), b" hmm": math.log(0.65)})
    found, why = read(farm("bird", "mammal"), replace(told, tokens=(told.tokens[0], odd)))
    assert found == {}
    assert "other text" in why


def test_alternatives_in_other_case_and_without_the_space_count_for_their_label() -> None:
    token = AnswerToken(b" bird", {b" bird": math.log(0.5), b" Bird": math.log(0.2),
                                   b"mammal": math.log(0.2), b"\n": math.log(0.1)})  # fmt: skip
    start = AnswerToken(BEFORE.encode(), {})
    end = AnswerToken(b".", {b".": 0.0})
    told = Completion("1", f"{BEFORE} bird.", "stop", tokens=(start, token, end))
    found, _ = read(farm("bird", "mammal"), told)
    assert found == pytest.approx({"bird": 7 / 9, "mammal": 2 / 9})


def test_the_label_is_found_in_json_and_by_its_letter() -> None:
    def told(before: str, text: str, others: Mapping[str, float], after: str) -> Completion:
        tokens = (
            AnswerToken(before.encode(), {}),
            AnswerToken(text.encode(), {y.encode(): math.log(p) for y, p in others.items()}),
            AnswerToken(after.encode(), {}),
        )
        return Completion("1", f"{before}{text}{after}", "stop", tokens=tokens)

    json = told('{"rationale": "A bird has fur.", "label": "', "mammal",
                {"mammal": 0.8, "bird": 0.2}, '"}')  # fmt: skip
    assert read(farm("bird", "mammal"), json)[0] == pytest.approx({"mammal": 0.8, "bird": 0.2})
    cqa = load_task("cqa")
    choices = ("shore", "bank", "hill")
    by_letter = told(
        "It is by a river. So the answer is (", "b", {"b": 0.7, "a": 0.2, "c": 0.1}, ") bank."
    )
    shares = {"bank": 0.7, "shore": 0.2, "hill": 0.1}
    assert read(cqa, by_letter, choices)[0] == pytest.approx(shares)
    alone = told("It is by a river. So the answer is", " (b", {" (b": 0.7, " (a": 0.3}, ").")
    assert read(cqa, alone, choices)[0] == pytest.approx({"bank": 0.7, "shore": 0.3})
