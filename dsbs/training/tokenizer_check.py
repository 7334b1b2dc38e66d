"""What a student's tokenizer makes of what is to be learned, found out before the first step."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar
from unicodedata import normalize as unicode_form

from dsbs.artifacts.results.train import LostCharacters
from dsbs.core.errors import InputError
from dsbs.core.records import Example, Method, TrainPair
from dsbs.distillation.methods import Prefixes, label_text, read_output
from dsbs.student.codec import Codec
from dsbs.tasks.labels import match_label, meaning, same_label
from dsbs.tasks.task import Task

MOST_LABELS = 20_000
"""Labels that are tried, where the task has no closed set."""

SAMPLE_ROWS = 2_000
"""Rows whose inputs and targets are tried."""

_KEPT_CHARACTERS = 20
"""Lost characters that are recorded, the most frequent ones."""

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Writing:
    """How a student writes a label."""

    student: str
    """Its name, for messages."""
    codec: Codec
    method: Method
    prefixes: Prefixes
    max_target_tokens: int

    def target(self, label: str) -> str:
        """The target of a row that has this label and no rationale."""
        return label_text(self.method, label, self.prefixes)

    def read(self, text: str) -> str:
        """The label part of a text that the student has written."""
        return read_output(self.method, text, self.prefixes).label or ""


class _Tried(NamedTuple):
    """A label's target as tokens, and what comes back from them."""

    label: str
    target: str
    tokens: tuple[int, ...]
    written: str
    """The target again."""
    read: str
    """The label part of it."""


def check_labels(
    task: Task, writing: Writing, labels: Iterable[str], rows: Sequence[Example]
) -> None:
    """Check that the student can write every label, and that no two labels look alike to it.

    A closed set is checked as a whole. Otherwise the labels to learn and the options of the rows
    are checked, up to `MOST_LABELS` of them, evenly spaced.

    Args:
        task: The task.
        writing: How the student writes a label.
        labels: The labels to learn.
        rows: The training rows.

    Raises:
        InputError: A label does not come back from its tokens, or two have the same tokens, or one
            is longer than the limit.
    """
    learned = dict.fromkeys([*task.label.labels, *labels])
    options = dict.fromkeys(choice for row in rows for choice in row.choices)
    known = list(learned | options)
    tried = _try(writing, known if task.label.labels else spread(known, MOST_LABELS))
    of = f"{len(tried):,} labels"
    if len(tried) < len(known):
        of += f", a sample of {len(known):,},"
    if task.label.kind in ("class", "choice"):
        _check_distinct(task, writing, tried, rows)
        _check_lengths(writing, [one for one in tried if one.label in learned])
    _check_written(task, writing, tried, of)


def lost_characters(codec: Codec, pairs: Sequence[TrainPair]) -> dict[str, LostCharacters]:
    """The characters of inputs and targets that do not come back from their tokens.

    A sample of rows is tried. Plain spaces and the forms of a character that Unicode holds for the
    same (NFKC) do not count. Only what loses characters is in the result: `inputs`, `targets`.
    """
    sample = spread(pairs, SAMPLE_ROWS)
    texts = {
        "inputs": list(codec.with_separator([pair.input for pair in sample])),
        "targets": [target.text for pair in sample for target in pair.targets],
    }
    found = {
        name: _compare(some, _round_trip(codec, some, targets=name == "targets"))
        for name, some in texts.items()
    }
    return {name: lost for name, lost in found.items() if lost.characters}


def losses_in_words(student: str, lost: Mapping[str, LostCharacters]) -> str:
    """One line for people, or "" where nothing is lost."""
    parts = [
        f"{part.share:.2%} of the characters of {name} "
        f"({', '.join(map(_shown, list(part.characters)[:8]))}; {part.changed:,} of "
        f"{part.texts:,} texts tried)"
        for name, part in lost.items()
    ]
    return f"the tokenizer of {student} loses {' and '.join(parts)}" if parts else ""


