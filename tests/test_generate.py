import json
import shutil
import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import Cli, Farm

from dsbs import api
from dsbs.artifacts.answer_dataset import read_answers
from dsbs.config.train import TrainConfig
from dsbs.core.errors import InputError
from dsbs.distillation.training_set import load_material, training_rows


def test_published_answers_of_cqa_have_the_published_accuracy(
    published: Path, tmp_path: Path, cli: Cli
) -> None:
    done = cli(
        "generate",
        "--task",
        "cqa",
        "--data",
        published,
        "--teacher",
        "published",
        "--out",
        tmp_path / "r",
        "--json",
    )
    results = json.loads(done.stdout)
    train, test = results["splits"]["train"], results["splits"]["test"]
    assert (train["rows"], test["rows"]) == (9741, 1221)
    assert (train["teacher_correct_strict"], test["teacher_correct_strict"]) == (7234, 943)
    assert train["teacher_correct"] == 7483
    assert test["teacher_correct"] == 969
    assert test["teacher_accuracy"] == 969 / 1221
    assert sum(train["outcomes"].values()) == 9741
    # 448 labels are not literally among the choices; folding rescues 124, the rest is scored by letter, not learned from.
    assert 9741 - train["label_match"]["exact"] == 448
    assert train["label_match"]["folded"] == 124
    assert train["outcomes"]["label_not_allowed"] == 448 - 124
    assert results["new"] == 9741 + 1221
    manifest = json.loads((tmp_path / "r" / "manifest.json").read_text())
    assert manifest["results"] == results
    assert manifest["status"] == "done"


def test_published_answers_of_svamp_have_the_published_accuracy(
    published: Path, tmp_path: Path
) -> None:
    results = api.generate(
        task="svamp", data=published, teacher="published", out=tmp_path / "svamp"
    )
    train, test = results["splits"]["train"], results["splits"]["test"]
    assert (train["teacher_correct_strict"], test["teacher_correct_strict"]) == (586, 148)
    assert (train["teacher_correct"], test["teacher_correct"]) == (594, 156)
    assert (train["rows"], test["rows"]) == (800, 200)


def test_the_data_set_is_read_by_datasets(cqa_palm: Path) -> None:
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(cqa_palm))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 9741, "test": 1221}
    row = loaded["train"][0]
    assert (row["outcome"], row["label"], row["correct"]) == ("ok", "math problem", True)
    assert row["rationale"].startswith("The answer must be something")
    assert "So the answer is (d) math problem.\n\nQ:" in row["completion"]


def test_the_same_command_again_asks_for_nothing(farm: Farm) -> None:
    first = farm.generate()
    assert (first["new"], first["reused"]) == (80, 0)
    again = farm.generate()
    assert (again["new"], again["reused"]) == (0, 80)
    assert again["splits"] == first["splits"]
    assert first["splits"]["test"]["teacher_accuracy"] == 1.0


def test_appended_rows_are_the_only_new_ones(farm: Farm) -> None:
    farm.write(farm.rows[:60])
    assert farm.generate()["new"] == 60
    farm.write(farm.rows)
    again = farm.generate()
    assert (again["new"], again["reused"]) == (20, 60)
    assert sum(split["rows"] for split in again["splits"].values()) == 80


def test_a_fraction_is_answered_that_training_takes_and_the_rest_is_paid_for_later(
    farm: Farm,
) -> None:
    made = farm.generate(data_frac=0.25, seeds="3,4", splits="train")
    for seed in (3, 4):
        options = {
            "task": str(farm.task),
            "data": farm.data,
            "answers": str(farm.folder / "answered"),
        }
        config = TrainConfig(**options, labels="teacher", data_frac=0.25, seed=seed)
        rows = training_rows(load_material(config), config)
        assert len(rows.pairs) == rows.n_fraction == 16
    assert 16 < made["new"] < 32  # the two fractions share some rows
    whole = farm.generate(splits="train")
    assert (whole["reused"], whole["new"]) == (made["new"], 64 - made["new"])


def test_another_run_in_the_folder_is_an_error_and_nothing_is_deleted(farm: Farm) -> None:
    farm.generate()
    before = sorted(
        (p, p.stat().st_mtime_ns) for p in (farm.folder / "answered").rglob("*.parquet")
    )
    with pytest.raises(InputError, match=r"splits \['test'\] \(was \[\]\)"):
        farm.generate(splits="test")
    assert (
        sorted((p, p.stat().st_mtime_ns) for p in (farm.folder / "answered").rglob("*.parquet"))
        == before
    )
    other = farm.folder / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="something else"):
        farm.generate(out=other)
    assert (other / "thesis.tex").read_text() == "years of work"


def test_working_on_a_prompt_shows_prompt_answer_outcome_and_gold(farm: Farm, cli: Cli) -> None:
    settings = [
        "--task",
        farm.task,
        "--data",
        farm.data,
        "--answers-from",
        farm.answers,
        "--max-rows",
        "2",
        "--show",
    ]
    done = cli("generate", *settings, "--out", farm.folder / "few")
    assert done.returncode == 0
    assert "Animal: hen clucks" in done.stdout
    assert "It has feathers. So it is a bird." in done.stdout
    assert "ok, label 'bird', gold 'bird', correct" in done.stdout
    assert "0 answers reused, 6 new" in done.stdout
    more = cli("generate", *settings[:-3], "--json", "--out", farm.folder / "few")
    assert json.loads(more.stdout)["reused"] == 6


