"""What became of all answers of a split: outcomes, teacher accuracy by both rules, rationales,
labels, distributions.

Nothing is dropped.
"""

from collections import Counter
from typing import Any

from dsbs.artifacts.results.generate import OutcomeExample, RationaleLengths, SplitSummary
from dsbs.core.records import OUTCOMES, Answer, Completion, Example
from dsbs.labeling.rationale_checks import Agreement
from dsbs.metrics.distributions import entropy
from dsbs.tasks.parsing import answer_part, correct, correct_as_published
from dsbs.tasks.task import Task

_SHOWN_PER_OUTCOME, _SHOWN_CHARS = 3, 300


class SplitCounter:
    """Counts answers as they pass."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._outcomes: Counter[str] = Counter()
        self._matches: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._words: Counter[int] = Counter()
        self._shown: dict[str, list[OutcomeExample]] = {}
        self._agreement = Agreement(task.label.kind)
        self.rows = self._gold = self._correct = self._strict = self._capped = (
            self._distributions
        ) = 0
        self._entropy = 0.0

    def add(
        self, example: Example, completion: Completion, answer: Answer, *, capped: bool = False
    ) -> bool | None:
        """Count one answer and the (first) completion behind it; whether it is correct, None
        without gold.
        """
        self.rows += 1
        self._outcomes[answer.outcome] += 1
        self._matches[answer.match] += 1
        if answer.reason:
            self._reasons[answer.reason] += 1
        self._capped += capped
        if answer.rationale_usable and answer.rationale:
            self._words[len(answer.rationale.split())] += 1
        if (
            answer.outcome != "ok"
            and len(shown := self._shown.setdefault(answer.outcome, [])) < _SHOWN_PER_OUTCOME
        ):
            text = self._text(completion)
            shown.append(OutcomeExample(id=example.id, text=text, label=answer.label))
        self._agreement.add(example, answer, self._task.allowed(example.choices))
        if answer.distribution:
            self._distributions, self._entropy = (
                self._distributions + 1,
                self._entropy + entropy(answer.distribution),
            )
        if example.gold is None:
            return None
        self._gold += 1
        self._strict += correct_as_published(self._task, example, completion)
        verdict = correct(self._task, example, answer)
        self._correct += verdict
        return verdict

    def summary(self) -> SplitSummary:
        """What was counted; teacher accuracy only where gold labels are."""
        ordered = {
            outcome: self._outcomes[outcome] for outcome in OUTCOMES if self._outcomes[outcome]
        }
        found: dict[str, Any] = {
            "rows": self.rows,
            "outcomes": ordered,
            "shares": {outcome: round(count / self.rows, 4) for outcome, count in ordered.items()},
            "label_kind": self._task.label.kind,
            "label_match": dict(self._matches),
            "reasons": dict(self._reasons),
            "rationale_words": self._lengths(),
            "examples": self._shown,
            **self._agreement.results(),
            "gold_rows": self._gold,
        }
        if self._gold:
            found |= {
                "teacher_correct": self._correct,
                "teacher_accuracy": self._correct / self._gold,
                "teacher_correct_strict": self._strict,
                "teacher_accuracy_strict": self._strict / self._gold,
            }
        if self._distributions:
            found["entropy"] = self._entropy / self._distributions
        return SplitSummary.model_validate(found)

    def _text(self, completion: Completion) -> str:
        """The end of the answer itself, where what is wrong with it mostly stands, or why there is
        none.
        """
        if completion.error:
            return completion.error[:_SHOWN_CHARS]
        return answer_part(self._task, completion.text).strip()[-_SHOWN_CHARS:]

    def _lengths(self) -> RationaleLengths:
        count = self._words.total()
        if not count:
            return RationaleLengths()
        mean = round(sum(words * rows for words, rows in self._words.items()) / count, 1)
        return RationaleLengths(mean=mean, max=max(self._words), capped=self._capped)
