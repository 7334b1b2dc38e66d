"""Every baseline by its name, with what it needs besides rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from dsbs.baselines.ablation import without_fields
from dsbs.baselines.embedding import Embeddings, embedded
from dsbs.baselines.labels import LabeledRow, Labeler
from dsbs.baselines.majority import commonest_label
from dsbs.baselines.tfidf import tfidf
from dsbs.core.records import Baseline
from dsbs.tasks.task import Task


@dataclass(frozen=True)
class Kit:
    """What baselines need besides rows."""

    embeddings: Embeddings | None = None
    ablated: tuple[str, ...] = ()
    """Fields that `input-ablated` does not see."""

    def learn(self, name: Baseline, task: Task, train: Sequence[LabeledRow]) -> Labeler:
        """A baseline by its name. CannotDo where it cannot do the task's kind of label."""
        if name == "majority":
            return commonest_label(task, train)
        if name == "tfidf":
            return tfidf(task, train)
        if name == "embedding":
            assert self.embeddings is not None
            return embedded(task, train, self.embeddings)
        return without_fields(task, train, self.ablated)

    @property
    def saved_s(self) -> float:
        """Core-seconds that known embeddings have saved so far."""
        return self.embeddings.saved_s if self.embeddings else 0.0