def test_without_gold_labels_no_accuracy_is_claimed(farm: Farm) -> None:
    farm.data.write_text(
        "animal,sound\n" + "".join(f"{r['animal']},{r['sound']}\n" for r in farm.rows)
    )
    results = farm.generate()
    assert not any("accuracy" in key for split in results["splits"].values() for key in split)
    assert results["splits"]["train"]["outcomes"] == {"ok": 64}


def test_every_row_comes_out_once_whatever_its_answer(farm: Farm) -> None:
    lines = [json.loads(line) for line in farm.answers.read_text().splitlines()]
    texts = [
        "",
        "So it is a fish.",
        "So it is a bird",
        "It sings.",
        "I cannot help with that.",
        "It sings. So it is a Bird.\n\nAnimal:",
    ]
    for line, text in zip(lines, texts, strict=False):
        line["text"] = text
    farm.answers.write_text("".join(json.dumps(line) + "\n" for line in lines[:-3]))
    results = farm.generate()
    outcomes: dict[str, int] = {}
    for split in results["splits"].values():
        for outcome, count in split["outcomes"].items():
            outcomes[outcome] = outcomes.get(outcome, 0) + count
    assert outcomes == {
        "ok": 72,
        "no_label": 2,
        "label_not_allowed": 1,
        "empty_rationale": 1,
        "refused": 1,
        "failed": 3,
    }
    answers = read_answers(farm.folder / "answered")
    assert len(answers) == 80
    assert results["failed"] == 3
    failed = [
        row
        for f in (farm.folder / "answered").glob("data/*")
        for row in pq.read_table(f).to_pylist()
        if row["error"]
    ]
    assert {row["error"] for row in failed} == {"the published answers have no such id"}


def test_extra_inputs_are_a_split_of_their_own(
    published: Path, asdiv: Path, tmp_path: Path
) -> None:
    from dsbs.data.load import extra_examples, load_data
    from dsbs.tasks.prompts import load_task

    task = load_task("svamp")
    rows = [*load_data(task, published).splits["train"], *extra_examples(task, [f"asdiv={asdiv}"])]
    path = tmp_path / "texts.jsonl"
    path.write_text(
        "".join(
            json.dumps({"id": e.id, "text": "One. The answer is (1 + 1)."}) + "\n" for e in rows
        )
    )
    settings = {"extra_unlabelled": f"asdiv={asdiv}", "answers_from": path, "out": tmp_path / "out"}
    results = api.generate(task="svamp", data=published, **settings)
    assert {name: split["rows"] for name, split in results["splits"].items()} == {
        "train": 800,
        "extra": 2305,
    }
    assert "teacher_accuracy" not in results["splits"]["extra"]


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
            task="svamp", data=tmp_path / "published", teacher="published", out=tmp_path / "out"
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
    results = api.generate(task=name, data=tmp_path, teacher="published", out=tmp_path / "out")
    assert {split: s["teacher_accuracy"] for split, s in results["splits"].items()} == {
        "train": 1.0,
        "validation": 1.0,
        "test": 1.0,
    }


def test_the_store_can_be_opened_with_any_tool_and_names_its_version(farm: Farm) -> None:
    farm.generate()
    db = sqlite3.connect(farm.folder / "answered" / "answers.sqlite")
    assert db.execute("SELECT count(*) FROM completions").fetchone() == (80,)
    db.execute("UPDATE meta SET value = '999' WHERE name = 'version'")
    db.commit()
    with pytest.raises(InputError, match="version 999"):
        farm.generate()


def test_inputs_that_stand_in_two_splits_are_reported(farm: Farm) -> None:
    folder = farm.folder / "parts"
    folder.mkdir()
    for part in ("train", "test"):
        shutil.copy(farm.data, folder / f"{part}.csv")
    (folder / "test.csv").write_text("".join(farm.data.read_text().splitlines(keepends=True)[:6]))
    path = farm.folder / "none.jsonl"
    from dsbs.data.load import load_data
    from dsbs.tasks.prompts import load_task

    rows = load_data(load_task(str(farm.task)), folder).splits["train"]
    path.write_text(
        "".join(json.dumps({"id": e.id, "text": "So it is a bird."}) + "\n" for e in rows)
    )
    assert farm.generate(data=folder, answers_from=path)["overlap"] == {"train and test": 5}


def test_answers_of_other_ids_are_an_error(farm: Farm) -> None:
    farm.answers.write_text('{"id": "1", "text": "So it is a bird."}\n')
    with pytest.raises(InputError, match="ids like '1'"):
        farm.generate()
    farm.answers.write_text('{"id": "1", "text": "a"}\n{"id": "1", "text": "b"}\n')
    with pytest.raises(InputError, match=r"answers.jsonl:2: got id '1' a second time"):
        farm.generate()
    farm.answers.write_text('{"id": "1", "said": "a"}\n')
    with pytest.raises(InputError, match="strings id and text"):
        farm.generate()
