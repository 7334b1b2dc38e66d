"""`dsbs generate` on small tasks and on published answers."""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dsbs import api
from dsbs.artifacts.answer_dataset import read_answers
from dsbs.core.errors import InputError
from dsbs.core.files import packaged
from dsbs.generate import STAGE, name_teacher
from dsbs.tasks.prompts import load_task
from support.command import Cli
from support.farm import Farm
from support.served_farm import Serve, ask
from support.trainings import data_of, rows_of


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
        options |= {"labels": "teacher", "data_frac": 0.25, "seed": seed}
        rows = rows_of(data_of(**options), **options)
        assert len(rows.pairs) == rows.counts.n_fraction == 16
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
    with pytest.raises(InputError, match=r"holds thesis\.tex"):
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
    assert re.search(r"ok +bird +bird +correct", done.stdout)
    assert "0 answers reused, 6 new" in done.stdout
    more = cli("generate", *settings[:-3], "--json", "--out", farm.folder / "few")
    assert json.loads(more.stdout)["reused"] == 6


def test_without_gold_labels_no_accuracy_is_claimed(farm: Farm) -> None:
    farm.data.write_text(
        "animal,sound\n" + "".join(f"{r['animal']},{r['sound']}\n" for r in farm.rows)
    )
    results = farm.generate()
    for split in results["splits"].values():
        assert not any("accuracy" in key and value is not None for key, value in split.items())
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
    settings = {"extra_unlabeled": f"asdiv={asdiv}", "answers_from": path, "out": tmp_path / "out"}
    results = api.generate(task="svamp", data=published, **settings)
    assert {name: split["rows"] for name, split in results["splits"].items()} == {
        "train": 800,
        "extra": 2305,
    }
    assert results["splits"]["extra"]["teacher_accuracy"] is None


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


def test_generate_tells_of_duplicates_labels_and_rationales(
    published: Path, tmp_path: Path, cli: Cli
) -> None:
    svamp = cli(
        "generate", "--task", "svamp", "--data", published, "--out", tmp_path / "svamp"
    ).stdout
    assert "105 of 200 test inputs repeat a line of an input of training or validation" in svamp
    assert "train: rationales end in the value of their equation in 8" in svamp
    cqa = cli(
        "generate",
        "--task",
        "cqa",
        "--data",
        published,
        "--out",
        tmp_path / "cqa",
        "--duplicates",
        "never",
    ).stdout
    assert (
        "train: 443 labels are not literally among the allowed ones; of these 125 were read by folding"
        in cqa
    )
    assert "inputs share" not in cqa


def test_rows_that_lack_a_field_are_skipped_by_training_too(farm: Farm) -> None:
    farm.data.write_text(farm.data.read_text() + "duck,,bird\n,moos,mammal\n")
    with pytest.raises(InputError, match="--skip-incomplete"):
        farm.generate()
    results = farm.generate(skip_incomplete=True)
    assert results["skipped"] == 2
    assert sum(split["rows"] for split in results["splits"].values()) == 80
    trained = api.train(
        answers=farm.folder / "answered",
        out=farm.folder / "student",
        max_steps=1,
        eval_every=1,
        batch_size=4,
    )
    assert trained["n_train"] == 64


def named(*flags: str) -> tuple[str, str | None]:
    """Engine and teacher of a command line."""
    config = STAGE.parse(flags)
    found = name_teacher(config, load_task(config.task))
    return found.engine, found.teacher


def test_without_flags_the_tasks_own_teacher_answers_through_what_is_installed() -> None:
    pytest.importorskip("torch")
    engine, teacher = named()
    assert teacher == str(packaged("quickstart/teacher"))
    assert engine == ("vllm" if importlib.util.find_spec("vllm") else "transformers")
    assert named("--engine", "transformers") == ("transformers", teacher)
    assert named("--teacher", "some/model") == (engine, "some/model")


def test_without_a_teacher_answers_are_published_ones() -> None:
    assert named("--task", "cqa") == ("published", None)
    assert named("--answers-from", "answers.jsonl") == ("published", None)
    with pytest.raises(InputError, match="--teacher: got nothing; expected a model"):
        named("--task", "cqa", "--engine", "transformers")


def test_status_and_exit_code_say_what_came_of_a_run(farm: Farm, serve: Serve, cli: Cli) -> None:
    out = farm.folder / "asked"
    shared = [
        "--task",
        farm.task,
        "--data",
        farm.data,
        "--engine",
        "endpoint",
        "--teacher",
        "model",
    ]
    shared += ["--out", out, "--api", "completions", "--max-attempts", "1", "--json", "--base-url"]
    manifest = out / "manifest.json"

    def status() -> str:
        return str(json.loads(manifest.read_text())["status"])

    failed = cli("generate", *shared, serve("--faults", "1", "--fault", "500"))
    results = json.loads(failed.stdout)
    assert (failed.returncode, results["status"], status()) == (1, "incomplete", "incomplete")
    assert (results["new"], results["failed"]) == (0, 72)
    train = ["--answers", out, "--labels", "teacher", "--max-steps", "1", "--out", out.parent / "t"]
    refused = cli("train", *train)
    assert refused.returncode == 2
    assert refused.stderr.strip().count("\n") == 0

    url = serve()
    limits = ["--max-tokens", "1500", "--concurrency", "1", "--prompts-per-request", "4"]
    limited = cli("generate", *shared, url, *limits)
    assert (limited.returncode, status()) == (0, "stopped")
    whole = cli("generate", *shared, url)
    assert (whole.returncode, status()) == (0, "done")
    again = json.loads(cli("generate", *shared, url).stdout)
    assert (again["new"], again["reused"], status()) == (0, 72, "done")


def test_a_run_that_is_done_and_then_grows_states_its_new_settings(farm: Farm) -> None:
    farm.generate(max_rows=2)
    whole = farm.generate()
    manifest = json.loads((farm.folder / "answered" / "manifest.json").read_text())
    assert manifest["config"]["max_rows"] is None
    assert manifest["results"]["splits"]["train"]["rows"] == whole["splits"]["train"]["rows"] == 64


def test_rows_that_are_alike_are_asked_once(farm: Farm, serve: Serve, tmp_path: Path) -> None:
    """Whether the first is still in flight, has been answered, or stands in another batch."""
    from support.served_farm import seen

    farm.write([row for row in farm.rows[:20] for _ in range(30)])
    log = tmp_path / "seen"
    url = serve("--log", log)
    settings = {"splits": "train,validation,test", "prompts_per_request": 1, "concurrency": 2}
    results = ask(farm, url, **settings)
    assert sum(split["rows"] for split in results["splits"].values()) == 600
    assert (results["new"], results["reused"]) == (20, 580)
    assert sum(seen(log).values()) == 20


def test_no_rows_to_label_is_an_error(farm: Farm, serve: Serve) -> None:
    folder = farm.folder / "only-test"
    folder.mkdir()
    shutil.copy(farm.data, folder / "test.csv")
    with pytest.raises(InputError, match="--splits: got no rows"):
        ask(farm, serve(), data=folder)


def test_outputs_are_whole_or_absent(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    farm.generate(max_rows=2)
    before = {
        path: path.read_bytes() for path in (farm.folder / "answered" / "data").glob("*.parquet")
    }
    from dsbs.artifacts import answer_dataset

    def broken(*unused: object) -> None:
        raise RuntimeError("cut short")

    monkeypatch.setattr(answer_dataset, "_row", broken)
    with pytest.raises(RuntimeError, match="cut short"):
        farm.generate()
    after = {path: path.read_bytes() for path in (farm.folder / "answered" / "data").iterdir()}
    assert after == before
