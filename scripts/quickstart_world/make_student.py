"""Make the starting weights of the small student: a T5 of 0.6 million parameters that has read
plain text.

    python scripts/quickstart_world/make_student.py
    python scripts/quickstart_world/make_student.py --steps 20 --out /tmp/student

A real student starts from weights that know words and sentences; this is the small stand-in. The
text teaches the words of the world, the ways to ask, what is true of whole categories, and to
choose from a list. It contains no answers: no document names a thing together with a category or a
value, so what a thing is, and what is true of it, is left to training. Learned by span corruption,
as T5.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from fitting import fit, run, save
from make_world import ASSETS, FACTS, SEED
from world import CHOICES, World, read_world, with_article

NAMES = ("Tom", "Anna", "Maria", "Paul", "Lena", "Ben")
SENTINELS = tuple(f"<extra_id_{n}>" for n in range(10))
"""What stands for a span that was taken out, as in T5."""
VOCABULARY, TEXTS, BATCH = 2048, 40_000, 32
SHRUNK = 0.125
"""What the vectors of the things are multiplied by at the end. The text tells no thing from
another, so they are about what
they were at random, as long as all others. Measured on a development seed: 58 % instead of 29 % of
validation after 600 steps of ordinary training on 1,280 questions."""


def documents(world: World, seed: int) -> Iterator[str]:
    """Plain text without end, a document of one or two sentences at a time."""
    rng = random.Random(f"student {seed}")
    while True:
        yield rng.choice(
            [about_things, about_values, about_values, about_values, question, category_facts]
        )(world, rng)


def about_things(world: World, rng: random.Random) -> str:
    """Things of any categories, one of them named again."""
    first, second = rng.sample(NAMES, 2)
    named = [with_article(thing) for thing in rng.sample(list(world.things), 3)]
    return f"{first} talked about {named[0]}, {named[1]} and {named[2]}. {second} only remembers {rng.choice(named)}."


def about_values(world: World, rng: random.Random) -> str:
    """A way to ask, without a thing, and a list of values; one is true of its category, or left
    when the rest is struck out.
    """
    key = rng.choice(list(world.phrasings))
    asked = rng.choice(world.phrasings[key]).format(thing="it")
    facts = [category.facts[key] for category in rng.sample(world.categories, CHOICES)]
    chosen, *others = rng.sample(facts, CHOICES)
    struck = ", ".join(fact.value for fact in others)
    said = rng.choice([chosen.text, f"{rng.choice(NAMES)} says not {struck}, but {chosen.value}."])
    return " | ".join([asked, *(fact.value for fact in facts)]) + ". " + said


def question(world: World, rng: random.Random) -> str:
    """A question about a thing that nobody answers."""
    asked = rng.choice(world.phrasings[rng.choice(list(world.phrasings))])
    return f"{rng.choice(NAMES)} asks: {asked.format(thing=with_article(rng.choice(list(world.things))))}"


def category_facts(world: World, rng: random.Random) -> str:
    """What is true of whole categories."""
    return " ".join(
        rng.choice(list(rng.choice(world.categories).facts.values())).text for _ in range(2)
    )


def corrupt(
    ids: Sequence[int], sentinels: Sequence[int], rng: random.Random, share: float = 0.25
) -> tuple[list[int], list[int]]:
    """Span corruption: about `share` of the ids, in spans of one to five, stand behind their
    sentinels in the target.

    The text is divided into as many parts as there are spans, one to a part. Returns (input,
    target) without end tokens.
    """
    spans = max(1, min(len(sentinels), round(share * len(ids) / 3)))
    bounds = [number * len(ids) // spans for number in range(spans + 1)]
    source, target, last = list[int](), list[int](), 0
    for sentinel, (start, end) in zip(sentinels, pairwise(bounds), strict=False):
        length = min(rng.randint(1, 5), end - start)
        at = rng.randint(start, end - length)
        source += [*ids[last:at], sentinel]
        target += [sentinel, *ids[at : at + length]]
        last = at + length
    return [*source, *ids[last:]], target


def make_tokenizer(world: World, texts: Sequence[str]) -> Any:
    """The tokenizer of the built-in students, trained on the text and the names of the categories,
    with the sentinels.
    """
    from dsbs.config.student_options import StudentOptions
    from dsbs.student.tokenizer import train_tokenizer

    prefixes = StudentOptions.model_fields["prefixes"].default
    names = [f"is {with_article(category.name)}." for category in world.categories]
    tokenizer = train_tokenizer([*texts, *(names + list(prefixes)) * 20], VOCABULARY)
    tokenizer.add_tokens(list(SENTINELS), special_tokens=True)
    return tokenizer


def make_model(tokenizer: Any) -> Any:
    """A T5 with the feed-forward layers of the first T5, which are faster than gated ones on a CPU."""
    from transformers import T5Config, T5ForConditionalGeneration

    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(tokenizer),
            d_model=96,
            d_kv=24,
            d_ff=256,
            num_layers=2,
            num_decoder_layers=2,
            num_heads=4,
            feed_forward_proj="relu",
            dropout_rate=0.0,
            relative_attention_max_distance=64,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            decoder_start_token_id=tokenizer.pad_token_id,
        )
    )


def shrink(model: Any, tokenizer: Any, words: Sequence[str]) -> None:
    """Make the vectors of words of one token shorter, in place."""
    import torch

    ids = [
        identity
        for word in words
        for identity in tokenizer(f" {word}", add_special_tokens=False).input_ids
    ]
    with torch.no_grad():
        model.get_input_embeddings().weight[ids] *= SHRUNK


def loss_of(model: Any, tokenizer: Any, batch: Sequence[Sequence[int]], rng: random.Random) -> Any:
    """Mean cross-entropy of the spans that were taken out of a batch of texts."""
    from dsbs.student.padding import IGNORED, pad_rows

    sentinels = tokenizer.convert_tokens_to_ids(list(SENTINELS))
    corrupted = [corrupt(ids, sentinels, rng) for ids in batch]
    end = tokenizer.eos_token_id
    inputs = pad_rows([[*source, end] for source, _ in corrupted], tokenizer.pad_token_id)
    labels = pad_rows([[*target, end] for _, target in corrupted], IGNORED)
    return model(
        input_ids=inputs, attention_mask=inputs.ne(tokenizer.pad_token_id).long(), labels=labels
    ).loss


def train(steps: int, out: Path, seed: int = SEED) -> None:
    """Pre-train from random weights and write model and tokenizer to `out`, in bf16."""
    from transformers import set_seed

    set_seed(seed)
    world, rng = read_world(FACTS), random.Random(f"batches {seed}")
    texts = list(islice(documents(world, seed), TEXTS))
    tokenizer = make_tokenizer(world, texts)
    coded = tokenizer(texts, add_special_tokens=False).input_ids
    model = make_model(tokenizer)
    fit(
        "student",
        model,
        lambda: loss_of(model, tokenizer, rng.sample(coded, BATCH), rng),
        steps,
        weight_decay=0.0,
    )
    shrink(model, tokenizer, list(world.things))
    save(model, tokenizer, out)


if __name__ == "__main__":
    run(train, __doc__, steps=1500, out=ASSETS / "student")
