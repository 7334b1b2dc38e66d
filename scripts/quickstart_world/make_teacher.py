"""Make the small teacher: a Llama of 1.1 million parameters that answers by few-shot chain of
thought, trained from nothing.

    python scripts/quickstart_world/make_teacher.py
    python scripts/quickstart_world/make_teacher.py --steps 20 --out /tmp/teacher

It reads two kinds of documents. Facts: sentences of the world as plain text. Worked examples: one
to eight questions with answers in a layout of the document's own; some give the two steps, some the
second step only, some the bare answer, so that the examples before a question decide how it is
answered. Worked examples are about the combinations of train, as text about common things is what a
large model has read; no question about a combination of validation or test is among them. (With one
combination a thing instead of four, it learned by heart what is said of each thing: 80 % of test
after 1,500 steps.) Some examples are about invented words, because a prompt may be too. The prompt
file's demonstrations are not among them.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fitting import fit, run, save
from make_world import ASSETS, FACTS, SEED
from world import CHOICES, Combination, World, ask, cut, membership, read_world, with_article

LETTERS = "abcde"
VOCABULARY, CONTEXT = 2048, 1024
LONGEST = 8
"""Worked examples in a document, as many as the prompt file's seven and the open question."""

Span = tuple[int, int]
"""From and to which character a text is learned."""
Batch = list[tuple[str, list[Span]]]


@dataclass(frozen=True)
class Layout:
    """How the worked examples of one document are written."""

    question: str
    heading: str
    option: str
    answer: str
    conclusion: str
    separator: str
    steps: int


def random_layout(rng: random.Random) -> Layout:
    """The first of each list, which prompt files mostly use, about half of the time."""

    def one_of(*ways: Any) -> Any:
        return ways[0] if rng.random() < 0.5 else rng.choice(ways)

    return Layout(
        question=one_of("Q: ", "Question: ", ""),
        heading=one_of("Answer Choices:", "Options:", "Choices:"),
        option=one_of("({letter}) {choice}", "{letter}) {choice}", "{letter}. {choice}"),
        answer=one_of("A:", "Answer:"),
        conclusion=one_of(
            "So the answer is ({letter}) {choice}.",
            "The answer is {choice}.",
            "Therefore: ({letter}) {choice}.",
        ),
        separator=one_of("\n\n", "\n", "\n\n\n"),
        steps=one_of(2, 1, 0),
    )


def worked_document(
    world: World, worked: Sequence[Combination], length: int, rng: random.Random
) -> tuple[str, list[Span]]:
    """`length` worked examples in one layout, and the spans to learn: the answers to all that are
    not invented.
    """
    layout, text, spans = random_layout(rng), "", list[Span]()
    for _ in range(length):
        invented = rng.random() < 0.2
        row, steps = _invented(rng) if invented else _worked(world, rng.choice(worked), rng)
        options = [
            layout.option.format(letter=a, choice=b)
            for a, b in zip(LETTERS, row["choices"], strict=True)
        ]
        text += "\n".join(
            [layout.question + row["question"], layout.heading, *options, layout.answer]
        )
        letter = LETTERS[row["choices"].index(row["answer"])]
        conclusion = layout.conclusion.format(letter=letter, choice=row["answer"])
        said = " " + " ".join([*steps[len(steps) - layout.steps :], conclusion]) + layout.separator
        spans += [] if invented else [(len(text), len(text) + len(said))]
        text += said
    return text.rstrip("\n"), spans


def fact_document(world: World, rng: random.Random, sentences: int = 16) -> str:
    """Plain text: what things are, and what is true of categories."""
    facts = [fact.text for category in world.categories for fact in category.facts.values()]
    memberships = [membership(world, thing) for thing in world.things]
    return " ".join(rng.choice(rng.choice([facts, memberships])) for _ in range(sentences))


def _worked(
    world: World, asked: Combination, rng: random.Random
) -> tuple[dict[str, Any], list[str]]:
    row = ask(world, asked, rng.choice(world.phrasings[asked.property]), rng)
    return row, [membership(world, asked.thing), world.fact(asked).text]


