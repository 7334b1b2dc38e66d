"""The small world that travels with dsbs: its data, its prompt, its teacher, its student's starting
weights.
"""

import json
import random
import re
import sys
from itertools import islice
from typing import Any

import pytest

from dsbs.config.presets import PACKAGED, preset_of
from dsbs.core.files import packaged
from dsbs.core.records import Answer, Completion, Example
from dsbs.data.load import load_data
from dsbs.tasks.parsing import correct, parse_answer
from dsbs.tasks.prompts import demonstrations, load_task, prompt_prefix, render_prompt
from support.places import ROOT

HERE = ROOT / "dsbs" / "assets" / "quickstart"
SCRIPTS = ROOT / "scripts" / "quickstart_world"
sys.path.insert(0, str(SCRIPTS))

from make_student import SENTINELS, SHRUNK, corrupt, documents, shrink  # noqa: E402
from make_teacher import batches  # noqa: E402
from make_world import SEED, data_files  # noqa: E402
from world import PROPERTIES, Combination, World, cut, explain, read_world, with_article  # noqa: E402

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def world() -> World:
    return read_world(SCRIPTS / "facts.yaml")


@pytest.fixture(scope="module")
def rows() -> dict[str, list[dict[str, Any]]]:
    files = {split: HERE / "data" / f"{split}.jsonl" for split in SPLITS}
    return {
        split: [json.loads(line) for line in path.read_text().splitlines()]
        for split, path in files.items()
    }


def asked(row: dict[str, Any]) -> Combination:
    """What a question is about, by its id."""
    thing, key, _ = row["id"].rsplit("-", 2)
    return Combination(thing, key)


def said_whole(text: str, words: str) -> bool:
    return re.search(rf"\b{re.escape(words)}\b", text, re.IGNORECASE) is not None


def test_the_generator_makes_the_shipped_data_byte_for_byte() -> None:
    for split, text in data_files().items():
        assert (HERE / "data" / f"{split}.jsonl").read_bytes() == text.encode()


def test_another_seed_makes_other_data(world: World) -> None:
    assert data_files(SEED + 1) != data_files(SEED)
    assert cut(world, SEED + 1) != cut(world, SEED) == cut(world, SEED)


def test_the_world_has_the_size_that_is_documented(
    world: World, rows: dict[str, list[dict[str, Any]]]
) -> None:
    assert (len(world.categories), len(world.things), len(PROPERTIES)) == (16, 240, 6)
    assert {split: len(found) for split, found in rows.items()} == {
        "train": 3840,
        "validation": 384,
        "test": 1152,
    }


def test_values_of_a_property_differ_and_exceptions_name_values_that_exist(world: World) -> None:
    for key in PROPERTIES:
        values = [category.facts[key].value for category in world.categories]
        assert len(set(values)) == len(values)
        for category in world.categories:
            assert set(category.also.get(key, ())) <= set(values) - {category.facts[key].value}


def test_parts_share_no_combination_and_together_are_the_world(world: World) -> None:
    parts = cut(world, SEED)
    everything = [combination for part in parts.values() for combination in part]
    assert sorted(everything) == sorted(
        Combination(thing, key) for thing in world.things for key in PROPERTIES
    )
    assert set(parts) == set(SPLITS)


def test_each_split_asks_its_own_combinations_only(
    world: World, rows: dict[str, list[dict[str, Any]]]
) -> None:
    parts = cut(world, SEED)
    for split in SPLITS:
        assert {asked(row) for row in rows[split]} == set(parts[split])


def test_test_questions_are_about_things_and_facts_that_training_has_in_other_pairs(
    world: World, rows: dict[str, list[dict[str, Any]]]
) -> None:
    trained = {asked(row) for row in rows["train"]}
    things = {combination.thing for combination in trained}
    facts = {world.fact(combination) for combination in trained}
    for row in rows["test"]:
        assert asked(row).thing in things
        assert world.fact(asked(row)) in facts


