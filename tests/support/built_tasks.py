"""Tasks whose right model is known because they were built that way, with a teacher's answers."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

FILLERS = [
    "the",
    "a",
    "one",
    "this",
    "that",
    "near",
    "old",
    "big",
    "small",
    "left",
    "right",
    "on",
    "under",
    "with",
    "from",
    "into",
    "over",
    "by",
]
GROUPS = {
    "red": ["apple", "rose", "brick", "flame", "tomato"],
    "blue": ["sky", "sea", "whale", "jeans", "ice"],
}
KINDS = {
    "fruit": ["pear", "grape", "lemon", "melon"],
    "tool": ["saw", "drill", "file", "clamp"],
    "bird": ["crow", "swan", "finch", "stork"],
    "metal": ["iron", "zinc", "tin", "gold"],
}
TRAITS = {
    "sweet": {"fruit": "yes", "tool": "no", "bird": "no", "metal": "yes"},
    "sharp": {"fruit": "no", "tool": "yes", "bird": "no", "metal": "yes"},
    "light": {"fruit": "no", "tool": "yes", "bird": "yes", "metal": "no"},
    "grown": {"fruit": "yes", "tool": "no", "bird": "yes", "metal": "no"},
}
"""Two kinds have each trait and each kind has two of them, so no single word tells the label."""
KIND_OF = {word: kind for kind, words in KINDS.items() for word in words}


class Row(NamedTuple):
    """A row, with what its teacher answers."""

    input: str
    label: str
    rationale: str
    choices: tuple[str, ...] = ()
    teacher: str = ""
    """The teacher's label. Empty: the right one."""


@dataclass(frozen=True)
class BuiltTask:
    """A task, and the verdicts that are right for it."""

    name: str
    draw: Callable[[random.Random], Row]
    label: dict[str, Any]
    """Form of the label in the task file."""
    right: tuple[str, ...]
    """Categories of a right verdict."""
    choices: tuple[str, ...] = ()
    """What a right choice may be; empty for any student."""
    compare: dict[str, Any] = field(default_factory=dict)
    """Further settings of the comparison."""


def _keywords(draw: random.Random) -> Row:
    label = draw.choice(list(GROUPS))
    word = draw.choice(GROUPS[label])
    words = [*draw.choices(FILLERS, k=4), word]
    draw.shuffle(words)
    return Row(" ".join(words), label, f"{word} is {label}.")


def _group(word: str) -> str:
    return next(label for label, words in GROUPS.items() if word in words)


def _similarity(draw: random.Random) -> Row:
    """Whether two words are of one group: no word tells alone."""
    words = [word for group in GROUPS.values() for word in group]
    first = draw.choice(words)
    second = draw.choice(words)
    label = "same" if _group(first) == _group(second) else "other"
    return Row(f"{first} and then {second}", label, f"{_group(first)} and {_group(second)}.")


def _negation(draw: random.Random) -> Row:
    """A word at the start turns the meaning of one at the end."""
    label = draw.choice(list(GROUPS))
    word = draw.choice(GROUPS[label])
    negated = draw.random() < 0.5
    other = "blue" if label == "red" else "red"
    first = "never" if negated else "always"
    filler = " ".join(draw.choices(FILLERS, k=2))
    turned = other if negated else label
    return Row(f"{first} {filler} {word}", turned, f"{first} {label}.")


def _two_hops(draw: random.Random) -> Row:
    """From a thing to its kind, and from the kind to a trait."""
    thing = draw.choice(list(KIND_OF))
    trait = draw.choice(list(TRAITS))
    kind = KIND_OF[thing]
    return Row(f"{trait} then {thing}", TRAITS[trait][kind], f"{thing} is a {kind}.")


def _options(draw: random.Random) -> Row:
    """Which of the options is of the kind that is asked for; the options change by row."""
    kinds = draw.sample(list(KINDS), 3)
    words = tuple(draw.choice(KINDS[kind]) for kind in kinds)
    at = draw.randrange(3)
    return Row(kinds[at], words[at], f"{words[at]} is a {kinds[at]}.", words)


