"""Checkpoints of the trainer: which is whole, and which one training goes on from."""

import shutil
from pathlib import Path

from accelerate.utils import broadcast_object_list

from dsbs.core.checksums import CHECKSUMS, damage, write_checksums
from dsbs.core.files import open_to_umask
from dsbs.core.progress import say


def seal_checkpoint(folder: Path) -> None:
    """Write the checksums of a checkpoint, then delete all others.

    Checksums come last: a checkpoint without them was cut off while it was written. Others may have
    more steps, if they were damaged, or a later time, if the clock was wrong.
    """
    write_checksums(folder)
    open_to_umask(folder, folder / CHECKSUMS)
    for other in folder.parent.glob("checkpoint-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def newest_whole(folder: Path) -> Path | None:
    """The newest checkpoint whose files are as they were written. Damaged ones are named."""
    for path in sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True):
        why = damage(path)
        if not why:
            return path
        say(f"{path} is damaged and passed over: {why}")
    return None


def agreed_checkpoint(folder: Path, *, rank: int, ranks: int) -> Path | None:
    """`newest_whole` as the first process finds it. Every process must call it."""
    found = [newest_whole(folder) if rank == 0 else None]
    if ranks > 1:
        broadcast_object_list(found, from_process=0)
    return found[0]


def step_of(checkpoint: Path) -> int:
    """The number of steps that a checkpoint was made after."""
    return int(checkpoint.name.rsplit("-", 1)[1])
