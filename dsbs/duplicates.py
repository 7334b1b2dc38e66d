"""Test inputs that training has nearly seen: the same words, or the same text with other numbers."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from dsbs.config import Duplicates
from dsbs.labels import fold
from dsbs.records import Example
from dsbs.tables import percent

ALIKE = 0.8
"""Near-duplicates share this much of their words (Jaccard)."""
MOST_ROWS = 50_000
"""Beyond so many rows the search takes more than some seconds and has to be asked for."""

_MOST_PAIRS = 1000
_SHORT = 5
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = re.compile(r"\w+")


class Pair(NamedTuple):
    """A test input and a training input that is nearly the same; `words` is the share of words that they have in common."""

    test: str
    train: str
    how: Literal["near", "but_for_numbers"]
    words: float


def find_duplicates(train: Sequence[Example], test: Sequence[Example], wanted: Duplicates = "always") -> dict[str, Any] | None:
    """Test inputs that training has nearly seen: `near`, `but_for_numbers` (how many test inputs), and the `pairs`.

    None where there is nothing to compare or it is not `wanted`: `auto` leaves out searches of more than `MOST_ROWS` rows.

    `near`: at least `ALIKE` of all words in common, numbers masked. `but_for_numbers`: a whole line of five words or more that
    holds a number stands in a training input as well, with other numbers or the same.
    """
    large = wanted == "auto" and len(train) + len(test) > MOST_ROWS
    if not train or not test or wanted == "never" or large:
        return None
    numbers = _same_but_for_numbers(train, test)
    near = _near(train, test)
    pairs = [*numbers, *near]
    return {
        "train_rows": len(train),
        "test_rows": len(test),
        "near": len(near),
        "but_for_numbers": len(numbers),
        "pairs": [pair._asdict() for pair in pairs[:_MOST_PAIRS]],
    }


def describe(found: Mapping[str, Any] | None) -> list[str]:
    """What the search found, a line for people each; [] for nothing."""
    if found is None:
        return []
    lines = []
    if found["near"]:
        lines.append(
            f"{found['near']:,} test inputs share {percent(ALIKE)} or more of their words with a training input, numbers aside"
        )
    if found["but_for_numbers"]:
        count, rows = found["but_for_numbers"], found["test_rows"]
        lines.append(f"{count:,} of {rows:,} test inputs repeat a line of a training input but for its numbers")
    if found["pairs"]:
        pair = found["pairs"][0]
        lines.append(f"  for example {pair['test']} and {pair['train']}")
    return lines


def _near(train: Iterable[Example], test: Iterable[Example]) -> list[Pair]:
    """The nearest training input of every test input that has one, the first of equals.

    Two inputs that are near have a word in common among the first few of each, in whatever order all words stand: no more
    can differ. So only inputs that meet in a rare word are compared (prefix filter, Bayardo et al. 2007), and none is missed.
    """
    asked = [(example.id, _words(example.input)) for example in test]
    rank = {word: at for at, (word, _) in enumerate(Counter(w for _, words in asked for w in words).most_common()[::-1])}
    index: defaultdict[str, list[int]] = defaultdict(list)
    for at, (_, words) in enumerate(asked):
        for word in _prefix(words, rank):
            index[word].append(at)
    best: dict[int, Pair] = {}
    for example in train:
        words = _words(example.input)
        for at in {at for word in _prefix(words, rank) for at in index.get(word, ())}:
            share = len(words & asked[at][1]) / len(words | asked[at][1])
            if share >= ALIKE and (at not in best or share > best[at].words):
                best[at] = Pair(asked[at][0], example.id, "near", share)
    return [best[at]._replace(words=round(best[at].words, 3)) for at in sorted(best)]


def _prefix(words: frozenset[str], rank: Mapping[str, int]) -> list[str]:
    """The words of the prefix filter that stand in any test input: words without a rank, which do in none, come first."""
    ranked = [word for word in words if word in rank]
    most_that_differ = len(words) - math.ceil(ALIKE * len(words) - 1e-9)
    return sorted(ranked, key=rank.__getitem__)[: max(0, most_that_differ + 1 - len(words) + len(ranked))]


def _same_but_for_numbers(train: Iterable[Example], test: Iterable[Example]) -> list[Pair]:
    asked = [(example, _masked_lines(example.input)) for example in test]
    wanted, seen = {line for _, lines in asked for line in lines}, dict[str, Example]()
    for example in train:
        for line in _masked_lines(example.input):
            if line in wanted:
                seen.setdefault(line, example)
    pairs = []
    for example, lines in asked:
        if found := next((seen[line] for line in lines if line in seen), None):
            ours, theirs = _words(example.input), _words(found.input)
            pairs.append(Pair(example.id, found.id, "but_for_numbers", round(len(ours & theirs) / len(ours | theirs), 3)))
    return pairs


def _masked_lines(text: str) -> list[str]:
    lines = [fold(_NUMBER.sub("#", line)) for line in text.splitlines()]
    return [line for line in lines if "#" in line and len(line.split()) >= _SHORT]


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(_NUMBER.sub("0", text.casefold())))
