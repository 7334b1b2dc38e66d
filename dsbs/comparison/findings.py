"""What a comparison found, in sentences that need no knowledge of statistics."""

from collections.abc import Sequence

from dsbs.artifacts.results.base import Setting
from dsbs.artifacts.results.compare import (
    Claim,
    CompareResult,
    DataNeed,
    Detectable,
    Group,
    Tuned,
    Variant,
)
from dsbs.artifacts.results.train import AnswerRows
from dsbs.comparison.cells import grouped
from dsbs.comparison.statistics import ENOUGH_SEEDS, MIN_SEEDS
from dsbs.core.tables import percent
from dsbs.data import near_duplicates
from dsbs.labeling import rationale_checks

_TOLD = ("at_chance", "unparsable")
"""Signs that a group's own sentence has counted."""


def findings(results: CompareResult) -> list[str]:
    """Claims, the data that each method needs, and the smallest difference that would be found."""
    equal = results.equal
    refused = [claim for claim in results.claims if claim.strength == "refused"]
    lines = [claim_sentence(claim, equal) for claim in results.claims]
    lines += [text for claim in refused for text in checkpoint_sentences(claim, equal)]
    lines += [need_sentence(need) for need in results.data_needed]
    if results.minimum_detectable:
        lines.append(detectable_sentence(results.minimum_detectable))
    return lines


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
    return lines + [f"failed: {c.name}: {c.error}" for c in results.cells if c.status == "failed"]


def share_of_data(fraction: float) -> str:
    """A fraction of the training rows: "12.5 % of the data", or "all data"."""
    return "all data" if fraction == 1 else f"{100 * fraction:.4g} % of the data"


def points(difference: float) -> str:
    """A difference of shares: "+1.3 points"."""
    return f"{100 * difference:+.1f} points"


def method_name(row: Variant, equal: str | None = None) -> str:
    """A method; with its own `equal` where that is not the comparison's."""
    return row.method if equal in (None, row.equal) else f"{row.method} with equal {row.equal}"


def claim_sentence(claim: Claim, equal: str | None = None) -> str:
    """What the seeds show about two methods, and how far to trust it."""
    ours = method_name(claim, equal)
    who = f"{ours} against {method_name(claim.against, equal)} ({_setting(claim)})"
    seeds = len(claim.seeds)
    if claim.difference is None or claim.ci95_seeds_and_examples is None:
        if seeds >= MIN_SEEDS:
            return f"{who}: the test questions fall into {claim.groups_of_rows} groups, too few."
        few = f"{seeds} seed{' is' if seeds == 1 else 's are'} too few"
        return f"{who}: {few} for a claim about the methods, which needs {MIN_SEEDS}."
    low, high = (100 * end for end in claim.ci95_seeds_and_examples)
    interval = f"95 % interval {low:+.1f} to {high:+.1f} over {seeds} seeds and the test questions"
    parts = [f"{who}: {points(claim.difference)} ({interval}).", _verdict(claim, ours)]
    if claim.strength == "weak":
        parts.append(f"The evidence is weak: fewer than {ENOUGH_SEEDS} seeds.")
    return " ".join([*parts, *_stuck(claim, equal)])


def checkpoint_sentences(claim: Claim, equal: str | None = None) -> list[str]:
    """What the test set shows about each pair of checkpoints, and not about the methods."""
    ours = method_name(claim, equal)
    theirs = method_name(claim.against, equal)
    test = "McNemar's exact" if claim.groups_of_rows is None else "Over groups of questions, "
    return [
        f"The checkpoints of seed {pair.seed} ({_setting(claim)}): {pair.only_first:,} questions "
        f"are right with {ours} only, {pair.only_second:,} with {theirs} only. {test.strip()} "
        f"p = {_p(pair.p_holm)}, which is about these checkpoints and not about the methods."
        for pair in claim.checkpoints
    ]


def need_sentence(need: DataNeed) -> str:
    """From how much data on a method is as good as another, with its range."""
    goal = "the teacher" if need.at is None else f"{need.against} on {share_of_data(need.at)}"
    who = f"{need.method} ({need.student}, {need.labels} labels)"
    if not need.opponent_learned:
        return f"{who}: {goal} cannot be told from chance, so nothing is compared with it."
    if not any(need.learned):
        return f"{who} learned at no fraction that was tried, so it is not compared with {goal}."
    good = "as good as"
    if need.margin:
        good = f"at most {100 * need.margin:.4g} points worse than"
    if need.estimate is None:
        text = f"{who} is not {good} {goal} from any fraction on that was tried."
        if need.possible is None:
            return text
        return f"{text} By the 95 % interval it may be, from {share_of_data(need.possible)} on."
    text = f"{who} is {good} {goal} {_from(need.estimate)}"
    if need.seeds < MIN_SEEDS or need.possible is None:
        return f"{text} (no interval: fewer than {MIN_SEEDS} seeds)."
    certain = "not at any fraction" if need.certain is None else _from(need.certain)
    return f"{text}. By the 95 % interval: possibly {_from(need.possible)}, surely {certain}."


