"""A training before a weight is loaded: its rows, tokens, steps and FLOPs."""

from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from dsbs.artifacts.results.train import LostCharacters, Totals
from dsbs.config.recipe import Training
from dsbs.config.recipe_options import TaskPrefix
from dsbs.core.records import LABEL, RATIONALE, Example
from dsbs.distillation.labeled_data import TrainingData, tokenizer_texts
from dsbs.distillation.methods import read_output
from dsbs.distillation.training_set import TrainingRows, training_rows
from dsbs.student.encoding import Encoded, word_shortener
from dsbs.student.families import family_of
from dsbs.student.family import Family
from dsbs.student.model import load_config, load_tokenizer
from dsbs.student.score_norms import check_norm
from dsbs.training.batching import StepSampler
from dsbs.training.costs import ExampleCosts
from dsbs.training.soft_teacher import check_soft_teacher
from dsbs.training.tokenizer_check import Writing, check_labels, lost_characters


@dataclass(frozen=True)
class PreparedTraining:
    """Everything about a training but the weights."""

    training: Training
    rows: TrainingRows
    tokenizer: PreTrainedTokenizerBase
    architecture: PreTrainedConfig
    task_prefix: TaskPrefix
    """What reads the task's prefix."""
    encoded: Encoded
    lost_characters: dict[str, LostCharacters]
    """What the tokenizer cannot write; see `tokenizer_check.lost_characters`."""

    @property
    def family(self) -> Family:
        """The student's."""
        return family_of(self.architecture)

    def sampler(self, rank: int = 0, ranks: int = 1) -> StepSampler:
        """The examples of every step, for one process."""
        return StepSampler(
            len(self.encoded.examples),
            batch_size=self.training.optimization.batch_size,
            steps=self.training.optimization.max_steps,
            seed=self.training.seed,
            rank=rank,
            ranks=ranks,
        )

    @property
    def max_label_tokens(self) -> int:
        """Most tokens of a generated label: more than in training, fewer than rationales have."""
        labels = sorted(_learned_labels(self.rows, self.training))
        codec = self.family.codec(self.tokenizer, self.architecture)
        longest = max(map(len, codec.targets(labels)))
        return min(self.training.optimization.max_target_tokens, 16 + 2 * longest)

    @cached_property
    def costs(self) -> ExampleCosts:
        """What every example costs."""
        return ExampleCosts(self.encoded.examples, self.architecture)

    def totals(self, steps: int) -> Totals:
        """What the first steps together go through."""
        sampler = self.sampler()
        times = np.zeros(len(self.encoded.examples), dtype=np.int64)
        for step in range(steps):
            times[sampler.step(step)] += 1
        return Totals(
            examples_seen=int(times.sum()),
            epochs=round(steps / sampler.steps_per_epoch, 3),
            sequences_seen=int(times @ self.costs.sequences),
            input_tokens=int(times @ self.costs.input_tokens),
            target_tokens=int(times @ self.costs.target_tokens),
            train_flops=float(times @ self.costs.flops),
        )


def prepare(training: Training, data: TrainingData) -> PreparedTraining:
    """Select the rows of a training and turn them into token ids.

    Raises:
        InputError: The rows, the student or a soft teacher cannot be used.
    """
    recipe = training.recipe
    limits = training.optimization
    tokenizer = load_tokenizer(
        training.student, lambda: [*tokenizer_texts(data), *recipe.prefixes.values()]
    )
    shorten = word_shortener(tokenizer, recipe.max_rationale_tokens)
    rows = training_rows(data, training.selection, recipe, shorten)
    architecture = load_config(training.student, tokenizer, limits.dropout)
    family = family_of(architecture)
    family.check(data.task, rows.method)
    check_norm(training.validation.score_norm, writes_text=family.writes_text)
    family.configure(architecture, data.task)
    task_prefix = family.task_prefix(recipe.task_prefix, architecture)
    codec = family.codec(tokenizer, architecture)
    for teacher in recipe.soft.teachers:
        check_soft_teacher(
            teacher,
            tokenizer=tokenizer,
            architecture=architecture,
            method=rows.method,
            task_prefix=task_prefix,
        )
    writing = Writing(
        student=training.student,
        codec=codec,
        method=rows.method,
        prefixes=recipe.prefixes,
        max_target_tokens=limits.max_target_tokens,
    )
    examples = _learned_rows(rows, data)
    if family.writes_text:
        check_labels(data.task, writing, _learned_labels(rows, training), examples)
    label_first = rows.method == "label_then_rationale"
    encoded = family.encode(
        rows.pairs,
        codec,
        prefixes=recipe.prefixes,
        max_input_tokens=limits.max_input_tokens,
        max_target_tokens=limits.max_target_tokens,
        after_label=recipe.prefixes[RATIONALE].strip() if label_first else "",
        task_prefix=task_prefix,
        options={example.id: data.task.allowed(example.choices) for example in examples},
    )
    lost = lost_characters(codec, rows.pairs) if family.writes_text else {}
    return PreparedTraining(training, rows, tokenizer, architecture, task_prefix, encoded, lost)


def _learned_labels(rows: TrainingRows, training: Training) -> list[str]:
    """Every label that is learned, once."""
    prefixes = training.recipe.prefixes
    targets = (t.text for pair in rows.pairs for t in pair.targets if t.task == LABEL)
    read = (read_output(rows.method, text, prefixes).label or "" for text in targets)
    return list(dict.fromkeys(read))


def _learned_rows(rows: TrainingRows, data: TrainingData) -> list[Example]:
    """The examples of the training pairs."""
    ids = {pair.example_id for pair in rows.pairs}
    examples = chain(data.splits.get("train", ()), data.splits["extra"])
    return [example for example in examples if example.id in ids]
