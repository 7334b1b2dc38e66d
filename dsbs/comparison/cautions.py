"""What limits the findings of a comparison, in sentences."""

from dsbs.artifacts.results.cells import Group
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.train import AnswerRows
from dsbs.comparison.cells import grouped
from dsbs.comparison.names import method_name, setting_of
from dsbs.core.tables import percent
from dsbs.data import near_duplicates
from dsbs.labeling import rationale_checks

_TOLD = ("at_chance", "unparsable")
"""Signs that a group's own sentence has counted."""


def cautions(results: CompareResult) -> list[str]:
    """What limits the findings: students that did not learn, compute, data, failures."""
    stuck = [stuck_sentence(group, results.equal) for group in results.groups]
    lines = [text for text in stuck if text]
    lines += _few_rationales(results)
    lines += _fallen_back(results)
    lines += [text for counts in results.answer_rows for text in _changed_rows(counts)]
    lines += [f"{notice}." for notice in results.notices if notice.sign not in _TOLD]
    lines += [f"{n}." for split in results.teacher.values() for n in split.notices]
    lines += _unequal_compute(results)
    lines += near_duplicates.describe(results.duplicates)
    lines += _unseen(results)
    lines += rationale_checks.describe(results.teacher)
    if any(cell.selected_by == "gold" for cell in results.cells):
        lines.append("Checkpoints were chosen by gold labels of validation.")
    lines += [f"{one.method} was skipped: {one.reason}." for one in results.skipped]
    return lines + [f"failed: {c.name}: {c.error}" for c in results.cells if c.status == "failed"]


def stuck_sentence(group: Group, equal: str | None = None) -> str | None:
    """How many of its students did not learn; None if all did."""
    counts = {
        "failed": group.failed,
        "cannot be shown to beat chance": group.at_chance,
        "mostly gave no readable label": group.unparsable,
        "gave nearly all rows one label": group.one_label,
    }
    parts = [f"{count} {what}" for what, count in counts.items() if count]
    if not parts:
        return None
    who = f"{method_name(group, equal)} ({setting_of(group)})"
    what = "baseline" if group.is_baseline else "student"
    text = f"{who}: of {group.seeds} {what}{'s' * (group.seeds > 1)}, {' and '.join(parts)}."
    if group.mean_learned is None:
        return text
    return f"{text} The mean of those that learned is {percent(group.mean_learned)}."


def _few_rationales(results: CompareResult) -> list[str]:
    """A sentence for each group that learned rationales on less than half of its rows."""
    return [
        f"{method_name(group, results.equal)} ({setting_of(group)}): rationales for "
        f"{group.n_explained:,} of {group.n_train:,} rows."
        for group in results.groups
        if group.method != "standard"
        and not group.is_baseline
        and group.n_explained is not None
        and group.n_train is not None
        and group.n_explained < group.n_train / 2
    ]


def _fallen_back(results: CompareResult) -> list[str]:
    """A sentence for each method without rationales, whose students are not counted as its own."""
    fallen = [cell for cell in results.cells if cell.fell_back_from]
    alike = grouped(fallen, lambda cell: (*cell.setting, cell.fell_back_from))
    return [
        f"{cells[0].fell_back_from} ({setting_of(cells[0])}): no rationale to learn, so "
        f"{len(cells)} of its students learned by standard and do not count for it."
        for cells in alike
    ]


def _changed_rows(counts: AnswerRows) -> list[str]:
    """What about the answers of one run does not fit the rows."""
    lines = []
    if counts.changed:
        changed = f"{counts.changed:,} of {counts.answers:,} answers are to rows that have changed"
        lines.append(f"{counts.run}: {changed} since they were answered.")
    if counts.other_labels:
        lines.append(f"{counts.run}: its answers are for another set of labels.")
    if counts.without_row:
        stray = f"{counts.without_row:,} of {counts.answers:,} answers belong to no row"
        lines.append(f"{counts.run}: {stray}.")
    return lines


def _unseen(results: CompareResult) -> list[str]:
    """Accuracies with and without the test inputs that have a near-duplicate."""
    known = [group for group in results.groups if group.mean_unseen is not None]
    found = results.duplicates
    if not known or found is None:
        return []
    parts = [
        f"{method_name(group, results.equal)} ({setting_of(group)}) {percent(group.mean_unseen)} "
        f"instead of {percent(group.mean)}"
        for group in known
    ]
    without = f"{len(found.tests):,} of {found.test_rows:,} test inputs"
    return [f"without these {without}: {'; '.join(parts)}"]


def _unequal_compute(results: CompareResult) -> list[str]:
    """A hint where a method used more compute than standard, and no equal standard is there."""
    flops = {str(group.method): group.train_flops for group in results.groups if group.train_flops}
    alone = len({group.equal for group in results.groups}) == 1
    most = max(flops, key=flops.__getitem__, default="standard")
    if not alone or "standard" not in flops or flops[most] < 1.1 * flops["standard"]:
        return []
    more = f"{flops[most] / flops['standard']:.1f}"
    return [
        f"{most} used {more} times the FLOPs of standard. "
        "--also-equal compute adds a standard with equal FLOPs."
    ]
