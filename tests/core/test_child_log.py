"""The log of a child holds all that it wrote, but for secrets."""

import subprocess
import sys
from pathlib import Path

from dsbs.core.child_log import log_without_secrets
from dsbs.core.known_secrets import remember

CHILD = r"""
import sys
sys.stdout.buffer.write(b"key my-s3cret-key\n\xff\xfe bytes\n")
sys.stdout.flush()
print("error my-s3cret-key", file=sys.stderr)
print("no end of line", end="")
"""


def test_a_log_has_every_byte_but_secrets(tmp_path: Path) -> None:
    remember("my-s3cret-key")
    (tmp_path / "log").write_text("before\n")
    with log_without_secrets(tmp_path / "log") as output:
        subprocess.run([sys.executable, "-c", CHILD], stdout=output, stderr=output, check=True)
    lines = (tmp_path / "log").read_bytes().splitlines()
    assert lines[0] == b"before"
    assert sorted(lines[1:]) == sorted(
        [b"key ***", b"\xff\xfe bytes", b"error ***", b"no end of line"]
    )
