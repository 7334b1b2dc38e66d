"""Lines on stderr about a training that is about to start, and the check for room on the disk."""

import shutil
from pathlib import Path

from transformers import PreTrainedModel

from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.distillation.labeled_data import TrainingData
from dsbs.training.prepare import PreparedTraining
from dsbs.training.tokenizer_check import losses_in_words


def say_rows(prepared: PreparedTraining, data: TrainingData) -> None:
    """Print which rows are learned from, and what is lost on the way."""
    counts = prepared.rows.counts
    selection = prepared.training.selection
    chosen = f"{counts.n_fraction:,} of {counts.n_rows:,} training rows"
    if counts.n_fraction == counts.n_rows:
        chosen = f"all {counts.n_rows:,} training rows"
    parts = [chosen]
    if counts.n_dropped_overlap:
        parts.append(f"{counts.n_dropped_overlap:,} dropped that stand in test")
    if counts.n_extra:
        parts.append(f"{counts.n_extra:,} extra inputs")
    parts.append(f"{counts.n_train:,} are learned from")
    say(", ".join(parts))
    _say_learned(prepared)
    disagreement = counts.teacher_disagreement
    if disagreement is not None and disagreement.share is not None:
        say(f"the teachers disagree on {disagreement.share:.1%} of {disagreement.rows:,} rows")
        if disagreement.ties:
            better = ", ".join(str(run.folder) for run in data.ranking.runs)
            say(
                f"on {disagreement.ties:,} rows their labels tie, and the better teacher decides "
                f"({data.ranking.reason}: {better})"
            )
    if data.overlapping and not selection.drop_overlap:
        count = len(data.overlapping)
        say(f"{count:,} training inputs also stand in test; --drop-overlap leaves them out")
    encoded = prepared.encoded
    if encoded.cut_inputs or encoded.cut_targets:
        behind = prepared.rows.method == "rationale_then_label"
        lost = ", whose labels are lost" if behind and encoded.cut_targets else ""
        counts_cut = f"{encoded.cut_inputs:,} inputs, {encoded.cut_targets:,} targets{lost}"
        say(f"cut to the limits: {counts_cut}")
    if losses := losses_in_words(prepared.training.student, prepared.lost_characters):
        say(losses)


def _say_learned(prepared: PreparedTraining) -> None:
    """Print on how many rows there is what the method, the labels and soft targets learn."""
    counts = prepared.rows.counts
    recipe = prepared.training.recipe
    if prepared.rows.method != recipe.method:
        say(f"no rationale for any row: {recipe.method} becomes {prepared.rows.method}")
    elif recipe.method != "standard":
        say(f"rationales for {counts.n_explained:,} of {counts.n_train:,} rows")
    if recipe.labels == "gold_else_teacher":
        say(f"labels of the teacher for {counts.n_teacher_labels:,} of {counts.n_train:,} rows")
    if recipe.soft.over_labels:
        say(f"label distributions for {counts.n_distributions:,} of {counts.n_train:,} rows")


def check_disk(model: PreTrainedModel, out: Path) -> None:
    """Print how much disk the run needs. InputError where that is not free.

    Best weights take 4 bytes per parameter. A checkpoint takes 12 per trained parameter, with
    Adam's two moments, and there are two of them while one replaces the other.
    """
    out.mkdir(parents=True, exist_ok=True)
    trained = model.num_parameters(only_trainable=True)
    needed = (4 * model.num_parameters() + 24 * trained) / 1e9
    free = shutil.disk_usage(out).free / 1e9
    say(f"disk: up to {needed:.2g} GB for the best weights and a checkpoint; {free:.3g} GB free")
    if needed > free:
        got = f"{free:.3g} GB free"
        fix = "choose another --out"
        raise InputError(out, got=got, expected=f"{needed:.3g} GB", fix=fix)
