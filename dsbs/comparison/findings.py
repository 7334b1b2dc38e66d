"""What a comparison says, in sentences that need no statistics to be read."""

from collections.abc import Mapping
from typing import Any

from dsbs.comparison.statistics import ENOUGH_SEEDS, MIN_SEEDS
from dsbs.core.tables import percent
from dsbs.data import near_duplicates
from dsbs.labeling import rationale_checks

Row = Mapping[str, Any]


def findings(results: Row) -> list[str]:
    """What the results of a comparison say: claims, data needed, and the smallest difference that could be seen."""
    match, claims = results["equal"], results["claims"]
    lines = [claim_sentence(claim, match) for claim in claims]
    refused = [claim for claim in claims if claim["strength"] == "refused"]
    lines += [text for claim in refused for text in checkpoint_sentences(claim, match)]
    lines += map(needed_sentence, results["data_needed"])
    return lines + (
        [detectable_sentence(found)] if (found := results["minimum_detectable"]) else []
    )


def cautions(results: Row) -> list[str]:
    """What to be careful about: students that did not learn, unequal compute, doubtful data, cells that failed."""
    lines = [
        text for group in results["groups"] if (text := stuck_sentence(group, results["equal"]))
    ]
    lines += [
        *_unequal_compute(results),
        *near_duplicates.describe(results["duplicates"]),
        *rationale_checks.describe(results["teacher"]),
    ]
    if any(cell.get("selected_by") == "gold" for cell in results["cells"]):
        lines.append("checkpoints were chosen by gold validation labels")
    return lines + [
        f"failed: {c['name']}: {c['error']}" for c in results["cells"] if c["status"] == "failed"
    ]


def share_of_data(fraction: float) -> str:
    """A fraction of the training rows: "12.5 % of the data", or "all data"."""
    return "all data" if fraction == 1 else f"{100 * fraction:.4g} % of the data"


def points(difference: float) -> str:
    """A difference of shares in points: "+1.3 points"."""
    return f"{100 * difference:+.1f} points"


def method_name(row: Row, main: str | None = None) -> str:
    """A method, with what it was matched in where that is not what all cells were."""
    return (
        str(row["method"])
        if main in (None, row["equal"])
        else f"{row['method']} (equal {row['equal']})"
    )


def claim_sentence(claim: Row, main: str | None = None) -> str:
    """What the seeds say of two methods, with how much trust that deserves."""
    who = f"{method_name(claim, main)} against {method_name(claim['against'], main)}, {_setting(claim)}"
    seeds = len(claim["seeds"])
    if claim["strength"] == "refused":
        return f"{who}: no claim about the methods from {seeds} seed{'s' * (seeds > 1)}; it takes {MIN_SEEDS}."
    low, high = (100 * end for end in claim["ci95_seeds_and_examples"])
    size = f"{points(claim['difference'])} (95 % interval {low:+.1f} to {high:+.1f} over {seeds} seeds and the test questions)"
    weak = f" Weak: fewer than {ENOUGH_SEEDS} seeds." if claim["strength"] == "weak" else ""
    return f"{who}: {size}; {_verdict(claim)}.{weak}{_stuck(claim, main)}"


def checkpoint_sentences(claim: Row, main: str | None = None) -> list[str]:
    """What the test set says of each pair of checkpoints, and nothing of the methods."""
    ours, theirs = method_name(claim, main), method_name(claim["against"], main)
    return [
        f"the two checkpoints of seed {pair['seed']}, {_setting(claim)}: {pair['only_first']:,} questions only {ours} gets "
        f"right, {pair['only_second']:,} only {theirs}; McNemar's exact p = {_p(pair['p_holm'])}, "
        "which says nothing of the methods"
        for pair in claim["checkpoints"]
    ]


def needed_sentence(need: Row) -> str:
    """How much data a method needs, with its range."""
    goal = (
        "the teacher"
        if need["against"] == "teacher"
        else f"{need['against']} on {share_of_data(need['at'])}"
    )
    who = f"{need['method']} ({need['student']}, {need['labels']} labels)"
    if need["estimate"] is None:
        found = f"{who} is not as good as {goal} at any fraction tried"
        return (
            f"{found}, though from {share_of_data(need['possible'])} on that may be luck"
            if need["possible"]
            else found
        )
    found = f"{who} is at least as good as {goal} from {share_of_data(need['estimate'])} on"
    if need["seeds"] < MIN_SEEDS:
        return f"{found}; below {MIN_SEEDS} seeds nothing says how sure that is"
    certain = (
        f"surely from {share_of_data(need['certain'])}"
        if need["certain"]
        else "at no fraction tried is that sure"
    )
    return f"{found} (possibly from {share_of_data(need['possible'])}, {certain})"


def detectable_sentence(found: Row) -> str:
    """What the test set can show at all."""
    if found["paired"] is None:
        return f"{found['examples']:,} test questions are too few to show any difference between two checkpoints reliably"
    basis = (
        "differ in their verdict on"
        if found["measured"]
        else "are taken to differ in their verdict on"
    )
    return (
        f"{found['examples']:,} test questions show a difference between two checkpoints four times of five if it is "
        f"{100 * found['paired']:.1f} points or more (two students {basis} {percent(found['discordant'])} of them); "
        "between methods it has to be larger, because seeds differ too"
    )


def stuck_sentence(group: Row, main: str | None = None) -> str | None:
    """Which of its students did not learn; None where all did."""
    parts = [
        f"{group[key]} of {group['seeds']} {text}" for key, text in _STUCK.items() if group[key]
    ]
    if not parts:
        return None
    learned = (
        f"; the mean of those that learned is {percent(group['mean_learned'])}"
        if group["mean_learned"]
        else ""
    )
    return f"{method_name(group, main)}, {_setting(group)}: {' and '.join(parts)}{learned}"


_STUCK = {
    "failed": "failed",
    "at_chance": "stayed at chance",
    "unparsable": "mostly gave no readable label",
}


def _unequal_compute(results: Row) -> list[str]:
    """A hint where methods were given unequal compute and nothing stands beside it that was given as much."""
    flops = {
        group["method"]: group["train_flops"] for group in results["groups"] if group["train_flops"]
    }
    alone = len({group["equal"] for group in results["groups"]}) == 1
    most = max(flops, key=flops.__getitem__, default="standard")
    if not alone or "standard" not in flops or flops[most] < 1.1 * flops["standard"]:
        return []
    more = f"{flops[most] / flops['standard']:.1f}"
    return [
        f"{most} spent {more} times the FLOPs of standard; --also-equal compute sets standard with as many beside it"
    ]


def _setting(row: Row) -> str:
    return f"{row['student']}, {row['labels']} labels, {share_of_data(row['data_frac'])}"


def _verdict(claim: Row) -> str:
    several = (
        f" after correction for {claim['comparisons']} comparisons"
        if claim["comparisons"] > 1
        else ""
    )
    better = "better" if claim["difference"] > 0 else "worse"
    shown = better if claim["p_holm"] < 0.05 else "not shown to differ"
    return f"{shown} (p = {_p(claim['p_holm'])}{several})"


def _stuck(claim: Row, main: str | None) -> str:
    sides = (method_name(claim, main), method_name(claim["against"], main))
    told = [
        f"{count} of {len(claim['seeds'])} {side} students"
        for count, side in zip(claim["stuck"], sides, strict=True)
        if count
    ]
    return (
        f" {' and '.join(told)} did not learn, so this is a difference of stability too."
        if told
        else ""
    )


def _p(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.2g}"