def _from(fraction: float) -> str:
    """ "from 25 % of the data on"; "with all data", beyond which nothing was tried."""
    return "with all data" if fraction == 1 else f"from {share_of_data(fraction)} on"


def detectable_sentence(found: Detectable) -> str:
    """The smallest difference that the test set shows."""
    if found.paired is None:
        return f"{found.examples:,} test questions are too few to show any difference reliably."
    basis = (
        "gave different verdicts" if found.measured else "are assumed to give different verdicts"
    )
    return (
        f"{found.examples:,} test questions show a difference of {100 * found.paired:.1f} points "
        "or more between two checkpoints four times out of five. (Two students "
        f"{basis} on {percent(found.discordant)} of the questions.) Between methods the difference "
        f"must be larger, because seeds differ too.{_groups(found)}"
    )


def _groups(found: Detectable) -> str:
    if found.groups_of_rows is None:
        return ""
    return (
        f" This is for independent questions; these fall into {found.groups_of_rows:,} groups, "
        "which show less."
    )


def stuck_sentence(group: Group, equal: str | None = None) -> str | None:
    """How many of its students did not learn; None if all did."""
    counts = {
        "failed": group.failed,
        "cannot be told from chance": group.at_chance,
        "mostly gave no readable label": group.unparsable,
        "gave nearly all rows one label": group.one_label,
    }
    parts = [f"{count} {what}" for what, count in counts.items() if count]
    if not parts:
        return None
    who = f"{method_name(group, equal)} ({_setting(group)})"
    text = f"{who}: of {group.seeds} student{'s' * (group.seeds > 1)}, {' and '.join(parts)}."
    if group.mean_learned is None:
        return text
    return f"{text} The mean of those that learned is {percent(group.mean_learned)}."


def tuned_sentence(row: Tuned, equal: str | None = None) -> str:
    """The learning rate that was chosen for a method."""
    who = f"{method_name(row, equal)} ({row.student}, {row.labels} labels)"
    accuracy = percent(row.validation_accuracy)
    return f"Learning rate of {who}: {row.learning_rate:.3g}, with {accuracy} on validation."


def _few_rationales(results: CompareResult) -> list[str]:
    """A sentence for each group that learned rationales on less than half of its rows."""
    return [
        f"{method_name(group, results.equal)} ({_setting(group)}): rationales for "
        f"{group.n_explained:,} of {group.n_train:,} rows."
        for group in results.groups
        if group.method != "standard"
        and group.n_explained is not None
        and group.n_train is not None
        and group.n_explained < group.n_train / 2
    ]


def _fallen_back(results: CompareResult) -> list[str]:
    """A sentence for each method without rationales, whose students are not counted as its own."""
    fallen = [cell for cell in results.cells if cell.fell_back_from]
    alike = grouped(fallen, lambda cell: (*cell.setting, cell.fell_back_from))
    return [
        f"{cells[0].fell_back_from} ({_setting(cells[0])}): no rationale to learn, so "
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
        f"{method_name(group, results.equal)} ({_setting(group)}) {percent(group.mean_unseen)} "
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


def _setting(row: Setting) -> str:
    return f"{row.student}, {row.labels} labels, {share_of_data(row.data_frac)}"


def _verdict(claim: Claim, who: str) -> str:
    assert claim.p_holm is not None
    assert claim.difference is not None
    several = ""
    if claim.comparisons > 1:
        several = f", corrected for {claim.comparisons} comparisons"
    evidence = f"(p = {_p(claim.p_holm)}{several})"
    if min(claim.stuck) == len(claim.seeds):
        return "No student on either side learned, so this tells nothing about the methods."
    if claim.p_holm >= 0.05:
        return f"The data are compatible with no difference {evidence}."
    return f"{who} is {'better' if claim.difference > 0 else 'worse'} {evidence}."


def _stuck(claim: Claim, equal: str | None) -> list[str]:
    """The students on each side that did not learn, in one sentence; [] if all did."""
    names: Sequence[str] = (method_name(claim, equal), method_name(claim.against, equal))
    counts = [
        f"{count} of {len(claim.seeds)} {name} students"
        for count, name in zip(claim.stuck, names, strict=True)
        if count
    ]
    if not counts:
        return []
    return [f"{' and '.join(counts)} did not learn, so the difference is also one of stability."]


def _p(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.2g}"