def spread(items: Sequence[_Item], most: int) -> list[_Item]:
    """At most so many of the items, evenly spaced."""
    if len(items) <= most:
        return list(items)
    return [items[at * len(items) // most] for at in range(most)]


def _try(writing: Writing, labels: Sequence[str]) -> list[_Tried]:
    texts = [writing.target(label) for label in labels]
    ids = writing.codec.targets(texts)
    written = writing.codec.tokenizer.batch_decode(ids, skip_special_tokens=True)
    return [
        _Tried(label, target, tuple(tokens), text.strip(), writing.read(text.strip()))
        for label, target, tokens, text in zip(labels, texts, ids, written, strict=True)
    ]


def _check_distinct(
    task: Task, writing: Writing, tried: Sequence[_Tried], rows: Sequence[Example]
) -> None:
    """Raise where two labels that a row may have are the same tokens and mean different things."""
    kind = task.label.kind
    tokens = {one.label: one.tokens for one in tried}
    sets = {row.choices for row in rows} if kind == "choice" else {task.label.labels}
    for labels in sets:
        by_tokens: dict[tuple[int, ...], str] = {}
        for label in filter(tokens.__contains__, labels):
            first = by_tokens.setdefault(tokens[label], label)
            if meaning(kind, first) != meaning(kind, label):
                raise InputError(
                    f"--student {writing.student}",
                    got=f"a tokenizer that writes the labels {first!r} and {label!r} alike",
                    expected="different tokens for different labels",
                    fix=_way_out(task),
                )


def _check_written(task: Task, writing: Writing, tried: Sequence[_Tried], of: str) -> None:
    wrong = [one for one in tried if not _comes_back(task, one)]
    if not wrong:
        return
    first = wrong[0]
    raise InputError(
        f"--student {writing.student}",
        got=f"a tokenizer that writes {first.target!r} as {first.written!r} "
        f"({len(wrong):,} of {of} cannot be written)",
        expected="a tokenizer that can write every label",
        fix=_way_out(task) + ("" if first.target == first.label else ", or change --prefixes"),
    )


def _comes_back(task: Task, one: _Tried) -> bool:
    """Whether what the student would write is read as the label."""
    kind = task.label.kind
    if one.read == one.label:
        return True
    if kind == "choice":  # a letter in the place of the label does not count
        return match_label("class", one.read, (one.label,)).label == one.label
    matched = match_label(kind, one.read, task.label.labels)
    return matched.reason is None and same_label(kind, matched.label, one.label)


def _check_lengths(writing: Writing, tried: Sequence[_Tried]) -> None:
    limit = writing.max_target_tokens
    long = [one for one in tried if len(one.tokens) > limit]
    if long:
        first = max(long, key=lambda one: len(one.tokens))
        raise InputError(
            f"--max-target-tokens {limit}",
            got=f"the label {first.label!r} of {len(first.tokens)} tokens "
            f"({len(long):,} of {len(tried):,} labels are longer)",
            expected="room for every label",
            fix=f"give --max-target-tokens {len(first.tokens)} or more",
        )


def _way_out(task: Task) -> str:
    where = "task file" if task.label.kind == "class" else "rows"
    able = "ByT5 and the built-in ones write any text"
    return f"use another student ({able}), or rename the label in the {where}"


def _round_trip(codec: Codec, texts: Sequence[str], *, targets: bool) -> list[str]:
    """Each text again, with special tokens that stand in it and without those around it."""
    tokenizer = codec.tokenizer
    starts = (tokenizer.bos_token_id, tokenizer.cls_token_id)
    ends = (tokenizer.eos_token_id, tokenizer.sep_token_id)
    unknown = tokenizer.unk_token_id  # the property is slow
    kept = []
    for ids in codec.targets(texts) if targets else codec.inputs(texts):
        inside = ids[1:] if ids and ids[0] in starts else ids
        inside = inside[:-1] if inside and inside[-1] in ends else inside
        kept.append([token for token in inside if token != unknown])
    written: list[str] = tokenizer.batch_decode(kept)
    return written


def _compare(texts: Sequence[str], written: Sequence[str]) -> LostCharacters:
    lost = Counter[str]()
    changed = 0
    for text, back in zip(texts, written, strict=True):
        if gone := _characters(text) - _characters(back):
            lost += gone
            changed += 1
    return LostCharacters(
        texts=len(texts),
        changed=changed,
        share=lost.total() / max(1, sum(map(len, texts))),
        characters=dict(lost.most_common(_KEPT_CHARACTERS)),
    )


def _characters(text: str) -> Counter[str]:
    characters = Counter(unicode_form("NFKC", text))
    del characters[" "]
    return characters


_NAMES: Mapping[str, str] = {"\n": "newline", "\t": "tab", "\r": "carriage return"}


def _shown(character: str) -> str:
    name = _NAMES.get(character)
    return name or (character if character.isprintable() else f"U+{ord(character):04X}")