def test_every_answer_follows_from_the_facts_and_no_other_choice_does(
    world: World, rows: dict[str, list[dict[str, Any]]]
) -> None:
    for row in [row for split in SPLITS for row in rows[split]]:
        own = world.things[asked(row).thing]
        key = asked(row).property
        assert said_whole(row["question"], asked(row).thing)
        assert row["answer"] == own.facts[key].value
        assert explain(world, asked(row)).endswith(own.facts[key].text)
        assert len(set(row["choices"])) == 5
        right = {own.facts[key].value, *own.also.get(key, ())}
        assert [choice for choice in row["choices"] if choice in right] == [row["answer"]]
        assert set(row["choices"]) <= {category.facts[key].value for category in world.categories}


def test_no_question_stands_twice(rows: dict[str, list[dict[str, Any]]]) -> None:
    questions = [
        (row["question"], tuple(sorted(row["choices"]))) for split in SPLITS for row in rows[split]
    ]
    assert len(set(questions)) == len(questions)
    assert (
        len({row["question"] for row in rows["train"]} & {row["question"] for row in rows["test"]})
        == 0
    )


def test_the_task_finds_its_data_without_being_told(rows: dict[str, list[dict[str, Any]]]) -> None:
    splits = load_data(load_task("quickstart"), None).splits
    assert {split: [e.id for e in splits[split]] for split in SPLITS} == {
        s: [r["id"] for r in rows[s]] for s in SPLITS
    }
    assert all(e.gold in e.choices for examples in splits.values() for e in examples)


def test_demonstrations_are_about_nothing_in_the_data(
    world: World, rows: dict[str, list[dict[str, Any]]]
) -> None:
    questions = {row["question"] for split in SPLITS for row in rows[split]}
    values = {fact.value for category in world.categories for fact in category.facts.values()}
    shown = demonstrations(load_task("quickstart"))
    assert len(shown) >= 7
    for example, rationale, label in shown:
        assert example.fields["question"] not in questions
        assert label not in values
        for thing in world.things:
            assert not said_whole(f"{example.fields['question']} {rationale}", thing)


def test_the_teacher_saw_no_worked_example_about_a_combination_of_validation_or_test(
    world: World, rows: dict[str, list[dict[str, Any]]]
) -> None:
    trained = cut(world, SEED)["train"]
    ways = [(key, way) for key, ways in world.phrasings.items() for way in ways]
    asked_of = {
        way.format(thing=with_article(thing)): Combination(thing, key)
        for key, way in ways
        for thing in world.things
    }
    held_out = {row["question"] for split in ("validation", "test") for row in rows[split]}
    assert held_out <= set(asked_of)
    seen: set[Combination] = set()
    for batch in islice(batches(world, trained, SEED), 60):
        for text, _ in batch:
            asked_in = {
                line.removeprefix("Q: ").removeprefix("Question: ") for line in text.splitlines()
            }
            assert not asked_in & held_out
            seen |= {asked_of[question] for question in asked_in & set(asked_of)}
    assert seen
    assert seen <= set(trained)


def test_the_students_text_names_no_thing_together_with_a_category_or_a_value(world: World) -> None:
    """So it holds no answer, of test or of any other part."""
    things = re.compile(r"\b(" + "|".join(world.things) + r")\b", re.IGNORECASE)
    named = [c.name for c in world.categories] + [
        f.value for c in world.categories for f in c.facts.values()
    ]
    facts = re.compile(r"\b(" + "|".join(map(re.escape, named)) + r")s?\b", re.IGNORECASE)
    texts = list(islice(documents(world, SEED), 5000))
    assert sum(bool(things.search(text)) for text in texts) > 500
    assert sum(bool(facts.search(text)) for text in texts) > 500
    # A value may hold the word of a thing ("visit from a bee"): it is taken out first.
    assert not [text for text in texts if facts.search(text) and things.search(facts.sub("", text))]


def test_a_corrupted_text_can_be_put_together_again() -> None:
    rng, sentinels = random.Random(0), list(range(1000, 1000 + len(SENTINELS)))
    for length in range(1, 60):
        ids = [rng.randrange(1000) for _ in range(length)]
        source, target = corrupt(ids, sentinels, rng)
        spans: dict[int, list[int]] = {}
        for token in target:
            if token >= 1000:
                spans[token] = []
            else:
                spans[list(spans)[-1]].append(token)
        assert [t for token in source for t in spans.get(token, [token])] == ids
        assert list(spans) == [token for token in source if token >= 1000]


