"""How sure a student is of its own label, as one number from 0 to 1."""

import math

from dsbs.artifacts.results.contract import ScoreKind
from dsbs.core.records import Prediction
from dsbs.labeling.rationale_checks import argues_for
from dsbs.metrics.distributions import softmax
from dsbs.tasks.labels import LabelKind

STANCES = {"label": 1.0, "several": 0.5, "nothing": 0.0, "other": -1.0}
"""What a rationale that names these labels is worth to its own label."""
_LEAST = 1e-12
"""The nearest that a score comes to 0 or 1 before the rationale is added."""


def base_score(kind: ScoreKind, prediction: Prediction, *, closed: bool) -> float:
    """The score of a prediction without its rationale, from 0 to 1; 0 without a label.

    Args:
        kind: Which score.
        prediction: With the log-likelihoods of the allowed labels; of its own label alone where
            labels are open.
        closed: Whether the task has a closed set of labels.
    """
    if prediction.label is None or not prediction.scores:
        return 0.0
    if not closed:
        return math.exp(min(0.0, max(prediction.scores.values())))
    shares = softmax(prediction.scores)
    own = shares.get(prediction.label, 0.0)
    if kind == "likelihood":
        return own
    others = [share for label, share in shares.items() if label != prediction.label]
    return (1 + own - max(others, default=0.0)) / 2


def stance(kind: LabelKind, prediction: Prediction, allowed: tuple[str, ...]) -> float:
    """Whether the student's own rationale argues for its label, from -1 to 1; 0 without either."""
    if prediction.label is None or not prediction.rationale:
        return 0.0
    return STANCES[argues_for(kind, prediction.rationale, prediction.label, allowed)]


def with_rationale(score: float, stance: float, weight: float) -> float:
    """The score moved by the rationale's stance, in log-odds: from 0 to 1 again."""
    if not weight:
        return score
    odds = logit(score) + weight * stance
    return 1 / (1 + math.exp(-odds)) if odds > 0 else math.exp(odds) / (1 + math.exp(odds))


def logit(score: float) -> float:
    """Log-odds of a score, at most some 28 in size."""
    kept = min(max(score, _LEAST), 1 - _LEAST)
    return math.log(kept / (1 - kept))
