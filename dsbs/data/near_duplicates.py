"""Test inputs that training has nearly seen: the same words, or the same but for numbers."""

import itertools
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dsbs.config.base import Duplicates
from dsbs.core.iteration import Chain
from dsbs.core.records import Example, NearDuplicate, NearDuplicates, Split
from dsbs.core.tables import percent
from dsbs.tasks.label_keys import fold

ALIKE = 0.8
"""Near-duplicates share at least this much of their words (Jaccard)."""
_CANDIDATE = 0.7
"""MinHash proposes pairs from this estimate on, because it may be too low: on SVAMP it so finds all
159 such test inputs."""
_PERMUTATIONS = 96
MOST_ROWS = 50_000
"""With more rows the search takes longer than some seconds, and `auto` leaves it out."""

_MOST_PAIRS = 1000
_SHORT = 5
"""Words of a line at least for it to count as repeated."""
_NUMBER = re.compile(r"(?<![^\W_])\d+(?:[.,]\d+)*")
"""Digits behind a letter are part of a name, such as B12."""
_WORD = re.compile(r"\w+")


def find_duplicates(
    splits: Mapping[Split, Sequence[Example]],
    wanted: Duplicates = "always",
    *,
    mask_numbers: bool = True,
) -> NearDuplicates | None:
    """Test inputs that training or validation has nearly seen.

    Both count, so every stage counts the same, before and after validation is cut from training.
    Test inputs are `near` where they share at least `ALIKE` of all words, numbers masked, with such
    an input (MinHash finds candidates, which are then compared). `near` is None without the
    library. They count as `but_for_numbers` where a whole line of five words or more that holds a
    number stands in such an input as well, with any numbers.

    Args:
        splits: The examples.
        wanted: "auto" leaves out searches of more than `MOST_ROWS` rows.
        mask_numbers: Whether inputs that differ in numbers alone are alike.

    Returns:
        None where there is nothing to compare, or it is not wanted.
    """
    train = Chain([splits.get("train", ()), splits.get("validation", ())])
    test = splits.get("test", ())
    large = wanted == "auto" and len(train) + len(test) > MOST_ROWS
    if not train or not test or wanted == "never" or large:
        return None
    numbers = _same_but_for_numbers(train, test) if mask_numbers else []
    near = _near(train, test, mask_numbers)
    pairs = [*numbers, *(near or ())]
    return NearDuplicates(
        train_rows=len(train),
        test_rows=len(test),
        near=None if near is None else len(near),
        but_for_numbers=len(numbers),
        pairs=tuple(pairs[:_MOST_PAIRS]),
        tests=tuple(dict.fromkeys(pair.test for pair in pairs)),
    )


def describe(found: NearDuplicates | None) -> list[str]:
    """What the search found, as lines for people."""
    if found is None:
        return []
    lines = []
    if found.near is None:
        lines.append("near-duplicates of test inputs were not looked for: pip install datasketch")
    if found.near:
        lines.append(
            f"{found.near:,} test inputs share {percent(ALIKE)} or more of their words "
            "with an input of training or validation, numbers aside"
        )
    if found.but_for_numbers:
        lines.append(
            f"{found.but_for_numbers:,} of {found.test_rows:,} test inputs repeat a line of an "
            "input of training or validation but for its numbers"
        )
    if found.pairs:
        pair = found.pairs[0]
        lines.append(f"  for example {pair.test} and {pair.train}")
    return lines


def _near(
    train: Collection[Example], test: Sequence[Example], mask_numbers: bool
) -> list[NearDuplicate] | None:
    """The nearest training input of every test input that has one.

    None where the library is not installed.
    """
    try:
        from datasketch import MinHashLSH
    except ImportError:
        return None
    asked = [_words(example.input, mask_numbers) for example in test]
    index = MinHashLSH(threshold=_CANDIDATE, num_perm=_PERMUTATIONS)
    for at, sketch in enumerate(_sketches(asked)):
        index.insert(at, sketch, check_duplication=False)
    best: dict[int, NearDuplicate] = {}
    seen, again = itertools.tee(_words(example.input, mask_numbers) for example in train)
    for example, words, sketch in zip(train, seen, _sketches(again), strict=True):
        for at in index.query(sketch):
            share = len(words & asked[at]) / max(1, len(words | asked[at]))
            if share >= ALIKE and (at not in best or share > best[at].words):
                best[at] = NearDuplicate(test[at].id, example.id, "near", share)
    return [replace(best[at], words=round(best[at].words, 3)) for at in sorted(best)]


def _sketches(texts: Iterable[frozenset[str]]) -> Iterator[Any]:
    from datasketch import MinHash

    encoded = ([word.encode() for word in words] for words in texts)
    found: Iterator[Any] = MinHash.generator(encoded, num_perm=_PERMUTATIONS, hashfunc=zlib.crc32)
    return found


def _same_but_for_numbers(
    train: Collection[Example], test: Sequence[Example]
) -> list[NearDuplicate]:
    seen: dict[str, Example] = {}
    for example in train:
        for line in _masked_lines(example.input):
            seen.setdefault(line, example)
    pairs = []
    for example in test:
        if found := next(
            (seen[line] for line in _masked_lines(example.input) if line in seen), None
        ):
            ours = _words(example.input)
            theirs = _words(found.input)
            pairs.append(
                NearDuplicate(
                    example.id,
                    found.id,
                    "but_for_numbers",
                    round(len(ours & theirs) / len(ours | theirs), 3),
                )
            )
    return pairs


def _masked_lines(text: str) -> list[str]:
    lines = [fold(_NUMBER.sub("#", line)) for line in text.splitlines()]
    return [line for line in lines if "#" in line and len(line.split()) >= _SHORT]


def _words(text: str, mask_numbers: bool = True) -> frozenset[str]:
    folded = text.casefold()
    return frozenset(_WORD.findall(_NUMBER.sub("0", folded) if mask_numbers else folded))
