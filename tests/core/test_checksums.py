"""Files that have changed since they were written."""

import shutil
import subprocess
from pathlib import Path

import pytest

from dsbs.core.checksums import CHECKSUMS, damage, write_checksums


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weights").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "card.json").write_text("{}")
    write_checksums(tmp_path)
    return tmp_path


def test_a_folder_as_written_is_whole_and_sha256sum_agrees(folder: Path) -> None:
    assert damage(folder) == ""
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--quiet", "-c", CHECKSUMS], cwd=folder, check=True)
    (folder / "more").write_text("a file that is not listed")
    assert damage(folder) == ""


def test_every_damage_is_named(folder: Path) -> None:
    content = (folder / "weights").read_bytes()
    (folder / "weights").write_bytes(content[:5000] + bytes(4000) + content[9000:])
    assert damage(folder) == "weights has changed"
    (folder / "weights").write_bytes(content[:-1])
    assert damage(folder) == "weights has changed"
    (folder / "weights").unlink()
    assert damage(folder) == "weights is missing"
    (folder / "weights").write_bytes(content)
    assert damage(folder) == ""


def test_a_name_that_no_system_admits_is_missing(folder: Path) -> None:
    sums = folder / CHECKSUMS
    sums.write_text(sums.read_text() + f"{'0' * 64}  {'x' * 5000}\n")
    assert damage(folder) == f"{'x' * 80} is missing"
    sums.write_text(f"{'0' * 64}  ../{folder.name}/weights\n")
    assert damage(folder).endswith("weights is missing")


@pytest.mark.parametrize("text", [None, "", "0 1 2", "ab  ", "\n"])
def test_broken_checksums_are_damage(folder: Path, text: str | None) -> None:
    if text is None:
        (folder / CHECKSUMS).unlink()
    else:
        (folder / CHECKSUMS).write_text(text)
    assert damage(folder)
