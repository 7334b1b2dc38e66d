"""Many rows while one request in twenty fails: memory and open files do not grow with them."""

import json
import time
from pathlib import Path

from support.campaign import Counts, Scale
from support.disturbed import Ended, Started, run
from support.farm import FARM
from support.served_farm import Serve

FAULTS = ("429", "500", "503", "close", "truncated")
MOST_BYTES_PER_ROW = 100
"""By which the memory of `generate` may grow. Hashes and places of rows stay in memory, no text."""


class Load:
    """What labeling so many rows took."""

    def __init__(self, rows: int, folder: Path, url: str) -> None:
        folder.mkdir()
        self.store = folder / "run" / "answers.sqlite"
        task = folder / "farm.yaml"
        data = folder / "rows.jsonl"
        task.write_text(FARM)
        with data.open("w") as file:
            for number in range(rows):
                file.write(json.dumps({"animal": "owl", "sound": f"hoots {number} times"}) + "\n")
        given = ["generate", "--task", task, "--data", data, "--splits", "train,validation,test"]
        given += ["--engine", "endpoint", "--teacher", "model", "--base-url", url]
        given += ["--api", "completions", "--prompts-per-request", 16, "--duplicates", "never"]
        started = Started([*given, "--out", folder / "run"], folder)
        self.memory = 0
        self.files = 0
        while started.running:
            self.memory = max(self.memory, started.memory())
            self.files = max(self.files, started.open_files())
            time.sleep(0.02)
        self.ended = started.end()


def test_memory_and_open_files_do_not_grow_with_rows(
    serve: Serve, tmp_path: Path, counts: Counts, scale: Scale
) -> None:
    url = serve("--faults", "0.05", "--fault", *FAULTS)
    few = Load(scale(1_000, 50_000), tmp_path / "few", url)
    rows = scale(6_000, 500_000)
    many = Load(rows, tmp_path / "many", url)
    assert (few.ended.code, many.ended.code) == (0, 0), many.ended.said[-2000:]
    more = rows - scale(1_000, 50_000)
    counts.done.update(rows=rows, seconds=int(many.ended.seconds))
    counts.done["MB of memory"] = many.memory // 1_000_000
    counts.done["open files"] = many.files
    grown = max(0, many.memory - few.memory)
    counts.done["bytes more per row"] = grown // more
    counts.must_stay_zero("memory that grows", "open files that grow", "slow looks at the store")
    # Buffers and allocators take what they take once.
    counts.broke(
        "memory that grows", f"{grown:,} bytes", grown > more * MOST_BYTES_PER_ROW + 32_000_000
    )
    counts.broke(
        "open files that grow", f"{few.files} to {many.files}", many.files > few.files + 10
    )
    looks = {
        "opened and counted": (["answers", "count", "--store", many.store], 3),
        "exported": (
            ["answers", "export", "--store", many.store, "--out", tmp_path / "all.jsonl"],
            15,
        ),
    }
    for what, (arguments, seconds) in looks.items():
        ended: Ended = run(arguments, tmp_path / "look")
        assert ended.code == 0, ended.said
        if scale.long:
            counts.done[f"ms of processor time {what}"] = int(ended.cpu_s * 1000)
            counts.broke(
                "slow looks at the store", f"{what}: {ended.cpu_s} s", ended.cpu_s > seconds
            )
    with (tmp_path / "all.jsonl").open() as file:
        assert sum(1 for _ in file) == rows
    counts.check()
