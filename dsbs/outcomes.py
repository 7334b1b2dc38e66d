"""What became of all answers of a split: outcomes, teacher accuracy, rationales, labels. Nothing is dropped."""

from collections import Counter
from typing import Any

from dsbs.parsing import correct, correct_as_published
from dsbs.records import OUTCOMES, Answer, Completion, Example
from dsbs.tasks import Task
from dsbs.trust import Agreement

_SHOWN_PER_OUTCOME, _SHOWN_CHARS = 3, 300


class SplitSummary:
    """Counts answers as they pass; `results` are plain JSON values."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._outcomes: Counter[str] = Counter()
        self._matches: Counter[str] = Counter()
        self._words: Counter[int] = Counter()
        self._shown: dict[str, list[dict[str, Any]]] = {}
        self._agreement = Agreement(task.label.kind)
        self.rows = self._gold = self._correct = self._strict = 0

    def add(self, example: Example, completion: Completion, answer: Answer) -> bool | None:
        """Count one answer; whether it is correct, None without gold."""
        self.rows += 1
        self._outcomes[answer.outcome] += 1
        self._matches[answer.match] += 1
        if answer.rationale_usable and answer.rationale:
            self._words[len(answer.rationale.split())] += 1
        if answer.outcome != "ok" and len(shown := self._shown.setdefault(answer.outcome, [])) < _SHOWN_PER_OUTCOME:
            said = completion.error or completion.text.strip()
            shown.append({"id": example.id, "said": said[:_SHOWN_CHARS], "label": answer.label})
        self._agreement.add(example, answer, self._task.allowed(example.choices))
        if example.gold is None:
            return None
        self._gold += 1
        self._strict += correct_as_published(self._task, example, completion)
        verdict = correct(self._task, example, answer)
        self._correct += verdict
        return verdict

    def results(self) -> dict[str, Any]:
        """`rows`, `outcomes`, `shares`, `label_match`, `rationale_words`, `examples`, those of `Agreement`, accuracies."""
        ordered = {outcome: self._outcomes[outcome] for outcome in OUTCOMES if self._outcomes[outcome]}
        found: dict[str, Any] = {
            "rows": self.rows,
            "outcomes": ordered,
            "shares": {outcome: round(count / self.rows, 4) for outcome, count in ordered.items()},
            "label_kind": self._task.label.kind,
            "label_match": dict(self._matches),
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
        return found

    def _lengths(self) -> dict[str, float]:
        count = self._words.total()
        if not count:
            return {}
        return {"mean": round(sum(w * n for w, n in self._words.items()) / count, 1), "max": max(self._words)}
