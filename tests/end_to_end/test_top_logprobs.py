"""Soft labels of a chat server: asked for, read, stored and learned, or counted as missing."""

import json
import math
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dsbs.core.errors import InputError
from support.farm import ANIMALS, Farm
from support.scripted_server import Reply, error, message, prompts_of, scripted
from support.served_farm import ask
from support.trainings import data_of, rows_of

SOFT = {"api": "chat", "label_scores": "top_logprobs", "splits": "train", "max_rows": 12}


def answer(body: dict[str, Any], *, sure: float = 0.8) -> Reply:
    """The right label with this probability, the other one with the rest."""
    asked = prompts_of(body)[0]
    label = "bird" if any(name in asked for name in ANIMALS["bird"]) else "mammal"
    other = "mammal" if label == "bird" else "bird"
    before = "It has a reason. So it is a"
    status, reply = message(f"{before} {label}.")
    if not body.get("logprobs"):
        return status, reply

    def token(text: str, *others: tuple[str, float]) -> dict[str, Any]:
        stated = others or ((text, 1.0),)
        ranked = [
            {"token": one, "logprob": math.log(p), "bytes": list(one.encode())} for one, p in stated
        ]
        return {**ranked[0], "top_logprobs": ranked}

    chosen = token(f" {label}", (f" {label}", sure), (f" {other}", 1 - sure))
    reply["choices"][0]["logprobs"] = {"content": [token(before), chosen, token(".")]}
    return status, reply


def distributions(run: Path) -> list[dict[str, float] | None]:
    rows = pq.read_table(run / "data" / "train.parquet").to_pylist()
    return [row["distribution"] and json.loads(row["distribution"]) for row in rows]


def test_soft_labels_come_from_the_answer_and_are_learned(farm: Farm) -> None:
    with scripted(answer) as server:
        made = ask(farm, server.url, **SOFT)
        assert all((b["logprobs"], b["top_logprobs"]) == (True, 20) for b in server.requests)
        again = ask(farm, server.url, **SOFT)
    assert (again["reused"], len(server.requests)) == (12, 12)
    split = made["splits"]["train"]
    assert (split["distributions"], split["distributions_agree"]) == (12, 1.0)
    found = distributions(farm.folder / "asked")
    assert all(sorted(one.values()) == pytest.approx([0.2, 0.8]) for one in found if one)
    flags = {"answers": [farm.folder / "asked"], "labels": "teacher", "soft_weight": 0.5}
    pairs = rows_of(data_of(**flags), **flags).pairs
    assert all(sorted((p.distribution or {}).values()) == pytest.approx([0.2, 0.8]) for p in pairs)


def test_answers_that_were_made_without_keep_their_keys(farm: Farm) -> None:
    plain = {"api": "chat", "splits": "train", "max_rows": 12}
    with scripted(answer) as server:
        ask(farm, server.url, **plain)
        assert not any("logprobs" in body for body in server.requests)
        store = farm.folder / "asked" / "answers.sqlite"
        soft = ask(farm, server.url, store=store, out=farm.folder / "soft", **SOFT)
        assert (soft["new"], len(server.requests)) == (12, 24)
        both = ask(farm, server.url, store=store, out=farm.folder / "plain", **plain)
    assert (both["reused"], len(server.requests)) == (12, 24)


def test_a_server_that_gives_none_is_said_once_and_counted(farm: Farm, capfd: Any) -> None:
    with scripted(
        lambda body: answer({k: v for k, v in body.items() if k != "logprobs"})
    ) as server:
        made = ask(farm, server.url, **SOFT)
    assert made["splits"]["train"]["distributions"] == 0
    assert distributions(farm.folder / "asked") == [None] * 12
    printed = capfd.readouterr().err
    assert printed.count("0 of 12 new answers") == 1
    assert printed.count("12 have none: the server gave no top_logprobs") == 1


@pytest.mark.parametrize(("most", "asked"), [(5, 5), (0, None)])
def test_a_server_that_refuses_many_or_all_is_asked_for_fewer_or_none(
    farm: Farm, most: int, asked: int | None
) -> None:
    def picky(body: dict[str, Any]) -> Reply:
        if body.get("top_logprobs", 0) > most:
            return error(400, f"top_logprobs must be at most {most}", param="top_logprobs")
        return answer(body)

    with scripted(picky) as server:
        made = ask(farm, server.url, **SOFT)
    assert server.requests[-1].get("top_logprobs") == asked
    assert made["changed_settings"] == {"top_logprobs": asked}
    assert made["splits"]["train"]["distributions"] == (12 if asked else 0)


def test_models_that_continue_text_and_tasks_without_a_list_of_labels_are_refused(
    farm: Farm,
) -> None:
    with scripted(answer) as server:
        with pytest.raises(InputError, match="top_logprobs with --engine endpoint"):
            ask(farm, server.url, **SOFT | {"api": "completions"})
        text = farm.task.read_text().replace(
            "{kind: class, labels: [bird, mammal]}", "{kind: text}"
        )
        farm.task.write_text(text)
        with pytest.raises(InputError, match="labels that can be listed"):
            ask(farm, server.url, **SOFT)
