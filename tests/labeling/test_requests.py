"""The key of a request, by which stored answers are found: what is part of it and what is not."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dsbs.core.records import Example
from dsbs.labeling.requests import Asker, Style
from dsbs.tasks.prompts import load_task, task_from
from dsbs.teachers.protocol import Sampling
from support.farm import Farm
from support.places import DATA_FILES
from support.served_farm import Serve, ask, seen


def test_only_what_changed_is_asked(farm: Farm, serve: Serve, tmp_path: Path) -> None:
    """Appended rows: those. Parsing: nothing. The server's address: nothing. A word of a
    demonstration: everything.
    """
    log = tmp_path / "seen"
    url = serve("--log", log)
    farm.write(farm.rows[:60])
    first = ask(farm, url)
    assert first["new"] == sum(seen(log).values()) == 54
    before = seen(log)
    farm.write(farm.rows)
    appended = ask(farm, url)
    assert (appended["new"], appended["reused"]) == (18, 54)
    new = seen(log) - before
    assert sum(new.values()) == 18
    assert not set(new) & set(before)

    farm.task.write_text(
        farm.task.read_text().replace('ends: ["Animal:"]', 'ends: ["Animal:", "feathers"]')
    )
    reparsed = ask(farm, url)
    assert (reparsed["new"], reparsed["reused"]) == (0, 72)
    assert reparsed["splits"]["train"]["outcomes"] != appended["splits"]["train"]["outcomes"]

    assert ask(farm, serve("--log", tmp_path / "other"))["new"] == 0
    assert sum(seen(tmp_path / "other").values()) == 0

    farm.task.write_text(farm.task.read_text().replace("It lays eggs.", "It lays brown eggs."))
    assert ask(farm, url)["new"] == 72
    # The old answers are kept: the old words ask for nothing.
    farm.task.write_text(farm.task.read_text().replace("It lays brown eggs.", "It lays eggs."))
    assert ask(farm, url)["new"] == 0


@pytest.mark.parametrize(
    "change", [{"temperature": 0.5}, {"max_new_tokens": 17}, {"revision": "r2"}, {"top_p": 0.9}]
)
def test_what_changes_the_text_is_part_of_the_key(
    farm: Farm, serve: Serve, change: dict[str, Any], tmp_path: Path
) -> None:
    url, store = serve(), tmp_path / "shared.sqlite"
    assert ask(farm, url, store=store)["new"] == 72
    assert (
        ask(farm, url, store=store, out=tmp_path / "again", concurrency=3, price_in=1.0)["new"] == 0
    )
    assert ask(farm, url, store=store, out=tmp_path / "changed", **change)["new"] == 72


SOUNDS = ('says "quack"\n\\n', "\u2028\x07\x7f 🦆 ñ", "plain", "")


def duck(sound: str) -> Example:
    return Example("x", "train", {"animal": "duck", "sound": sound}, f"duck {sound}", gold="bird")


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize("style", [Style(), Style(rationalize=True), Style(zero_shot=True)])
def test_a_key_is_the_hash_of_the_whole_canonical_request(
    farm: Farm, chat: bool, style: Style
) -> None:
    """Stored answers are found by it for ever, so it may not change, however it is computed."""
    sampling = Sampling(0.7, 0.9, 64, ("\n\n",), '{"x": "ä"}')
    sampling = sampling.for_chat() if chat else sampling
    identity = {"model": "m", "revision": None}
    teacher: Any = SimpleNamespace(chat=chat, identity=identity, sampling=sampling)
    asker = Asker(load_task(str(farm.task)), teacher, style)
    for sound in SOUNDS:
        for sample in range(2):
            prompt = asker.prompt(duck(sound), sample)
            asked = {
                "text": prompt.text,
                "messages": prompt.messages,
                "schema": prompt.schema,
                "sample": sample,
            }
            unsent = ("refused", "top_logprobs")  # None: neither is part of such a request
            drawn = {name: v for name, v in asdict(sampling).items() if name not in unsent}
            canonical = json.dumps(
                [teacher.identity, {**asked, **drawn}], sort_keys=True, ensure_ascii=False
            )
            assert prompt.id == hashlib.sha256(canonical.encode()).hexdigest()


def test_keys_are_those_of_the_first_stores(farm: Farm) -> None:
    identity = {"model": "m", "revision": None}
    teacher: Any = SimpleNamespace(chat=False, identity=identity, sampling=Sampling(stop=("\n\n",)))
    asker = Asker(load_task(str(farm.task)), teacher, Style())
    assert (
        asker.prompt(duck("quacks")).id
        == "15c43877a48b536c6690048aa2b13b565dfb5b7d5d39cc5b72e98ad309bffbb7"
    )


KEYS = json.loads((DATA_FILES / "answer_keys.json").read_text())


@pytest.mark.parametrize("at", range(len(KEYS["prompts"])))
def test_keys_are_bit_for_bit_those_of_stores_that_people_have(at: int) -> None:
    """The file was written by an earlier version, with task definitions of its own."""
    case = KEYS["prompts"][at]
    sampling = Sampling(**{**case["sampling"], "stop": tuple(case["sampling"]["stop"])})
    sampling = sampling.for_chat() if case["chat"] else sampling
    teacher: Any = SimpleNamespace(chat=case["chat"], identity=case["identity"], sampling=sampling)
    task = task_from(KEYS["tasks"][case["task"]], where=case["task"])
    asker = Asker(task, teacher, Style(**case["style"]))
    example = Example(**{**case["example"], "choices": tuple(case["example"]["choices"])})
    if case["rationale"] is None:
        assert asker.prompt(example, case["sample"]).id == case["key"]
    else:
        assert asker.score_prompt(example, case["rationale"]).id == case["key"]


def test_a_refused_setting_is_part_of_the_key(farm: Farm) -> None:
    task = load_task(str(farm.task))
    keys = set()
    for sampling in (Sampling(), Sampling().without("temperature"), Sampling().without("top_p")):
        teacher: Any = SimpleNamespace(chat=False, identity={"model": "m"}, sampling=sampling)
        keys.add(Asker(task, teacher, Style()).prompt(duck("quacks")).id)
    assert len(keys) == 3
