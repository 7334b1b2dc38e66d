"""Make the data of the small world: facts.yaml -> data/train.jsonl, data/validation.jsonl,
data/test.jsonl.

    python scripts/quickstart_world/make_world.py

Takes a second. The same seed gives the same files, byte for byte; tests/end_to_end/test_world.py
holds them to it. No combination of thing and property stands in two files.
"""

import json
from pathlib import Path

from world import cut, questions, read_world

FACTS = Path(__file__).parent / "facts.yaml"
ASSETS = Path(__file__).parents[2] / "dsbs" / "assets" / "quickstart"
SEED = 1
EACH = {"train": 4, "validation": 4, "test": 3}
"""Questions a combination: 960 x 4, 96 x 4 and 384 x 3."""


def data_files(seed: int = SEED) -> dict[str, str]:
    """The text of every data file, by split."""
    world = read_world(FACTS)
    parts = cut(world, seed)
    rows = {
        split: questions(world, parts[split], each, f"{split} {seed}")
        for split, each in EACH.items()
    }
    return {
        split: "".join(json.dumps(row) + "\n" for row in found) for split, found in rows.items()
    }


if __name__ == "__main__":
    for split, text in data_files().items():
        path = ASSETS / "data" / f"{split}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"{path}: {text.count(chr(10)):,} questions")
