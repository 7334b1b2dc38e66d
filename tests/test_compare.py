"""`dsbs compare` on small tasks: every cell once, and the same table after an interruption."""

import json
import re
import signal
import time
from pathlib import Path

import pytest

from dsbs import api
from dsbs.artifacts.lock import is_locked
from dsbs.artifacts.results.compare import CompareResult
from dsbs.compare import STAGE as COMPARE
from dsbs.core.errors import InputError
from dsbs.data.load import load_data
from dsbs.tasks.prompts import load_task
from support.command import Cli
from support.disturbed import Started
from support.farm import Farm

QUICK = {
    "max_steps": 4,
    "batch_size": 8,
    "eval_every": 4,
    "max_target_tokens": 24,
    "baselines": "",
}
ALONE = ["--baselines", ""]
MEASURED = {"train_s", "call_s", "latency_ms"}


def quick(farm: Farm, out: Path, **settings: object) -> dict:
    return api.compare(answers=farm.folder / "answered", out=out, **QUICK | settings)


def shown(results: dict) -> str:
    text = COMPARE.show(CompareResult.model_validate(results))
    assert isinstance(text, str)
    return text


def test_the_grid_has_every_cell_once_with_its_score_beside_the_teachers(
    answered_farm: Farm, tmp_path: Path, cli: Cli
) -> None:
    grid = [
        "--methods",
        "standard,step_by_step",
        "--data-fracs",
        "0.25,1.0",
        "--seeds",
        "0,1",
        "--labels",
        "gold",
    ]
    steps = ["--max-steps", "3", "--batch-size", "8", "--max-target-tokens", "24"]
    arguments = [
        "compare",
        "--answers",
        answered_farm.folder / "answered",
        *grid,
        *steps,
        *ALONE,
        "--out",
        tmp_path / "c",
    ]
    results = json.loads(cli(*arguments, "--json").stdout)
    assert results["teacher_accuracy"] == 1.0
    keys = [
        (c["method"], c["labels"], c["student"], c["data_frac"], c["seed"])
        for c in results["cells"]
    ]
    assert len(set(keys)) == len(keys) == 8
    assert all(c["status"] == "done" and 0 <= c["accuracy"] <= 1 for c in results["cells"])
    assert {(c["data_frac"], c["n_train"]) for c in results["cells"]} == {(0.25, 16), (1.0, 64)}
    assert [(g["method"], g["data_frac"], g["done"]) for g in results["groups"]] == [
        ("standard", 0.25, 2),
        ("step_by_step", 0.25, 2),
        ("standard", 1.0, 2),
        ("step_by_step", 1.0, 2),
    ]
    by_method = {c["method"]: c for c in results["cells"]}
    assert (
        by_method["step_by_step"]["sequences_seen"] == 2 * by_method["standard"]["sequences_seen"]
    )
    assert by_method["step_by_step"]["train_flops"] > 1.5 * by_method["standard"]["train_flops"]

    (tmp_path / "c").rename(tmp_path / "moved")
    again = cli(*arguments[:-1], tmp_path / "moved")
    assert again.returncode == 0
    assert "done already" in again.stderr
    assert again.stdout.endswith(f"Everything is in {tmp_path}/moved\n")
    for word in (
        "standard",
        "step_by_step",
        "The teacher itself: 100.0 %",
        "target tokens",
        "s.e.",
    ):
        assert word in again.stdout


