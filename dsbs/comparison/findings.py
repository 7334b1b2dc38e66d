"""What a comparison found, in sentences that need no knowledge of statistics."""

from dsbs.artifacts.results.claims import Claim, DataNeed, Detectable
from dsbs.artifacts.results.compare import CompareResult, Tuned
from dsbs.comparison.names import (
    AXIS_WORDS,
    levels_of,
    marked,
    method_name,
    points,
    setting_of,
    share_of_data,
    sides,
)
from dsbs.comparison.statistics import ENOUGH_SEEDS, MIN_SEEDS
from dsbs.core.tables import percent


def findings(results: CompareResult) -> list[str]:
    """Claims, the data that each method needs, and the smallest difference that would be found."""
    equal = results.equal
    # A student that is not even tested against a baseline would fill the page; the table has it.
    claims = [c for c in results.claims if c.strength != "refused" or not _about_baseline(c)]
    refused = [claim for claim in claims if claim.strength == "refused"]
    lines = [claim_sentence(claim, equal) for claim in claims]
    lines += [text for claim in refused for text in checkpoint_sentences(claim, equal)]
    lines += [need_sentence(need) for need in results.data_needed]
    if results.minimum_detectable:
        lines.append(detectable_sentence(results.minimum_detectable))
    return lines


def _about_baseline(claim: Claim) -> bool:
    return claim.against.is_baseline and not claim.is_baseline


def claim_sentence(claim: Claim, equal: str | None = None) -> str:
    """What the seeds show about two methods, and how far to trust it."""
    ours, theirs = sides(claim, equal)
    who = f"{ours} against {theirs} ({_where(claim)})"
    seeds = len(claim.seeds)
    if claim.difference is None or claim.ci95_seeds_and_examples is None:
        if seeds >= MIN_SEEDS:
            return f"{who}: the test questions fall into {claim.groups_of_rows} groups, too few."
        few = f"{seeds} seed{' is' if seeds == 1 else 's are'} too few"
        return f"{who}: {few} for a claim about {_what(claim)}, which needs {MIN_SEEDS}."
    low, high = (100 * end for end in claim.ci95_seeds_and_examples)
    interval = f"95 % interval {low:+.1f} to {high:+.1f} over {seeds} seeds and the test questions"
    parts = [f"{who}: {points(claim.difference)} ({interval}).", _verdict(claim, ours)]
    if claim.strength == "weak":
        parts.append(f"The evidence is weak: fewer than {ENOUGH_SEEDS} seeds.")
    return " ".join([*parts, *_stuck(claim, equal)])


def checkpoint_sentences(claim: Claim, equal: str | None = None) -> list[str]:
    """What the test set shows about each pair of checkpoints, and not about the methods."""
    ours, theirs = sides(claim, equal)
    test = "McNemar's exact" if claim.groups_of_rows is None else "Over groups of questions, "
    return [
        f"The checkpoints of seed {pair.seed} ({_where(claim)}): {pair.only_first:,} questions "
        f"are right with {ours} only, {pair.only_second:,} with {theirs} only. {test.strip()} "
        f"p = {_p(pair.p_holm)}, which is about these checkpoints and not about {_what(claim)}."
        for pair in claim.checkpoints
    ]


def need_sentence(need: DataNeed) -> str:
    """From how much data on a method is as good as another, with its range."""
    goal = (
        f"the {need.against}" if need.at is None else f"{need.against} on {share_of_data(need.at)}"
    )
    setting = ", ".join([need.student, f"{need.labels} labels", *levels_of(need)])
    who = f"{marked(need.method)} ({setting})"
    if not need.opponent_learned:
        return f"{who}: {goal} cannot be shown to beat chance, so nothing is compared with it."
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


def tuned_sentence(row: Tuned, equal: str | None = None) -> str:
    """The learning rate that was chosen for a method."""
    setting = ", ".join([row.student, f"{row.labels} labels", *levels_of(row)])
    who = f"{method_name(row, equal)} ({setting})"
    accuracy = percent(row.validation_accuracy)
    return f"Learning rate of {who}: {row.learning_rate:.3g}, with {accuracy} on validation."


def _where(claim: Claim) -> str:
    """What both sides of a claim share."""
    if claim.axis == "method":
        return setting_of(claim)
    return ", ".join(filter(None, [claim.method, setting_of(claim, claim.axis)]))


def _what(claim: Claim) -> str:
    """What a claim is about."""
    if claim.axis == "method":
        return "the methods"
    word = AXIS_WORDS[claim.axis]
    return word if claim.axis in ("alpha", "extra") else f"the {word}"


def _verdict(claim: Claim, who: str) -> str:
    assert claim.p_holm is not None
    assert claim.difference is not None
    several = ""
    if claim.comparisons > 1:
        several = f", corrected for {claim.comparisons} comparisons"
    evidence = f"(p = {_p(claim.p_holm)}{several})"
    if min(claim.stuck) == len(claim.seeds):
        return f"No student on either side learned, so this tells nothing about {_what(claim)}."
    if claim.p_holm >= 0.05:
        return f"The data are compatible with no difference {evidence}."
    return f"{who} is {'better' if claim.difference > 0 else 'worse'} {evidence}."


def _stuck(claim: Claim, equal: str | None) -> list[str]:
    """The students on each side that did not learn, in one sentence; [] if all did."""
    names = sides(claim, equal)
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
