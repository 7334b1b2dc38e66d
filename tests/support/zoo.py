"""A small task with four labels, for a teacher that really answers."""

from pathlib import Path
from typing import Any

from support.farm import FARM

ZOO = {
    "bird": (["duck", "owl", "crow", "swan", "finch", "stork"], "It has feathers."),
    "fish": (["trout", "carp", "eel", "cod", "perch", "tuna"], "It lives in water."),
    "insect": (["ant", "bee", "wasp", "moth", "beetle", "gnat"], "It has six legs."),
    "mammal": (["pig", "goat", "horse", "cat", "rat", "bat"], "It has fur."),
}


class Zoo:
    """A task with four labels for a teacher that really answers."""

    def __init__(self, folder: Path, *, places: int = 5) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.task, self.data = folder, folder / "zoo.yaml", folder / "rows.csv"
        text = FARM.replace("name: farm", "name: zoo").replace(
            "[bird, mammal]", "[bird, fish, insect, mammal]"
        )
        shark = "  - {animal: shark, sound: swims, rationale: It breathes water., label: fish}\n"
        self.task.write_text(text.replace("columns:", shark + "columns:"))
        self.kind_of = {animal: kind for kind, (animals, _) in ZOO.items() for animal in animals}
        rows = [
            {"animal": animal, "sound": f"in place {n}", "kind": self.kind_of[animal]}
            for n in range(places)
            for animal in self.kind_of
        ]
        self.write(rows)
        self.rows = rows

    def write(self, rows: list[dict[str, str]]) -> None:
        lines = ["animal,sound,kind", *(f"{r['animal']},{r['sound']},{r['kind']}" for r in rows)]
        self.data.write_text("\n".join(lines) + "\n")

    def reason(self, example: Any) -> str:
        return ZOO[self.kind_of[example.fields["animal"]]][1]
