"""The store of answers: nothing paid for is lost, whoever writes to it and whatever happens to the
disk.
"""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from dsbs.artifacts.answer_store import AnswerStore
from dsbs.artifacts.store_queries import Asked, example_from, example_json
from dsbs.core.errors import InputError
from dsbs.core.records import Completion, Example
from support.farm import Farm
from support.served_farm import Serve, ask, flags, prompts, seen


def completion(key: str, text: str = "", **fields: object) -> Completion:
    return Completion(key, text, **fields)  # type: ignore[arg-type]


def test_an_answer_is_never_replaced_by_a_failure_and_a_failure_is_by_an_answer(
    tmp_path: Path,
) -> None:
    with AnswerStore(tmp_path / "s.sqlite") as store:
        store.keep("t", [completion("a", error="timeout"), completion("b", "said")])
        assert store.finished(["a", "b", "c"]) == {"b"}
        store.keep("t", [completion("a", "said at last"), completion("b", error="timeout")])
        assert store.finished(["a", "b"]) == {"a", "b"}
        example = Example("x", "train", {"q": "é"}, "in", ("c", "d"), "c")
        store.ask(
            "run", "task", [Asked(at, "answer", 0, key, example) for at, key in enumerate("abz")]
        )
        texts = [(said.text, said.error) for _, said in store.answers("run")]
        assert texts == [
            ("said at last", None),
            ("said", None),
            ("", "never asked: the run stopped before it"),
        ]
        assert store.failures("run") == [("never asked: the run stopped before it", 1)]
        assert example_from(example_json(example)) == example


def test_an_answer_that_cannot_be_stored_is_kept_as_failed_and_takes_no_other_with_it(
    tmp_path: Path,
) -> None:
    odd = [
        completion("surrogate", "half \ud83e"),
        completion("list", ["a"]),  # type: ignore[arg-type]
        completion("huge", "said", prompt_tokens=2**70),
        completion("nothing", None),  # type: ignore[arg-type]
    ]
    with AnswerStore(tmp_path / "s.sqlite") as store:
        kept = store.keep("t", [completion("a", "said"), *odd, completion("b", "said")])
        assert [one.id for one in kept if one.error is None] == ["a", "b"]
        keys = [one.id for one in kept]
        assert store.finished(keys) == {"a", "b"}
        example = Example("x", "train", {}, "")
        store.ask("run", "task", [Asked(at, "answer", 0, k, example) for at, k in enumerate(keys)])
        reasons = [reason for reason, _ in store.failures("run")]
        assert all(reason.startswith("the answer cannot be stored: ") for reason in reasons)
        assert len(reasons) == 4
        store.keep("t", [completion("list", "said at last")])
        assert store.finished(["list"]) == {"list"}


def test_a_run_is_known_by_its_place_beside_the_store(tmp_path: Path) -> None:
    (tmp_path / "runs" / "one").mkdir(parents=True)
    with AnswerStore(tmp_path / "runs" / "one" / "s.sqlite") as store:
        assert store.run_name(tmp_path / "runs" / "one") == "."
        assert store.run_name(tmp_path / "runs" / "two") == "../two"
        assert store.run_folder("../two") == tmp_path / "runs" / "two"


def test_label_scores_are_child_rows_of_their_completion(tmp_path: Path) -> None:
    with AnswerStore(tmp_path / "s.sqlite") as store:
        store.keep("t", [completion("k", label_scores={"yes": -0.1, "no": -2.5})])
        store.ask("run", "task", [Asked(0, "score_after", 0, "k", Example("x", "train", {}, ""))])
        ((_, said),) = store.answers("run")
        assert said.label_scores == {"yes": -0.1, "no": -2.5}


def test_answers_come_back_in_the_order_of_the_data_however_many(tmp_path: Path) -> None:
    with AnswerStore(tmp_path / "s.sqlite") as store:
        rows = [
            Asked(at, "answer", sample, f"{at}-{sample}", Example(str(at), "train", {}, ""))
            for at in range(1203)
            for sample in (0, 1)
        ]
        store.ask("run", "task", rows[::-1])
        store.keep("t", [completion(row.key, row.key) for row in rows])
        assert [said.text for _, said in store.answers("run")] == [row.key for row in rows]


def test_two_processes_share_a_store(farm: Farm, serve: Serve, tmp_path: Path) -> None:
    log, store = tmp_path / "seen", tmp_path / "shared.sqlite"
    url = serve("--log", log, "--delay", "0.02")
    shared = flags(farm, url)
    shared += [
        "--store",
        store,
        "--prompts-per-request",
        "1",
        "--concurrency",
        "2",
        "--api",
        "completions",
    ]
    command = [sys.executable, "-m", "dsbs.generate", *shared, "--json", "--out"]
    both = [
        subprocess.Popen([*map(str, command), str(tmp_path / n)], stdout=subprocess.PIPE, text=True)
        for n in "ab"
    ]
    results = [json.loads(process.communicate()[0]) for process in both]
    assert [r["failed"] for r in results] == [0, 0]
    for result in results:
        assert sum(split["outcomes"]["ok"] for split in result["splits"].values()) == 72
    with AnswerStore(store, readonly=True) as opened:
        assert opened.counts()[0].answers == 72
    assert set(seen(log)) == set(prompts(farm).values())