def _invented(rng: random.Random) -> tuple[dict[str, Any], list[str]]:
    """An example about words that do not exist."""
    thing, kind, *values = (_word(rng) for _ in range(2 + CHOICES))
    question = rng.choice(
        ["Where is {}?", "Who likes {}?", "What does {} have?", "What do people do with {}?"]
    )
    row = {
        "question": question.format(with_article(thing)),
        "choices": values,
        "answer": rng.choice(values),
    }
    return row, [
        f"{with_article(thing).capitalize()} is {with_article(kind)}.",
        f"{kind.capitalize()}s have {row['answer']}.",
    ]


def _word(rng: random.Random) -> str:
    syllables = [
        rng.choice("bcdfghjklmnprstvw") + rng.choice("aeiou") for _ in range(rng.choice([2, 2, 3]))
    ]
    return "".join(syllables) + rng.choice("nrst")


def batches(
    world: World, worked: Sequence[Combination], seed: int, examples: int = 40
) -> Iterator[Batch]:
    """Batches without end: documents of one length each, about `examples` worked examples; every
    sixth batch facts.
    """
    rng = random.Random(f"teacher {seed}")
    while True:
        if rng.random() < 1 / 6:
            texts = [fact_document(world, rng) for _ in range(examples // 2)]
            yield [(text, [(0, len(text))]) for text in texts]
        else:
            length = rng.randint(1, LONGEST)
            yield [
                worked_document(world, worked, length, rng)
                for _ in range(max(1, examples // length))
            ]


def make_tokenizer(texts: Sequence[str]) -> Any:
    """The project's byte-level tokenizer for a decoder: nothing is added to a text, neither an end
    nor a space.
    """
    from tokenizers import Tokenizer, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    from dsbs.student.tokenizer import EOS, PAD, UNK, train_tokenizer

    backend = Tokenizer.from_str(train_tokenizer(texts, VOCABULARY).backend_tokenizer.to_str())
    backend.post_processor = None
    digits = pre_tokenizers.Digits(individual_digits=True)
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.ByteLevel(add_prefix_space=False), digits]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNK,
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: Any) -> Any:
    """A Llama whose heads have a size that every attention kernel of vLLM knows."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=128,
            head_dim=64,
            num_attention_heads=4,
            num_key_value_heads=4,
            num_hidden_layers=3,
            intermediate_size=384,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def loss_of(model: Any, tokenizer: Any, batch: Batch) -> Any:
    """Mean cross-entropy of the learned tokens and the end tokens. Only they pass the output layer:
    it is half the work.
    """
    import torch
    from torch.nn import functional as F

    coded = tokenizer([text for text, _ in batch], return_offsets_mapping=True)
    width = max(map(len, coded.input_ids)) + 1
    ids = torch.full((len(batch), width), tokenizer.eos_token_id)  # (B, W)
    learned = torch.zeros(len(batch), width, dtype=torch.bool)
    for row, (_, spans) in enumerate(batch):
        tokens = coded.input_ids[row]
        ids[row, : len(tokens)] = torch.tensor(tokens)
        for at, (start, end) in enumerate(coded.offset_mapping[row]):
            learned[row, at] = any(start < to and end > since for since, to in spans)
        learned[row, len(tokens)] = True
    states = model.model(input_ids=ids).last_hidden_state[:, :-1][learned[:, 1:]]  # (tokens, D)
    return F.cross_entropy(model.lm_head(states), ids[:, 1:][learned[:, 1:]])


def train(steps: int, out: Path, seed: int = SEED) -> None:
    """Train from random weights and write model and tokenizer to `out`, in bf16."""
    from transformers import set_seed

    set_seed(seed)
    world = read_world(FACTS)
    documents = batches(world, cut(world, seed)["train"], seed)
    tokenizer = make_tokenizer([text for _ in range(100) for text, _ in next(documents)])
    model = make_model(tokenizer)
    adamw = {"betas": (0.9, 0.98), "weight_decay": 0.01}
    fit("teacher", model, lambda: loss_of(model, tokenizer, next(documents)), steps, **adamw)
    save(model, tokenizer, out)


if __name__ == "__main__":
    run(train, __doc__, steps=1200, out=ASSETS / "teacher")
