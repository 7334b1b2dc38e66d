"""What became of all answers of a split. Nothing is dropped."""

from collections import Counter

from dsbs.artifacts.results.generate import OutcomeExample, RationaleLengths, SplitSummary
from dsbs.core.records import OUTCOMES, Answer, Completion, Example
from dsbs.labeling.rationale_checks import Agreement
from dsbs.metrics.collapse import Notice, chance_notices, empty_notices, label_notices
from dsbs.metrics.distributions import entropy
from dsbs.metrics.intervals import GroupedVerdicts
from dsbs.metrics.label_counts import LabelCounts
from dsbs.tasks.labels import same_label
from dsbs.tasks.look_alikes import LookAlikes
from dsbs.tasks.parsing import answer_part, correct, correct_as_published
from dsbs.tasks.task import Task

_SHOWN_PER_OUTCOME = 3
_SHOWN_CHARS = 300


class SplitCounter:
    """Counts answers as they pass."""

    def __init__(self, task: Task, split: str) -> None:
        self._task = task
        self._split = split
        self._outcomes: Counter[str] = Counter()
        self._matches: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._words: Counter[int] = Counter()
        self._shown: dict[str, list[OutcomeExample]] = {}
        self._agreement = Agreement(task.label.kind)
        self._look_alikes = LookAlikes(task)
        self._alike = 0
        """Rows that hold text like the prompt's own."""
        self.rows = 0
        self._gold = 0
        self._correct = 0
        self._verdicts = GroupedVerdicts()
        self._strict = 0
        """Rows that are correct by the rule of the paper's code."""
        self._capped = 0
        self._distributions = 0
        self._entropy = 0.0
        """The sum over all distributions."""
        self._likeliest = 0
        """Distributions whose likeliest label is the answer's."""
        self._ties = 0
        self._empty = 0
        self._given = LabelCounts(task.label.kind)
        self._wanted = LabelCounts(task.label.kind)
        """The gold labels of all rows."""
        self._judged = 0
        """Rows with a gold label and one of the teacher."""
        self._guessed = 0.0
        """How many gold labels one of each row's allowed labels at random would be."""

    def add(
        self, example: Example, completion: Completion, answer: Answer, *, capped: bool = False
    ) -> bool | None:
        """Count one answer, and return whether it is correct; None without a gold label.

        Args:
            example: The row.
            completion: The completion of its first sample.
            answer: What all samples say.
            capped: Whether a rationale was cut.
        """
        self.rows += 1
        self._outcomes[answer.outcome] += 1
        self._matches[answer.match] += 1
        if answer.reason:
            self._reasons[answer.reason] += 1
        self._capped += capped
        self._alike += self._look_alikes.stand_in(example)
        if answer.rationale_usable and answer.rationale:
            self._words[len(answer.rationale.split())] += 1
        self._keep_example(example, completion, answer)
        allowed = self._task.allowed(example.choices)
        self._agreement.add(example, answer, allowed)
        self._ties += answer.tied
        self._empty += completion.error is None and not completion.text.strip()
        self._given.add(answer.label, allowed)
        if answer.distribution:
            self._distributions += 1
            self._entropy += entropy(answer.distribution)
            top = max(answer.distribution, key=answer.distribution.__getitem__)
            self._likeliest += same_label(self._task.label.kind, top, answer.label)
        if example.gold is None:
            return None
        self._gold += 1
        self._wanted.add(example.gold, allowed)
        self._judged += answer.label is not None
        self._guessed += 1 / len(allowed) if allowed else 0.0
        self._strict += correct_as_published(self._task, example, completion)
        verdict = correct(self._task, example, answer)
        self._correct += verdict
        self._verdicts.add(verdict, example.group)
        return verdict

    def summary(self) -> SplitSummary:
        """What has been counted. There is an accuracy only where there are gold labels."""
        counts = {one: self._outcomes[one] for one in OUTCOMES if self._outcomes[one]}
        gold = self._gold
        entropies = self._distributions
        over = self._verdicts.over_examples()
        return SplitSummary(
            rows=self.rows,
            outcomes=counts,
            shares={outcome: round(count / self.rows, 4) for outcome, count in counts.items()},
            label_kind=self._task.label.kind,
            label_match=dict(self._matches),
            reasons=dict(self._reasons),
            rationale_words=self._lengths(),
            examples=self._shown,
            look_alikes=self._alike,
            **self._agreement.results()._asdict(),
            gold_rows=gold,
            teacher_correct=self._correct if gold else None,
            teacher_accuracy=self._correct / gold if gold else None,
            teacher_ci95=over.interval,
            teacher_correct_strict=self._strict if gold else None,
            teacher_accuracy_strict=self._strict / gold if gold else None,
            entropy=self._entropy / entropies if entropies else None,
            distributions=entropies,
            distributions_agree=self._likeliest / entropies if entropies else None,
            vote_ties=self._ties,
            notices=self._notices(),
        )

    def _notices(self) -> list[Notice]:
        """Signs that the teacher has collapsed. Accuracy is that of the rows with a label."""
        who = f"the teacher, {self._split}"
        found = label_notices(who, self._given, self._wanted)
        found += empty_notices(who, self._empty, self.rows)
        if self._gold:
            top = self._wanted.commonest()
            chance = max(self._wanted.share(top.key) if top else 0.0, self._guessed / self._gold)
            found += chance_notices(who, self._correct, self._judged, chance)
        return found

    def _keep_example(self, example: Example, completion: Completion, answer: Answer) -> None:
        """Keep the first few answers of every outcome but `ok`."""
        if answer.outcome == "ok":
            return
        shown = self._shown.setdefault(answer.outcome, [])
        if len(shown) < _SHOWN_PER_OUTCOME:
            text = self._text(completion)
            shown.append(OutcomeExample(id=example.id, text=text, label=answer.label))

    def _text(self, completion: Completion) -> str:
        """The end of an answer, where most of what can be wrong stands, or why there is none."""
        if completion.error:
            return completion.error[:_SHOWN_CHARS]
        return answer_part(self._task, completion.text).strip()[-_SHOWN_CHARS:]

    def _lengths(self) -> RationaleLengths:
        count = self._words.total()
        if not count:
            return RationaleLengths()
        mean = round(sum(words * rows for words, rows in self._words.items()) / count, 1)
        return RationaleLengths(mean=mean, max=max(self._words), capped=self._capped)
