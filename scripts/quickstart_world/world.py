"""The small world as a value, and what follows from it: how it is cut, asked about and explained.
Pure functions.

A combination is a thing and a property, as (trout, place). Everything is kept apart by combination:
what teacher and student train on, and what validation and test ask.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

PROPERTIES = ("place", "person", "part", "need", "harm", "deed")
CHOICES = 5


class Fact(NamedTuple):
    """What is true of a whole category: a value, and the sentence that says it."""

    value: str
    text: str


@dataclass(frozen=True)
class Category:
    """Things of one kind. `also` holds, by property, values of other categories that would be right
    here too.
    """

    name: str
    things: tuple[str, ...]
    facts: Mapping[str, Fact]
    also: Mapping[str, tuple[str, ...]]


class Combination(NamedTuple):
    """What one question is about."""

    thing: str
    property: str


@dataclass(frozen=True)
class World:
    """All categories by the name of their things, and the ways to ask for each property."""

    categories: tuple[Category, ...]
    phrasings: Mapping[str, tuple[str, ...]]

    @property
    def things(self) -> dict[str, Category]:
        """The category of every thing."""
        return {thing: category for category in self.categories for thing in category.things}

    def fact(self, asked: Combination) -> Fact:
        """The fact that answers a combination."""
        return self.things[asked.thing].facts[asked.property]

    def wrong_values(self, asked: Combination) -> list[str]:
        """Values of the same property that are no fair answer to a combination."""
        own = self.things[asked.thing]
        others = [
            category.facts[asked.property].value
            for category in self.categories
            if category is not own
        ]
        return [value for value in others if value not in own.also.get(asked.property, ())]


def read_world(path: Path) -> World:
    """The world of a facts file."""
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    categories = [_category(name, entry) for name, entry in loaded["categories"].items()]
    return World(
        tuple(categories), {name: tuple(ways) for name, ways in loaded["phrasings"].items()}
    )


def _category(name: str, entry: Mapping[str, Any]) -> Category:
    facts = {key: Fact(entry[key]["value"], entry[key]["fact"]) for key in PROPERTIES}
    also = {key: tuple(values) for key, values in entry.get("also", {}).items()}
    return Category(name, tuple(entry["things"]), facts, also)


def with_article(noun: str) -> str:
    """
    >>> with_article("oak")
    'an oak'
    """
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def membership(world: World, thing: str) -> str:
    """The first step of a rationale: "A trout is a fish." """
    return f"{with_article(thing).capitalize()} is {with_article(world.things[thing].name)}."


def explain(world: World, asked: Combination) -> str:
    """The two steps from a thing to the answer: "A trout is a fish. Fish live in a river." """
    return f"{membership(world, asked.thing)} {world.fact(asked).text}"


def cut(world: World, seed: int) -> dict[str, list[Combination]]:
    """Every combination in exactly one part: of a thing's six properties four are `train`, and two
    are held out; a fifth of
    those is `validation` and the rest `test`. Train has one combination of every thing before a
    second of any.
    """
    rng = random.Random(f"cut {seed}")
    orders = [
        [Combination(thing, key) for key in rng.sample(PROPERTIES, len(PROPERTIES))]
        for thing in world.things
    ]
    train = [order[0] for order in orders] + [
        combination for order in orders for combination in order[1:4]
    ]
    held_out = [combination for order in orders for combination in order[4:]]
    rng.shuffle(held_out)
    size = len(held_out) // 5
    return {"train": train, "validation": held_out[:size], "test": held_out[size:]}


def ask(world: World, asked: Combination, phrasing: str, rng: random.Random) -> dict[str, Any]:
    """A five-choice question: `question`, `choices` in random order, `answer`."""
    answer = world.fact(asked).value
    choices = [answer, *rng.sample(world.wrong_values(asked), CHOICES - 1)]
    rng.shuffle(choices)
    return {
        "question": phrasing.format(thing=with_article(asked.thing)),
        "choices": choices,
        "answer": answer,
    }


def questions(
    world: World, combinations: Sequence[Combination], each: int, seed: str
) -> list[dict[str, Any]]:
    """`each` questions a combination, every one phrased in another way, in random order; the id
    says what is asked.
    """
    rng = random.Random(f"questions {seed}")
    rows = []
    for asked in combinations:
        ways = rng.sample(world.phrasings[asked.property], each)
        rows += [
            {"id": f"{asked.thing}-{asked.property}-{n}", **ask(world, asked, way, rng)}
            for n, way in enumerate(ways)
        ]
    rng.shuffle(rows)
    return rows
