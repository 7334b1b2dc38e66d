"""The command line as users type it: flags, files, and one clear line for everything that is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dsbs.compare import STAGE as COMPARE
from dsbs.train import STAGE as TRAIN
from support.command import Cli
from support.farm import Farm


def test_both_ways_to_call_a_stage_mean_the_same(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        "method: standard\ndata-frac: 0.3\nseed: 4\nprefixes: [a, b]\nanswers: nowhere\n"
    )
    flags = ["--config", str(config), "--seed", "5"]
    module = TRAIN.parse(flags)
    assert (module.method, module.data_frac, module.seed, module.prefixes) == (
        "standard",
        0.3,
        5,
        ("a ", "b "),
    )
    told = []
    for command in (["-m", "dsbs.train"], ["-m", "dsbs", "train"]):
        done = subprocess.run(
            [sys.executable, *command, *flags],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 2
        told.append(done.stderr)
    assert (
        told[0]
        == told[1]
        == "error: nowhere: got no manifest.json; expected a run folder of dsbs; check the path\n"
    )


def test_lists_are_comma_separated_repeated_or_yaml(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    for text, expected in (("seeds: [0, 1]", (0, 1)), ("seeds: 3", (3,)), ("seeds: '4,5'", (4, 5))):
        config.write_text(text)
        assert COMPARE.parse(["--config", str(config)]).seeds == expected
    assert COMPARE.parse(["--seeds", "0,1"]).seeds == (0, 1)
    assert COMPARE.parse(["--seeds", "0", "--seeds", "1"]).seeds == (0, 1)
    assert COMPARE.parse(
        ["--data-fracs", "0.25,1.0", "--methods", "standard,step_by_step"]
    ).data_fracs == (0.25, 1.0)


def test_flags_win_over_the_file_and_the_file_over_the_pipeline(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("seeds: [7]\nstudent: tiny\n")
    plain = COMPARE.parse(["--pipeline", "svamp"])
    assert (plain.task, plain.seeds) == ("svamp", (0, 1, 2, 3))
    merged = COMPARE.parse(["--pipeline", "svamp", "--config", str(config), "--seeds", "9"])
    assert (merged.task, merged.seeds, merged.student) == ("svamp", (9,), ("tiny",))


WRONG = {
    "--data-fra 0.5": "Did you mean --data-frac?",
    "--data-frac 0": "--data-frac: got '0'; expected greater than 0; give Share of the training rows",
    "--data-frac 1.2": "--data-frac: got '1.2'; expected less than or equal to 1",
    "--data-frac much": "--data-frac: got 'much'; expected a valid number",
    "--method stepwise": "--method: got 'stepwise'; expected 'standard', 'step_by_step'",
    "--seed": "--seed",
    "--seed -1": "--seed: got '-1'",
    "cqa": "cqa",
    "--config none.yaml": "none.yaml: got",
    "--config unknown.yaml": "unknown.yaml: got key 'data_fra'; expected a setting of this stage; did you mean 'data_frac'?",
    "--config nested.yaml": "nested.yaml: got key 'train'",
    "--config list.yaml": "list.yaml: got list; expected a mapping",
    "--config broken.yaml": "broken.yaml:2",
    "--config type.yaml": "--alpha: got 'half'",
    "--config latin.yaml": "latin.yaml",
    "--pipeline nope": "--pipeline: got 'nope'; expected a known pipeline; choose one of: anli1, anli1-methods",
    "--prefixes one": "--prefixes",
    "--answers nowhere": "nowhere: got no manifest.json",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_a_wrong_command_line_is_told_in_one_line(tmp_path: Path, cli: Cli, arguments: str) -> None:
    (tmp_path / "unknown.yaml").write_text("data_fra: 0.5\n")
    (tmp_path / "nested.yaml").write_text("train:\n  seed: 1\n")
    (tmp_path / "list.yaml").write_text("- 1\n")
    (tmp_path / "broken.yaml").write_text("a: 1\nb: : 2\n")
    (tmp_path / "type.yaml").write_text("alpha: half\n")
    (tmp_path / "latin.yaml").write_bytes(b"task: \xe4\n")
    done = cli("train", *arguments.split(), cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert WRONG[arguments] in done.stderr
    assert not (tmp_path / "runs").exists()


def test_an_unknown_stage_is_told_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dsbs", "trian"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        2,
        "error: command line: got stage 'trian'; expected a stage; did you mean 'train'?\n",
    )


def test_an_unknown_task_names_the_nearest(tmp_path: Path, cli: Cli) -> None:
    done = cli("generate", "--task", "cqq", cwd=tmp_path)
    assert done.returncode == 2
    assert "error: --task: got 'cqq'; expected a known task; did you mean 'cqa'?" in done.stderr
    missing = cli("predict", cwd=tmp_path)
    assert "error: --run: got nothing;" in missing.stderr


def test_json_is_one_object_on_stdout_and_nothing_else(farm: Farm, cli: Cli) -> None:
    arguments = [
        "generate",
        "--task",
        farm.task,
        "--data",
        farm.data,
        "--answers-from",
        farm.answers,
    ]
    done = cli(*arguments, "--out", farm.folder / "j", "--json")
    assert json.loads(done.stdout)["new"] == 80
    assert done.stdout.count("\n") == 1
    assert json.loads((farm.folder / "j" / "manifest.json").read_text())["results"] == json.loads(
        done.stdout
    )
    assert "generate 80/80" in done.stderr