def _copying(draw: random.Random) -> Row:
    word = draw.choice(list(KIND_OF))
    filler = " ".join(draw.choices(FILLERS, k=2))
    return Row(f"{filler} say {word}", word, f"say {word}.")


def _noise(draw: random.Random) -> Row:
    return _keywords(draw)._replace(label=draw.choice(list(GROUPS)), rationale="who knows.")


def _wrong_teacher(draw: random.Random) -> Row:
    row = _keywords(draw)
    wrong = "blue" if row.label == "red" else "red"
    return row._replace(teacher=wrong, rationale=f"it is {wrong}.")


_COLOURS = {"kind": "class", "labels": list(GROUPS)}
_DONE = ("student",)
_TFIDF = ("baseline:tfidf",)

BUILT_TASKS = {
    task.name: task
    for task in (
        BuiltTask("keywords", _keywords, _COLOURS, ("baseline",), _TFIDF),
        BuiltTask("similarity", _similarity, {"kind": "class", "labels": ["same", "other"]}, _DONE),
        BuiltTask("negation", _negation, _COLOURS, _DONE),
        BuiltTask("two-hops", _two_hops, {"kind": "class", "labels": ["yes", "no"]}, _DONE),
        BuiltTask("options", _options, {"kind": "choice"}, ("baseline",), _TFIDF),
        BuiltTask("copying", _copying, {"kind": "text"}, _DONE),
        BuiltTask("noise", _noise, _COLOURS, ("nothing_learned", "cannot_be_told")),
        BuiltTask(
            "wrong-teacher",
            _wrong_teacher,
            _COLOURS,
            ("baseline",),
            ("baseline:tfidf, gold labels",),
            {"labels": ("gold", "teacher"), "skip": ("step_by_step:gold",)},
        ),
    )
}


def build(task: BuiltTask, folder: Path, *, train: int, test: int) -> Path:
    """The task file, the rows and the teacher's answers, in a folder; the run of answers.

    The same for the same sizes, whatever the machine.
    """
    from dsbs import api

    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(f"{task.name} {train} {test}")
    sizes = {"train": train, "validation": 50, "test": test}
    rows = {split: [task.draw(draw) for _ in range(size)] for split, size in sizes.items()}
    (folder / "data").mkdir(exist_ok=True)
    for split, drawn in rows.items():
        lines = [_line(f"{split}-{at}", row) for at, row in enumerate(drawn)]
        (folder / "data" / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    answers = [
        {"id": f"{split}-{at}", "text": f" {row.rationale} So it is {row.teacher or row.label}."}
        for split in ("train", "validation")
        for at, row in enumerate(rows[split])
    ]
    (folder / "answers.jsonl").write_text("\n".join(map(json.dumps, answers)) + "\n")
    (folder / "task.yaml").write_text(json.dumps(_task_file(task, rows["train"][0])))
    api.generate(
        task=str(folder / "task.yaml"),
        data=folder / "data",
        answers_from=folder / "answers.jsonl",
        out=folder / "answered",
    )
    return folder / "answered"


def _line(identity: str, row: Row) -> str:
    choices = {"choices": list(row.choices)} if row.choices else {}
    return json.dumps({"id": identity, "text": row.input, "gold": row.label, **choices})


def _task_file(task: BuiltTask, shown: Row) -> dict[str, Any]:
    """JSON is YAML."""
    choice = task.label["kind"] == "choice"
    options = {"choices": list(shown.choices)} if choice else {}
    columns = {"choices": "choices"} if choice else {}
    return {
        "name": task.name,
        "version": 1,
        "label": task.label,
        "input": "{{ text }}{{ options }}" if choice else "{{ text }}",
        "prompt": {
            "question": "Input: {{ input }}\nAnswer:",
            "answer": " {{ rationale }} So it is {{ label }}.",
            "stop": ["\n\n"],
        },
        "answer": {"marker": "So it is", "ends": ["Input:"]},
        "demonstrations": [
            {
                "text": shown.input,
                "rationale": shown.rationale,
                "label": shown.label,
                **options,
            }
        ],
        "columns": {"fields": {"text": "text"}, "gold": "gold", "id": "id", **columns},
    }
