"""What a recipe needs of the rows that it is to be used on."""

from collections.abc import Sequence

from dsbs.config.recipe import Recipe
from dsbs.core.errors import InputError
from dsbs.core.records import Example, TrainPair
from dsbs.tasks.labels import LabelKind


def learns_rationales(recipe: Recipe) -> bool:
    """Whether the method gives rationales any weight."""
    weightless = recipe.method == "step_by_step" and recipe.alpha == 1
    return recipe.method != "standard" and not weightless


def check_fall_back(recipe: Recipe, rows: int) -> None:
    """InputError for a method without a single rationale, unless it may become `standard`."""
    if recipe.may_fall_back:
        return
    chosen = {
        f"--alpha {recipe.alpha:g}": not learns_rationales(recipe),
        f"--rationale-frac {recipe.rationale_frac:g}": recipe.rationale_frac < 1,
        f"--rationale-filter {recipe.rationale_filter}": recipe.rationale_filter != "none",
    }
    under = " ".join(flag for flag, given in chosen.items() if given)
    raise InputError(
        f"--method {recipe.method}",
        got=f"no rationale to learn in {rows:,} rows" + (f" with {under}" if under else ""),
        expected="at least one",
        fix="take answers with rationales or change those settings, use --method standard, or let "
        "it become standard with --allow-no-rationales",
    )


def no_labels(recipe: Recipe, fraction: int, rows: int) -> InputError:
    """The error where no row of the fraction has a label of this source."""
    got = f"no row with such a label among {fraction} of {rows} training rows"
    fix = "use other labels or a larger fraction"
    return InputError(f"--labels {recipe.labels}", got=got, expected="at least one", fix=fix)


def check_extra_labels(recipe: Recipe, extra: Sequence[Example]) -> None:
    """InputError for inputs of other tasks where gold labels are learned: they have none."""
    if recipe.labels == "gold" and extra:
        raise InputError(
            "--extra-unlabeled",
            got="--labels gold",
            expected="labels that these inputs have",
            fix="use --labels teacher or gold_else_teacher",
        )


def check_soft_targets(kind: LabelKind, recipe: Recipe, pairs: Sequence[TrainPair]) -> None:
    """InputError where label distributions are wanted and cannot be learned.

    They need labels to choose from, a label that comes first, and themselves.
    """
    if not recipe.soft.over_labels:
        return
    flag = f"--soft-weight {recipe.soft.weight:g}"
    if kind not in ("choice", "class"):
        fix = "learn from --soft-teacher, or from the teacher's text alone"
        raise InputError(flag, got=f"a task of kind {kind!r}", expected="choice or class", fix=fix)
    if recipe.method == "rationale_then_label":
        got = f"--method {recipe.method}"
        expected = "a method whose label does not follow a rationale"
        raise InputError(flag, got=got, expected=expected, fix="use label_then_rationale")
    if not any(pair.distribution for pair in pairs):
        got = "answers without label distributions"
        fix = "make them: dsbs generate --label-scores without, or --samples 10"
        raise InputError(flag, got=got, expected="some that have them", fix=fix)
