"""How scores of labels of different lengths are made comparable.

sum: the log-likelihood of the label, a sum over its tokens. Every token costs, so a student that
has learned little finds the shortest label likeliest. mean: the same per token (length
normalization, Wu et al. 2016). prior: the sum, minus that of the same label after an empty input:
what the input adds to a label (contextual calibration, Zhao et al. 2021; Holtzman et al. 2021).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from dsbs.config.base import ScoreNorm
from dsbs.core.errors import InputError
from dsbs.core.iteration import batched
from dsbs.student.candidates import Adjust, Candidates, total
from dsbs.student.predictor import OnBatch, Predictor

_LABELS_PER_ROW = 8
"""Labels that are scored after one empty input: as many as a row of a task has, so memory is that
of the rows."""


def check_norm(norm: ScoreNorm, *, writes_text: bool) -> None:
    """InputError where a student's scores cannot be normalized so: an encoder's have no tokens."""
    if norm != "sum" and not writes_text:
        raise InputError(
            "--score-norm",
            got=f"{norm} for an encoder, whose scores are no sums over tokens",
            expected="sum",
            fix="leave out --score-norm",
        )


def normalized_scores(
    student: Predictor,
    rows: Sequence[Candidates],
    *,
    norm: ScoreNorm,
    empty: Candidates,
    prompt: str = "",
    batch_size: int,
    on_batch: OnBatch,
) -> list[dict[str, float]]:
    """For every row, the score of each different label.

    Args:
        student: The student.
        rows: Inputs and their labels.
        norm: How scores are made comparable.
        empty: An empty input, for `prior`. Its labels are ignored.
        prompt: What the decoder reads first.
        batch_size: Rows per batch.
        on_batch: Called with the number of rows of each batch that is done.
    """
    check_norm(norm, writes_text=student.card.family != "encoder")
    score = partial(student.score, prompt=prompt, batch_size=batch_size)
    if norm == "sum":
        return score(rows, adjust=total, on_batch=on_batch)
    if norm == "mean":
        return score(rows, adjust=_per_token, on_batch=on_batch)
    labels = dict.fromkeys(label for row in rows for label in row.labels)
    parts = [replace(empty, labels=tuple(part)) for part in batched(labels, _LABELS_PER_ROW)]
    priors = {
        label: prior for part in score(parts, on_batch=_ignore) for label, prior in part.items()
    }
    return score(rows, adjust=_minus(priors), on_batch=on_batch)


def _per_token(label: str, likelihood: float, tokens: int) -> float:
    return likelihood / max(tokens, 1)


def _minus(priors: dict[str, float]) -> Adjust:
    return lambda label, likelihood, tokens: likelihood - priors[label]


def _ignore(count: int) -> None:
    """Nobody waits for these rows."""