def test_a_failed_cell_is_reported_and_the_rest_goes_on(
    farm: Farm, tmp_path: Path, cli: Cli
) -> None:
    """Nothing has a gold label, so cells of gold labels fail and those of teacher labels do not."""
    farm.data.write_text(
        "animal,sound\n" + "".join(f"{r['animal']},{r['sound']}\n" for r in farm.rows)
    )
    farm.generate()
    arguments = [
        "compare",
        "--answers",
        farm.folder / "answered",
        "--labels",
        "gold,teacher",
        "--methods",
        "standard",
    ]
    arguments += ["--max-steps", "2", "--batch-size", "8", *ALONE, "--out", tmp_path / "c"]
    done = cli(*arguments, "--json")
    results = json.loads(done.stdout)
    assert done.returncode == 1
    assert [(c["labels"], c["status"]) for c in results["cells"]] == [
        ("gold", "failed"),
        ("teacher", "done"),
    ]
    assert "no row with such a label" in results["cells"][0]["error"]
    assert "teacher_agreement" in results["cells"][1]
    assert json.loads((tmp_path / "c" / "manifest.json").read_text())["status"] == "incomplete"
    again = cli(*arguments)
    assert "failed: tiny-standard-gold-1-0" in again.stdout
    assert (
        again.stderr.count("done already") == 2
    )  # the finished cell is neither trained nor measured again


