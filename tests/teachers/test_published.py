"""Published answers: the releases and their numbers, damaged ones, and answers from a file."""

import json
import shutil
from pathlib import Path

import pytest

from dsbs import api
from dsbs.core.errors import InputError
from dsbs.tasks.prompts import load_task
from dsbs.teachers.published import read_published, read_release
from support.command import Cli
from support.farm import Farm
from support.places import DATA_FILES


def test_published_answers_of_cqa_have_the_published_accuracy(
    published: Path, tmp_path: Path, cli: Cli
) -> None:
    done = cli(
        "generate",
        "--task",
        "cqa",
        "--data",
        published,
        "--engine",
        "published",
        "--out",
        tmp_path / "r",
        "--json",
    )
    results = json.loads(done.stdout)
    train, test = results["splits"]["train"], results["splits"]["test"]
    assert (train["rows"], test["rows"]) == (9741, 1221)
    assert (train["teacher_correct_strict"], test["teacher_correct_strict"]) == (7234, 943)
    assert train["teacher_correct"] == 7344
    assert test["teacher_correct"] == 959
    assert test["teacher_accuracy"] == 959 / 1221
    assert sum(train["outcomes"].values()) == 9741
    # 443 labels are not literally among the choices. Folding reads 125; 285 answers name several
    # options or none and do not count; 30 count by their letter and are not learned.
    assert 9741 - train["label_match"]["exact"] == 443
    assert train["label_match"]["folded"] == 125
    assert train["outcomes"]["label_not_allowed"] == 318
    assert train["reasons"] == {"ambiguous": 285, "mismatch": 30}
    assert results["new"] == 9741 + 1221
    manifest = json.loads((tmp_path / "r" / "manifest.json").read_text())
    assert manifest["results"] == results
    assert manifest["status"] == "done"


def test_published_answers_of_svamp_have_the_published_accuracy(
    published: Path, tmp_path: Path
) -> None:
    results = api.generate(task="svamp", data=published, engine="published", out=tmp_path / "svamp")
    train, test = results["splits"]["train"], results["splits"]["test"]
    assert (train["teacher_correct_strict"], test["teacher_correct_strict"]) == (586, 148)
    assert (train["teacher_correct"], test["teacher_correct"]) == (595, 155)
    assert (train["rows"], test["rows"]) == (800, 200)


@pytest.mark.parametrize("damage", ["missing", "short", "long", "extra", "broken"])
def test_a_damaged_release_is_an_error_that_names_the_chunk(
    published: Path, tmp_path: Path, damage: str
) -> None:
    release = tmp_path / "published" / "svamp"
    shutil.copytree(published / "svamp", release)
    chunk = release / "llm" / "train_CoT_1.json"
    texts = json.loads(chunk.read_text())
    match damage:
        case "missing":
            chunk.unlink()
        case "short":
            chunk.write_text(json.dumps(texts[:-1]))
        case "long":
            chunk.write_text(json.dumps([*texts, "one more"]))
        case "extra":
            chunk = chunk.with_name("train_CoT_2.json")
            chunk.write_text(json.dumps(["one more"]))
        case "broken":
            chunk.write_text(chunk.read_text()[:-20])
    with pytest.raises(InputError) as caught:
        api.generate(
            task="svamp", data=tmp_path / "published", engine="published", out=tmp_path / "out"
        )
    assert chunk.name in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["anli1", "esnli"])
