"""Run folders: opened once, locked, gone on with, found again after a move, never mixed up."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dsbs.artifacts.manifest import MANIFEST, finished_run, newest_run, read_manifest
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.artifacts.run_folder import open_run
from dsbs.config.generate import GenerateConfig
from dsbs.core.errors import InputError

HOLD = """
import sys, time
from pathlib import Path
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.artifacts.run_folder import open_run
from dsbs.config.generate import GenerateConfig
with open_run(Path(sys.argv[1]), GenerateResult, GenerateConfig(task="cqa")):
    print("open", flush=True)
    time.sleep(60)
"""


def result(out: Path, **changes: object) -> GenerateResult:
    known = {"out": str(out), "task": "cqa", "teacher": "t", "splits": {}}
    return GenerateResult.model_validate(known | changes)


def finish(out: Path, *, data: Path | None = None, **settings: object) -> None:
    """A finished run of generate in `out`."""
    inputs = [data] if data else []
    config = GenerateConfig(task="cqa", data=data, **settings)  # type: ignore[arg-type]
    with open_run(out, GenerateResult, config, inputs) as run:
        run.finish(result(out))


def test_the_same_command_goes_on_and_another_one_is_refused(tmp_path: Path) -> None:
    finish(tmp_path / "run")
    with open_run(tmp_path / "run", GenerateResult, GenerateConfig(task="cqa")) as again:
        assert again.finished is not None
    with (
        pytest.raises(InputError, match=r"other settings: max_new_tokens 9 \(was None\)"),
        open_run(tmp_path / "run", GenerateResult, GenerateConfig(task="cqa", max_new_tokens=9)),
    ):
        pass


def test_an_option_that_an_older_manifest_lacks_has_its_default(tmp_path: Path) -> None:
    finish(tmp_path)
    path = tmp_path / MANIFEST
    older = json.loads(path.read_text())
    del older["config"]["keep_rationales"], older["results"]["duplicates"], older["sequence"]
    path.write_text(json.dumps(older))
    assert read_manifest(tmp_path).final.duplicates is None
    with open_run(tmp_path, GenerateResult, GenerateConfig(task="cqa")) as same:
        assert same.finished is not None
    with (
        pytest.raises(InputError, match="keep_rationales"),
        open_run(tmp_path, GenerateResult, GenerateConfig(task="cqa", keep_rationales=2)),
    ):
        pass


def test_a_newer_manifest_is_refused_in_one_line(tmp_path: Path) -> None:
    finish(tmp_path)
    newer = json.loads((tmp_path / MANIFEST).read_text()) | {"schema_version": 99}
    (tmp_path / MANIFEST).write_text(json.dumps(newer))
    with pytest.raises(InputError, match="schema version 99; expected at most 1; update dsbs"):
        read_manifest(tmp_path)


def test_data_that_moved_is_the_same_input_and_other_data_is_not(tmp_path: Path) -> None:
    before, after, other = (tmp_path / name for name in ("a.csv", "b.csv", "c.csv"))
    before.write_text("x\n1\n")
    other.write_text("x\n2\n")
    finish(tmp_path / "run", data=before)
    before.rename(after)
    config = GenerateConfig(task="cqa", data=after)
    with open_run(tmp_path / "run", GenerateResult, config, [after]) as again:
        assert again.finished is not None
    config = GenerateConfig(task="cqa", data=other)
    with (
        pytest.raises(InputError, match="other settings: data"),
        open_run(tmp_path / "run", GenerateResult, config, [other], takes_new_inputs=True),
    ):
        pass


def test_files_are_found_again_where_folder_and_data_moved_together(tmp_path: Path) -> None:
    data = tmp_path / "here" / "rows.csv"
    data.parent.mkdir()
    data.write_text("x\n1\n")
    finish(tmp_path / "here" / "runs" / "one", data=data)
    (tmp_path / "here").rename(tmp_path / "elsewhere")
    moved = tmp_path / "elsewhere" / "runs" / "one"
    manifest = read_manifest(moved)
    assert manifest.data_place(moved).samefile(tmp_path / "elsewhere" / "rows.csv")
    (tmp_path / "elsewhere" / "rows.csv").unlink()
    with pytest.raises(InputError, match="name their place now with --data"):
        manifest.data_place(moved)


def test_a_second_process_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with (
            pytest.raises(InputError, match=f"in use by process {holder.pid} on "),
            open_run(tmp_path, GenerateResult, GenerateConfig(task="cqa")),
        ):
            pass
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    with open_run(tmp_path, GenerateResult, GenerateConfig(task="cqa")) as free:
        assert free.finished is None


@pytest.mark.parametrize("left", ["", '{"stage": "gen', '{"status": "started"}'])
def test_a_first_manifest_that_was_cut_off_is_taken_over(tmp_path: Path, left: str) -> None:
    (tmp_path / MANIFEST).write_text(left)
    (tmp_path / ".manifest.json.77.partial").write_text("{")
    finish(tmp_path)
    assert read_manifest(tmp_path).status == "done"


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with (
        pytest.raises(InputError, match=r"a folder that holds thesis\.tex"),
        open_run(tmp_path, GenerateResult, GenerateConfig(task="cqa")),
    ):
        pass
    (tmp_path / MANIFEST).write_text("{")
    with (
        pytest.raises(InputError, match="manifest"),
        open_run(tmp_path, GenerateResult, GenerateConfig(task="cqa")),
    ):
        pass
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_the_newest_run_is_the_last_that_finished_whatever_the_clock_says(tmp_path: Path) -> None:
    for name in ("z", "a", "m"):
        finish(tmp_path / name)
    path = tmp_path / "m" / MANIFEST
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"finished": "1999-01-01T00:00:00+14:00"})
    )
    assert newest_run(GenerateResult, root=tmp_path) == tmp_path / "m"


def test_broken_and_foreign_manifests_stop_no_other_command(tmp_path: Path) -> None:
    for name, text in {"cut": "{", "foreign": '{"name": "npm"}', "list": "[]", "none": ""}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / MANIFEST).write_text(text)
    finish(tmp_path / "mine")
    assert newest_run(GenerateResult, root=tmp_path) == tmp_path / "mine"


def test_a_run_that_is_stopped_or_incomplete_is_not_done(tmp_path: Path) -> None:
    for status in ("stopped", "incomplete"):
        with open_run(tmp_path / status, GenerateResult, GenerateConfig(task="cqa")) as run:
            run.finish(result(tmp_path / status), status=status)  # type: ignore[arg-type]
        assert read_manifest(tmp_path / status).status == status
    assert newest_run(GenerateResult, root=tmp_path) is None


def test_a_write_that_fails_leaves_the_manifest_before_it(tmp_path: Path) -> None:
    with open_run(tmp_path, GenerateResult, GenerateConfig(task="cqa")) as run:
        before = (tmp_path / MANIFEST).read_text()
        run.path = tmp_path / "gone"
        with pytest.raises(OSError, match="gone"):
            run.write()
    assert (tmp_path / MANIFEST).read_text() == before
    assert {path.name for path in tmp_path.iterdir()} == {MANIFEST, ".lock"}


def interrupted(path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        open_run(path, GenerateResult, GenerateConfig(task="cqa")),
    ):
        raise KeyboardInterrupt


def test_a_run_that_is_interrupted_is_stopped_and_the_next_start_goes_on(tmp_path: Path) -> None:
    interrupted(tmp_path)
    manifest = read_manifest(tmp_path)
    assert (manifest.status, manifest.results) == ("stopped", None)
    with pytest.raises(InputError, match="status 'stopped'"):
        finished_run(tmp_path, GenerateResult, "--answers", partial=True)
    finish(tmp_path)
    assert read_manifest(tmp_path).status == "done"


def test_an_interrupt_after_a_run_is_done_leaves_it_done(tmp_path: Path) -> None:
    finish(tmp_path)
    interrupted(tmp_path)
    assert read_manifest(tmp_path).status == "done"