def test_a_killed_comparison_goes_on_and_ends_in_the_same_table(
    answered_farm: Farm, tmp_path: Path, cli: Cli
) -> None:
    """SIGKILL while the second cell trains: nothing can be tidied up, and nothing has to be."""
    arguments = [
        "--answers",
        str(answered_farm.folder / "answered"),
        "--seeds",
        "0,1",
        "--max-steps",
        "12",
    ]
    arguments += ["--batch-size", "8", "--eval-every", "4", "--max-target-tokens", "24", *ALONE]
    whole = json.loads(cli("compare", *arguments, "--out", tmp_path / "whole", "--json").stdout)
    killed = tmp_path / "killed"
    command = Started(["compare", *arguments, "--out", killed], killed)
    second = killed / "cells" / "tiny-standard-gold-1-1" / "checkpoints"
    while command.running and not any(second.glob("checkpoint-*/trainer_state.json")):
        time.sleep(0.01)
    command.signal(signal.SIGKILL)
    assert command.end().code == -signal.SIGKILL
    assert json.loads((killed / "manifest.json").read_text())["status"] == "started"
    resumed = cli("compare", *arguments, "--out", killed)
    assert "tiny-standard-gold-1-0 is done already" in resumed.stderr
    results = json.loads((killed / "manifest.json").read_text())["results"]
    for results_of in (whole, results):  # where a run lies, and how long it took, is all
        del results_of["verdict"]["candidates"]
        for cell in results_of["cells"]:
            for name in ("out", *MEASURED):
                del cell[name]
    assert results | {"out": ""} == whole | {"out": ""}
    again = cli("compare", *arguments, "--out", tmp_path / "whole").stdout
    tables = [text.partition("farm: test")[2] for text in (resumed.stdout, again)]
    assert tables[0].replace(str(killed), "") == tables[1].replace(str(tmp_path / "whole"), "")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_trainings_end_with_the_comparison_and_the_next_start_goes_on(
    answered_farm: Farm, tmp_path: Path, cli: Cli, number: signal.Signals
) -> None:
    """Two students train in processes of their own when the comparison is killed."""
    out = tmp_path / "killed"
    arguments = [
        "--answers",
        answered_farm.folder / "answered",
        "--max-steps",
        "400",
        "--jobs",
        "2",
    ]
    arguments += ["--batch-size", "8", "--eval-every", "20", "--max-target-tokens", "24", *ALONE]
    cells = [out / "cells" / f"tiny-{method}-gold-1-0" for method in ("standard", "step_by_step")]
    command = Started(["compare", *arguments, "--out", out], out)
    end = time.monotonic() + 300
    while not all(map(is_locked, cells)):
        assert command.running
        assert time.monotonic() < end
        time.sleep(0.02)
    command.signal(number)
    ended = command.end()
    assert ended.children == 0
    if number == signal.SIGTERM:
        assert ended.code == 128 + signal.SIGTERM
        assert ended.said.endswith("interrupted; the same command goes on from here\n")
    done = cli("compare", *arguments, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert [c["status"] for c in json.loads(done.stdout)["cells"]] == ["done", "done"]
    assert not any(map(is_locked, cells))
    assert "in use" not in done.stderr


def test_students_trained_side_by_side_are_those_trained_one_after_the_other(
    answered_farm: Farm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = quick(answered_farm, tmp_path / "alone", seeds="0,1")
    capsys.readouterr()
    together = quick(answered_farm, tmp_path / "together", seeds="0,1", jobs=2)
    told = capsys.readouterr().err
    assert [(c["name"], c["accuracy"], c["steps"]) for c in together["cells"]] == [
        (c["name"], c["accuracy"], c["steps"]) for c in alone["cells"]
    ]
    assert all(
        f"{c['name']}: trained" in told and f"{c['out']} is done already" in told
        for c in together["cells"]
    )


def test_matching_gives_methods_equal_epochs_or_equal_compute(
    answered_farm: Farm, tmp_path: Path
) -> None:
    steps = {"max_steps": 12}
    epochs = quick(
        answered_farm,
        tmp_path / "e",
        equal="epochs",
        data_fracs="0.25,1.0",
        methods="standard",
        **steps,
    )["cells"]
    assert [c["steps"] for c in epochs] == [3, 12]
    assert epochs[0]["epochs"] == pytest.approx(epochs[1]["epochs"])
    compute = quick(answered_farm, tmp_path / "c", equal="compute", **steps)["cells"]
    standard, step_by_step = compute
    assert step_by_step["steps"] == 12
    assert standard["steps"] > 18
    assert standard["train_flops"] == pytest.approx(step_by_step["train_flops"], rel=0.05)


def test_every_method_gets_the_same_search_for_its_learning_rate(
    answered_farm: Farm, tmp_path: Path
) -> None:
    grid = {"data_fracs": "0.5,1.0", "seeds": "3,4", "learning_rate": 0.003}
    results = quick(answered_farm, tmp_path / "t", tune="lr", also_equal="compute", **grid)
    tried = {(row["method"], row["equal"], row["learning_rate"]) for row in results["tuning"]}
    kinds = [("standard", "steps"), ("step_by_step", "steps"), ("standard", "compute")]
    assert tried == {(*kind, rate) for kind in kinds for rate in (0.001, 0.003, 0.009)}
    best = {(row["method"], row["equal"]): row for row in results["tuning"] if row["chosen"]}
    for row in results["tuning"]:
        assert (
            row["validation_accuracy"] <= best[row["method"], row["equal"]]["validation_accuracy"]
        )
    for found in (*results["cells"], *results["groups"]):
        assert found["learning_rate"] == best[found["method"], found["equal"]]["learning_rate"]
    # What was tried is trained once: three rates a kind, and what is left of two fractions and two
    # seeds.
    folders = list((tmp_path / "t" / "cells").iterdir())
    assert len(folders) == 3 * 3 + 3 * 3
    # A rate that lost is never measured on test.
    assert (
        len(list((tmp_path / "t").glob("cells/*/evaluate-test-generate")))
        == len(results["cells"])
        == 12
    )
    assert "Learning rate of standard (tiny, gold labels): " in shown(results)


def test_tuning_needs_labels_to_choose_by(farm: Farm, tmp_path: Path) -> None:
    rows = "".join(f"{r['animal']},{r['sound']},{r['kind']}\n" for r in farm.rows)
    folder = farm.folder / "parts"
    folder.mkdir()
    (folder / "train.csv").write_text("animal,sound,kind\n" + rows)
    (folder / "test.csv").write_text("animal,sound,kind\nhen,clucks,bird\ncow,moos,mammal\n")
    (folder / "validation.csv").write_text("animal,sound\nhen,clucks\n")
    texts = [
        {"id": e.id, "text": "It flies. So it is a bird."}
        for e in load_data(load_task(str(farm.task)), folder).splits["train"]
    ]
    farm.answers.write_text("\n".join(map(json.dumps, texts)))
    farm.generate(data=folder)
    with pytest.raises(InputError, match="no labeled validation rows"):
        quick(farm, tmp_path / "c", tune="lr")


def test_standard_is_set_beside_itself_with_as_much_compute(
    answered_farm: Farm, tmp_path: Path
) -> None:
    results = quick(
        answered_farm, tmp_path / "a", also_equal="compute", max_steps=12, seeds="0,1,2"
    )
    cells = {(c["method"], c["equal"], c["seed"]): c for c in results["cells"]}
    assert len(cells) == 9
    assert cells["standard", "compute", 0]["train_flops"] == pytest.approx(
        cells["step_by_step", "steps", 0]["train_flops"], rel=0.05
    )
    assert [(c["method"], c["against"]["equal"]) for c in results["claims"]] == [
        ("step_by_step", "steps"),
        ("step_by_step", "compute"),
    ]
    text = shown(results)
    assert (
        "step_by_step against standard with equal compute (tiny, gold labels, all data): " in text
    )
    assert "times the FLOPs of standard" not in text
    for wrong in ({"methods": "standard"}, {"equal": "compute"}):
        with pytest.raises(InputError, match="--also-equal: got 'compute'; expected standard and"):
            quick(answered_farm, tmp_path / "b", also_equal="compute", **wrong)


def test_without_it_a_comparison_says_who_spent_more(answered_farm: Farm, tmp_path: Path) -> None:
    text = shown(quick(answered_farm, tmp_path / "c"))
    assert re.search(
        r"step_by_step used [12]\.\d times the FLOPs of standard. --also-equal compute", text
    )
    assert "1 seed is too few for a claim about the methods, which needs 3." in text
    assert "McNemar's exact p = " in text


def without_rationales(farm: Farm) -> None:
    text = farm.answers.read_text().replace("It has feathers.", "").replace("It has fur.", "")
    farm.answers.write_text(text)
    farm.generate()


def test_a_method_without_rationales_fails_and_the_rest_goes_on(farm: Farm, tmp_path: Path) -> None:
    without_rationales(farm)
    results = quick(farm, tmp_path / "c")
    status = {cell["method"]: cell["status"] for cell in results["cells"]}
    assert status == {"standard": "done", "step_by_step": "failed"}
    assert "no rationale to learn in 64 rows" in results["cells"][1]["error"]
    assert "--allow-no-rationales" in results["cells"][1]["error"]
    assert results["claims"] == []


def test_where_it_is_allowed_it_is_standard_and_counts_for_no_method(
    farm: Farm, tmp_path: Path
) -> None:
    without_rationales(farm)
    allowed = {"allow_no_rationales": True, "seeds": [0, 1, 2]}
    results = quick(farm, tmp_path / "c", **allowed)
    cells = [(cell["method"], cell["fell_back_from"]) for cell in results["cells"]]
    assert cells == [("standard", None)] * 3 + [("standard", "step_by_step")] * 3
    assert [cell["accuracy"] for cell in results["cells"][:3]] == [
        cell["accuracy"] for cell in results["cells"][3:]
    ]
    assert [(group["method"], group["seeds"]) for group in results["groups"]] == [("standard", 3)]
    assert results["claims"] == []
    text = shown(results)
    assert "step_by_step is" not in text
    assert "no rationale to learn, so 3 of its students learned by standard" in text
    manifest = json.loads((Path(results["cells"][3]["out"]) / "manifest.json").read_text())
    trained = manifest["results"]
    assert (trained["method"], trained["fell_back_from"]) == ("standard", "step_by_step")


def test_answers_to_changed_rows_are_refused_or_recorded(farm: Farm, tmp_path: Path) -> None:
    farm.give_ids()
    farm.generate()
    farm.write([{**farm.rows[0], "sound": "is silent"}, *farm.rows[1:]])
    with pytest.raises(InputError, match="'duck is silent', where 'duck says 0 times'"):
        quick(farm, tmp_path / "c")
    results = quick(farm, tmp_path / "c", allow_changed_inputs=True, methods="standard")
    assert [counts["changed"] for counts in results["answer_rows"]] == [1]
    assert "1 of 80 answers are to rows that have changed since they were answered." in shown(
        results
    )
    manifest = json.loads((tmp_path / "c" / "manifest.json").read_text())
    assert manifest["config"]["allow_changed_inputs"] is True
