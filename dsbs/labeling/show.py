"""What `generate` has found, as text for people."""

from collections.abc import Sequence
from itertools import takewhile

from dsbs.artifacts.results.generate import GenerateResult, ShownAnswer, SplitSummary
from dsbs.core.tables import percent, span, table
from dsbs.data import near_duplicates
from dsbs.labeling import rationale_checks

_COLUMNS = [
    "split",
    "rows",
    "ok",
    "other outcomes",
    "teacher accuracy",
    "95 % over rows",
    "by the published rule",
    "rationale words",
]
_SHOWN_COLUMNS = ["row", "prompt", "answer", "outcome", "label", "gold", "verdict"]
_EXAMPLE_CHARS = 100
_VERDICTS = {True: "correct", False: "wrong", None: "no gold label"}


def show_results(made: GenerateResult) -> str:
    """Outcomes and teacher accuracy as a table, with an example of every outcome but `ok`."""
    rows = [_row(name, split) for name, split in made.splits.items()]
    lines = [table(_COLUMNS, rows, title=f"{made.teacher} on {made.task}")]
    for name, split in made.splits.items():
        if split.entropy is not None:
            entropy = f"{split.entropy:.3f} nats"
            agree = percent(split.distributions_agree)
            lines.append(
                f"{name}: {split.distributions:,} label distributions have a mean entropy of "
                f"{entropy}; the likeliest label is the stated one in {agree}"
            )
    examples = [line for split in made.splits.values() for line in _examples(split)]
    if examples:
        lines += ["examples of outcomes other than ok:", *examples]
    lines += rationale_checks.describe(made.splits)
    for pair, count in made.overlap.items():
        if count:
            lines.append(f"overlap: {count:,} inputs of {pair} are the same")
    lines += near_duplicates.describe(made.duplicates)
    lines += _look_alikes(made)
    lines += _side_by_side(made.shown)
    lines += [f"{count:,} failed: {reason}" for reason, count in made.failures]
    for setting, value in made.changed_settings.items():
        if setting == "top_logprobs" and value is None:
            lines.append("the server refuses top_logprobs, so answers have no label distribution")
            continue
        used = "its own default" if value is None else f"{value:g}"
        lines.append(f"the model refuses this {setting}; {made.new:,} answers have {used}")
    if made.stopped:
        lines.append(f"stopped: {made.stopped}")
    lines.append(f"{made.summary}; all in {made.out}")
    return "\n".join(lines)


def _row(name: str, split: SplitSummary) -> list[str | int | float | None]:
    others = [
        f"{outcome} {count:,} ({percent(count / split.rows)})"
        for outcome, count in split.outcomes.items()
        if outcome != "ok"
    ]
    return [
        name,
        split.rows,
        split.outcomes.get("ok", 0),
        ", ".join(others) or "none",
        _accuracy(split.teacher_accuracy, split.teacher_correct, split.gold_rows),
        span(split.teacher_ci95),
        _accuracy(split.teacher_accuracy_strict, split.teacher_correct_strict, split.gold_rows),
        split.rationale_words.mean,
    ]


def _accuracy(share: float | None, correct: int | None, rows: int) -> str:
    return f"{percent(share)} ({correct:,}/{rows:,})" if rows else "no gold labels"


def _examples(split: SplitSummary) -> list[str]:
    return [
        f"  {outcome}: {found[0].id}: ...{found[0].text[-_EXAMPLE_CHARS:]!r}"
        for outcome, found in split.examples.items()
    ]


def _look_alikes(made: GenerateResult) -> list[str]:
    """How many rows hold text like the prompt's own."""
    counts = {name: split.look_alikes for name, split in made.splits.items() if split.look_alikes}
    if not counts:
        return []
    where = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    what = "rows hold text that looks like the prompt's own markers"
    return [f"{sum(counts.values()):,} {what} ({where}); it is sent as it is"]


def _side_by_side(shown: Sequence[ShownAnswer]) -> list[str]:
    """What all prompts begin with, once, and then the rows: the rest of the prompt, the answer, and
    what was read. A single prompt is shown whole.
    """
    if not shown:
        return []
    lines = zip(*(one.prompt.splitlines(keepends=True) for one in shown), strict=False)
    shared = takewhile(lambda alike: len(set(alike)) == 1, lines)
    template = "".join(alike[0] for alike in shared) if len(shown) > 1 else ""
    rows = [
        [
            one.id,
            one.prompt[len(template) :],
            one.completion,
            one.outcome,
            one.label,
            one.gold,
            _VERDICTS[one.correct],
        ]
        for one in shown
    ]
    head = ["--- every prompt begins with:", template.rstrip("\n"), "---"] if template else []
    return [*head, table(_SHOWN_COLUMNS, rows, title="prompts and answers", width=200)]
