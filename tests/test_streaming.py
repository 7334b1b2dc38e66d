"""Many rows: what is read as a stream is what a list would hold, and memory hardly grows with it."""

import hashlib
import json
import random
import tracemalloc
from collections import Counter
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import Farm

from dsbs.core.errors import InputError
from dsbs.core.records import Example
from dsbs.data import spool as shelf
from dsbs.data.examples import content_hash
from dsbs.data.load import load_data, overlaps
from dsbs.data.splits import cut_80_10_10, occurrences
from dsbs.labeling.requests import Asker, Style
from dsbs.tasks.prompts import load_task
from dsbs.teachers.protocol import Sampling

SOUNDS = ('says "quack"\n\\n', "\u2028\x07\x7f 🦆 ñ", "plain", "")


def duck(sound: str) -> Example:
    return Example("x", "train", {"animal": "duck", "sound": sound}, f"duck {sound}", gold="bird")


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize("style", [Style(), Style(rationalise=True), Style(zero_shot=True)])
def test_a_key_is_the_hash_of_the_whole_canonical_request(
    farm: Farm, chat: bool, style: Style
) -> None:
    """Stored answers are found by it for ever, so it may not change, however it is computed."""
    teacher: Any = SimpleNamespace(chat=chat, identity={"model": "m", "revision": None})
    sampling = Sampling(0.7, 0.9, 64, ("\n\n",), '{"x": "ä"}')
    asker = Asker(load_task(str(farm.task)), teacher, sampling, style)
    for sound in SOUNDS:
        for sample in range(2):
            prompt = asker.prompt(duck(sound), sample)
            asked = {
                "text": prompt.text,
                "messages": prompt.messages,
                "schema": prompt.schema,
                "sample": sample,
            }
            drawn = asdict(sampling.for_chat() if chat else sampling)
            canonical = json.dumps(
                [teacher.identity, {**asked, **drawn}], sort_keys=True, ensure_ascii=False
            )
            assert prompt.id == hashlib.sha256(canonical.encode()).hexdigest()


def test_keys_are_those_of_the_first_stores(farm: Farm) -> None:
    teacher: Any = SimpleNamespace(chat=False, identity={"model": "m", "revision": None})
    asker = Asker(load_task(str(farm.task)), teacher, Sampling(stop=("\n\n",)), Style())
    assert (
        asker.prompt(duck("quacks")).id
        == "15c43877a48b536c6690048aa2b13b565dfb5b7d5d39cc5b72e98ad309bffbb7"
    )


def test_ids_splits_and_overlaps_are_those_of_counting_row_by_row(farm: Farm) -> None:
    rng = random.Random(0)
    rows = [{**rng.choice(farm.rows), "sound": f"says {rng.randrange(60)}"} for _ in range(1500)]
    farm.write(rows)
    task = load_task(str(farm.task))
    data = load_data(task, farm.data, split_seed=5)
    seen: Counter[str] = Counter()
    roles: dict[str, str] = {}
    wanted: dict[str, list[tuple[str, dict[str, str]]]] = {
        "train": [],
        "validation": [],
        "test": [],
    }
    for row in rows:
        fields = {"animal": row["animal"], "sound": row["sound"]}
        content = content_hash(Example("", "train", fields, ""))
        if content not in roles:
            block, place = divmod(len(roles), 10)
            order = np.random.default_rng([5, block]).permutation(10)
            roles[content] = (["train"] * 8 + ["validation", "test"])[order[place]]
        wanted[roles[content]].append((f"all-{content}-{seen[content]}", fields))
        seen[content] += 1
    assert {
        split: [(e.id, e.fields) for e in found] for split, found in data.splits.items()
    } == wanted
    assert max(seen.values()) > 1
    assert set(overlaps(data).values()) == {0}


def test_units_are_counted_and_cut_alike_as_texts_and_as_numbers() -> None:
    units = [random.Random(row).randrange(50) for row in range(400)]
    seen: Counter[int] = Counter()
    for unit, before in zip(units, occurrences(units), strict=True):
        assert before == seen[unit]
        seen[unit] += 1
    assert cut_80_10_10(units) == cut_80_10_10([f"unit {unit}" for unit in units])
    assert cut_80_10_10([]) == []
    assert occurrences([]).tolist() == []


def test_an_id_that_comes_twice_is_told_with_its_place_in_another_file(farm: Farm) -> None:
    farm.task.write_text(farm.task.read_text().replace("columns: {", "columns: {id: name, "))
    for part, names in (("train", "abc"), ("test", "dbe")):
        lines = [
            json.dumps({"name": name, "animal": "duck", "sound": name, "kind": "bird"})
            for name in names
        ]
        (farm.folder / "parts").mkdir(exist_ok=True)
        (farm.folder / "parts" / f"{part}.jsonl").write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"test\.jsonl:2: got id 'b' a second time"):
        load_data(load_task(str(farm.task)), farm.folder / "parts")


def test_of_each_row_few_bytes_stay_in_memory(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "_BYTES_IN_MEMORY", 1)
    task, used = load_task(str(farm.task)), []
    for sounds in (50, 450):
        farm.write(
            [
                {"animal": f"duck {n}", "sound": "x" * 300, "kind": "bird"}
                for n in range(10 * sounds)
            ]
        )
        tracemalloc.start()
        data = load_data(task, farm.data).with_validation()
        used.append(tracemalloc.get_traced_memory())
        tracemalloc.stop()
        assert sum(map(len, data.splits.values())) == 10 * sounds
    (before, peak_before), (after, peak_after) = used
    assert (after - before) / 4000 < 40
    assert (peak_after - peak_before) / 4000 < 150