def test_releases_with_a_validation_split_and_integer_labels_are_read(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name / "llm"
    folder.mkdir(parents=True)
    answer = {
        "anli1": "So. So the answer is {}.\n\nPremise: X",
        "esnli": "So.\nAnswer: {}\n\nPremise: X",
    }[name]
    names = ["entailment", "neutral", "contradiction"]
    for part, count in (("train", 7), ("valid", 3), ("test", 3)):
        rows = [
            {"uid": f"{part}{n}", "premise": f"p{n}", "hypothesis": part, "label": n % 3}
            for n in range(count)
        ]
        (tmp_path / name / f"{name}_{part}.json").write_text(
            "".join(json.dumps(row) + "\n" for row in rows)
        )
        (folder / f"{part}_CoT_0.json").write_text(
            json.dumps([answer.format(names[n % 3]) for n in range(count)])
        )
    results = api.generate(task=name, data=tmp_path, engine="published", out=tmp_path / "out")
    assert {split: s["teacher_accuracy"] for split, s in results["splits"].items()} == {
        "train": 1.0,
        "validation": 1.0,
        "test": 1.0,
    }


def test_answers_of_other_ids_are_an_error(farm: Farm) -> None:
    farm.answers.write_text('{"id": "1", "text": "So it is a bird."}\n')
    with pytest.raises(InputError, match="ids like '1': 1 of 1 answers belong to no row"):
        farm.generate()
    farm.answers.write_text('{"id": "1", "text": "a"}\n{"id": "1", "text": "b"}\n')
    with pytest.raises(InputError, match=r"answers.jsonl:2: got id '1' a second time"):
        farm.generate()
    farm.answers.write_text('{"id": "1", "said": "a"}\n')
    with pytest.raises(InputError, match="strings id and text"):
        farm.generate()


@pytest.mark.parametrize("at", [0, 1])
def test_keys_of_published_answers_are_those_of_stores_that_people_have(
    tmp_path: Path, at: int
) -> None:
    case = json.loads((DATA_FILES / "answer_keys.json").read_text())["published"][at]
    for name, text in case["files"].items():
        (tmp_path / name).write_text(text)
    if "answers.jsonl" in case["files"]:
        task = load_task("quickstart")
        found = read_published(task, tmp_path / "answers.jsonl", "auto", [])
    else:
        found = read_release(tmp_path, 2, {"train": list(case["keys"])})
    assert {name: found.key(name) for name in case["keys"]} == case["keys"]


def neox_release(folder: Path) -> Path:
    """Rows of CommonsenseQA in the release's layout, with GPT-NeoX's answers: a file per split."""
    data = folder / "cqa"
    answers = folder / "gpt-neox" / "cqa"
    data.mkdir(parents=True)
    answers.mkdir(parents=True)
    for split, count in (("train", 3), ("test", 2)):
        choices = ["bank", "roof", "sky", "sea", "hill"]
        rows = [
            {"id": f"{split}{n}", "question": f"Where is {n}?", "choices": choices, "answer": "sea"}
            for n in range(count)
        ]
        lines = "\n".join(map(json.dumps, rows))
        (data / f"cqa_{split}.json").write_text(lines)
        texts = ["\nFish swim. So the answer is (d) sea.\n\nQ: And then?"] * (count - 1)
        (answers / f"{split}.json").write_text(json.dumps([*texts, "It says nothing."]))
    return folder


@pytest.mark.parametrize("named", ["gpt-neox", "gpt-neox/cqa"])
def test_answers_of_gpt_neox_are_one_file_per_split(tmp_path: Path, named: str) -> None:
    release = neox_release(tmp_path)
    given = {"task": "cqa", "data": release, "engine": "published", "answers_from": release / named}
    results = api.generate(**given, out=tmp_path / "r")
    assert results["teacher"] == "gpt-neox"
    counts = {n: (s["rows"], s["teacher_correct"]) for n, s in results["splits"].items()}
    assert counts == {"train": (3, 2), "test": (2, 1)}
    assert results["splits"]["train"]["teacher_correct_strict"] == 2
    (release / "gpt-neox" / "cqa" / "test.json").unlink()
    alone = api.generate(**given, out=tmp_path / "alone")
    assert set(alone["splits"]) == {"train"}
    with pytest.raises(InputError, match=r"test\.json: got no such chunk"):
        api.generate(**given, splits="test", out=tmp_path / "missing")
    (release / "gpt-neox" / "cqa" / "train.json").write_text('["one answer"]')
    with pytest.raises(InputError, match=r"train\.json: got 1 answers; expected a list of 3"):
        api.generate(**given, splits="train", out=tmp_path / "short")
