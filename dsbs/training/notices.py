"""Lines on stderr about a training that is about to start, and the check for room on the disk."""

import shutil
from pathlib import Path

from transformers import PreTrainedModel

from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.distillation.labeled_data import TrainingData
from dsbs.training.prepare import PreparedTraining


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
    parts.append(f"{counts.n_train:,} are learned from, {counts.n_explained:,} with a rationale")
    say(", ".join(parts))
    disagreement = counts.teacher_disagreement
    if disagreement is not None and disagreement.share is not None:
        say(f"the teachers disagree on {disagreement.share:.1%} of {disagreement.rows:,} rows")
    if data.overlapping and not selection.drop_overlap:
        count = len(data.overlapping)
        say(f"{count:,} training inputs also stand in test; --drop-overlap leaves them out")
    encoded = prepared.encoded
    if encoded.cut_inputs or encoded.cut_targets:
        say(f"cut to the limits: {encoded.cut_inputs:,} inputs, {encoded.cut_targets:,} targets")


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
