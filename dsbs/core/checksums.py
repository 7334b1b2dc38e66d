"""A folder's files with their hashes, in the format of `sha256sum -c`."""

from pathlib import Path

from dsbs.core.files import write_text
from dsbs.core.hashing import hash_file

CHECKSUMS = "SHA256SUMS"

_MOST_CHARS = 80


def write_checksums(folder: Path) -> None:
    """Write the hash of every file of the folder, once they are all there."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != CHECKSUMS)
    lines = [f"{hash_file(path)}  {path.name}\n" for path in files]
    write_text(folder / CHECKSUMS, "".join(lines))


def damage(folder: Path) -> str:
    """What is wrong with the folder's files, in a few words; "" where all are as they were written.

    A folder without checksums was cut off while it was written.
    """
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return f"no readable {CHECKSUMS}"
    if not lines:
        return f"an empty {CHECKSUMS}"
    there = {path.name for path in folder.iterdir() if path.is_file()}
    for line in lines:
        recorded, _, name = line.partition("  ")
        if name not in there:  # not is_file(): a damaged name may be too long for the system
            return f"{name[:_MOST_CHARS] or CHECKSUMS} is missing"
        if hash_file(folder / name) != recorded:
            return f"{name} has changed"
    return ""