def test_a_read_only_folder_and_a_full_disk_are_told_and_what_was_answered_stays(
    farm: Farm, serve: Serve, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", small],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs rights that this user does not have")
    try:
        farm.write(
            [{**row, "sound": f"{row['sound']} {n}"} for n in range(40) for row in farm.rows]
        )
        with pytest.raises(InputError, match="free the disk"):
            ask(farm, serve(), store=small / "store.sqlite", prompts_per_request=2)
        with AnswerStore(small / "store.sqlite", readonly=True) as store:
            assert store.counts()[0].answers > 20
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        with pytest.raises(InputError, match="an answer store to write to"):
            ask(farm, serve(), store=small / "store.sqlite", out=tmp_path / "other")
        with AnswerStore(small / "store.sqlite", readonly=True) as store:
            assert store.counts()[0].answers > 20
    finally:
        subprocess.run(["umount", "--lazy", small], check=False)


def test_the_store_can_be_opened_with_any_tool_and_names_its_version(farm: Farm) -> None:
    farm.generate()
    db = sqlite3.connect(farm.folder / "answered" / "answers.sqlite")
    assert db.execute("SELECT count(*) FROM completions").fetchone() == (80,)
    db.execute("UPDATE meta SET value = '999' WHERE name = 'version'")
    db.commit()
    with pytest.raises(InputError, match="version 999"):
        farm.generate()


def test_the_store_of_a_run_that_was_killed_at_once_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.close()
    with AnswerStore(path, readonly=True) as store:
        assert (store.counts(), store.runs()) == ([], [])
    with AnswerStore(path) as store:
        store.keep("t", [completion("a", "said")])
    db = sqlite3.connect(tmp_path / "other.sqlite")
    db.execute("CREATE TABLE notes (note TEXT)")
    db.close()
    with pytest.raises(InputError, match="no such table: meta"):
        AnswerStore(tmp_path / "other.sqlite", readonly=True)


@pytest.mark.parametrize(
    "change",
    [
        'UPDATE asked SET example = \'{"id": "x", "split": "../up", "input": "i"}\'',
        'UPDATE asked SET example = \'{"id": 1, "split": "train", "input": "i"}\'',
        'UPDATE asked SET example = \'{"split": "train", "input": "i"}\'',
        "UPDATE asked SET example = 'no JSON'",
        "UPDATE completions SET text = x'ff00'",
        "UPDATE completions SET prompt_tokens = 'many'",
    ],
)
def test_values_of_another_kind_are_not_exported(tmp_path: Path, change: str) -> None:
    path = tmp_path / "s.sqlite"
    example = Example("x", "train", {}, "in")
    with AnswerStore(path) as store:
        store.ask("run", "task", [Asked(0, "answer", 0, "k", example)])
        store.keep("t", [completion("k", "said")])
        ((row,),) = store.exported("run")
        assert row == (
            *("x", "train", "in", None, str(tmp_path / "run"), 0),
            *("said", None, None, None, None, "k"),
        )
    with sqlite3.connect(path) as db:
        db.execute(change)
    db.close()
    with AnswerStore(path) as store, pytest.raises(InputError, match="expected a whole store"):
        list(store.exported("run"))


def test_texts_with_any_character_are_exported_whole(tmp_path: Path) -> None:
    text = "".join(map(chr, range(0x300))) + "\u2028\ufeff\U0010ffff"
    with AnswerStore(tmp_path / "s.sqlite") as store:
        store.ask("run", "task", [Asked(0, "answer", 0, "k", Example(text, "train", {}, text))])
        store.keep("t", [completion("k", text)])
        ((row,),) = store.exported("run")
    assert (row[0], row[2], row[6]) == (text, text, text)


@pytest.mark.parametrize(
    ("whole", "damage"),
    [(b"CREATE TABLE completions (", b"CREATE TABL\xe5 completions ("), (b"version1", b"versionx")],
)
def test_a_store_whose_tables_are_damaged_is_one_line(
    tmp_path: Path, whole: bytes, damage: bytes
) -> None:
    path = tmp_path / "s.sqlite"
    with AnswerStore(path):
        pass
    content = path.read_bytes()
    assert whole in content
    path.write_bytes(content.replace(whole, damage))
    for readonly in (True, False):
        with pytest.raises(InputError, match="expected an answer store"):
            AnswerStore(path, readonly=readonly)