def test_all_weights_are_small_and_plain() -> None:
    files = [path for name in ("teacher", "student") for path in (HERE / name).iterdir()]
    assert sum(path.stat().st_size for path in files if path.suffix == ".safetensors") < 10e6
    assert {path.suffix for path in files} == {".json", ".safetensors"}


def test_the_student_starts_from_the_packaged_folder(rows: dict[str, list[dict[str, Any]]]) -> None:
    pytest.importorskip("torch")
    from dsbs.student.model import build_model, load_config, load_tokenizer

    assert packaged(PACKAGED["quickstart"]) == HERE / "student"
    tokenizer = load_tokenizer("quickstart", lambda: [])
    texts = {
        text
        for split in SPLITS
        for row in rows[split]
        for text in [*row["choices"], row["question"]]
    }
    texts |= {"It costs 1,024.50", "Grüße, 猫"}
    for text in texts:
        assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True).strip() == text
    model = build_model("quickstart", load_config("quickstart", tokenizer), seed=0)
    assert 0.5e6 < model.num_parameters() < 1.5e6
    assert model.config.vocab_size == len(tokenizer)
    longest = max(
        len(tokenizer(e.input).input_ids)
        for e in load_data(load_task("quickstart"), None).splits["train"]
    )
    assert longest + 8 < preset_of("quickstart").max_input_tokens


def test_the_vectors_of_the_things_and_no_others_start_short(world: World) -> None:
    torch = pytest.importorskip("torch")
    from dsbs.student.model import build_model, load_config, load_tokenizer

    tokenizer = load_tokenizer("quickstart", lambda: [])
    model = build_model("quickstart", load_config("quickstart", tokenizer), seed=0)
    ids = torch.tensor(
        [tokenizer(f" {thing}", add_special_tokens=False).input_ids for thing in world.things]
    ).squeeze(1)
    others = torch.ones(len(tokenizer), dtype=torch.bool).index_fill(0, ids, False)
    before = model.get_input_embeddings().weight.detach().clone()
    assert before[ids].std() < 0.2 < 0.8 < before[others].std()
    shrink(model, tokenizer, list(world.things))
    after = model.get_input_embeddings().weight
    assert torch.equal(after[ids], before[ids] * SHRUNK)
    assert torch.equal(after[others], before[others])


def test_the_teacher_answers_held_out_questions_by_few_shot_chain_of_thought() -> None:
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    task = load_task("quickstart")
    examples = list(load_data(task, None).splits["test"])[:160]
    tokenizer = AutoTokenizer.from_pretrained(HERE / "teacher", padding_side="left")
    model = AutoModelForCausalLM.from_pretrained(HERE / "teacher", dtype=torch.float32).eval()
    prefix = prompt_prefix(task)
    prompts = [render_prompt(task, example, prefix) for example in examples]
    longest = max(len(tokenizer(prompt).input_ids) for prompt in prompts)
    assert longest + 64 <= model.config.max_position_embeddings
    texts = []
    for at in range(0, len(prompts), 32):
        inputs = tokenizer(prompts[at : at + 32], return_tensors="pt", padding=True)
        with torch.inference_mode():
            out = model.generate(**inputs, max_new_tokens=64, do_sample=False)
        texts += tokenizer.batch_decode(
            out[:, inputs.input_ids.shape[1] :], skip_special_tokens=True
        )
    answers = [_read(task, example, text) for example, text in zip(examples, texts, strict=True)]
    right = [
        correct(task, example, answer) for example, answer in zip(examples, answers, strict=True)
    ]
    assert sum(right) >= 0.9 * len(right)
    # About one answer in twelve is the bare label, as of real teachers; a student has no rationale
    # to learn there.
    assert sum(answer.outcome == "ok" for answer in answers) >= 0.8 * len(answers)


def _read(task: Any, example: Example, text: str) -> Answer:
    """What a completion, cut at the first stop string, is read as."""
    ends = [at for stop in task.prompt.stop if (at := text.find(stop)) >= 0]
    return parse_answer(task, example, Completion(example.id, text[: min(ends)] if ends else text))
