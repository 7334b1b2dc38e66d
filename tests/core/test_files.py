"""Files are written whole, and with the rights that the user's umask gives."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dsbs.core.errors import InputError
from dsbs.core.files import check_writable, open_to_umask, replacing, write_text


def test_a_write_that_fails_leaves_the_file_before_it(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_text(path, "before")

    def fail() -> None:
        with replacing(path) as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_files_get_the_rights_of_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_text(tmp_path / "new", "x")
        for name in ("strict", "open"):
            (tmp_path / name).write_text("x")
        (tmp_path / "strict").chmod(0o600)
        (tmp_path / "open").chmod(0o666)
        open_to_umask(tmp_path, tmp_path / "new")
    finally:
        os.umask(before)
    rights = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert rights == {0o666 & ~umask}


def test_a_file_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    check_writable(tmp_path / "state.json", "--progress-json")
    for path in (tmp_path / "missing" / "state.json", tmp_path):
        with pytest.raises(InputError, match=f"--progress-json {path}: got a f"):
            check_writable(path, "--progress-json")


def test_a_folder_without_the_right_to_write_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="where you may not write"):
        check_writable(tmp_path / "state.json", "--progress-json")


def test_help_loads_neither_jinja_nor_yaml() -> None:
    code = "import dsbs.core.files, sys; assert not {'jinja2', 'yaml'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
