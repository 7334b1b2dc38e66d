"""What a student says to examples, by generating or by scoring, as Predictions."""

from collections.abc import Callable, Sequence

from dsbs.config.base import Decode
from dsbs.core.errors import InputError
from dsbs.core.records import LABEL, RATIONALE, Example, Prediction
from dsbs.distillation.methods import read_output
from dsbs.student.checkpoint import Student
from dsbs.student.decode import generate_texts
from dsbs.student.score import Candidates, score_labels
from dsbs.tasks.labels import normalize, same_label


def predict(
    student: Student,
    examples: Sequence[Example],
    *,
    decode: Decode | None = None,
    explain: bool = False,
    scores: bool = False,
    batch_size: int = 64,
    on_batch: Callable[[int], None] = lambda count: None,
) -> list[Prediction]:
    """One prediction an example, in order. `correct` is set where the example has a gold label.

    `explain` decodes a rationale for step_by_step students too; `scores` adds label scores to generated labels.
    InputError for scores of a task whose labels are open, and for rationales of a student that learned none.
    """
    decode = decode or student.card.decode
    check(student, decode=decode, explain=explain, scores=scores)
    method = student.card.method
    texts = [""] * len(examples)
    if decode == "generate" or method == "rationale_then_label":
        texts = _generate(
            student, examples, LABEL, batch_size, on_batch, longest=explain and method != "standard"
        )
    outputs = [read_output(method, text, student.card.prefixes) for text in texts]
    rationales = [output.rationale for output in outputs]
    if explain and method == "step_by_step":
        rationales = list(_generate(student, examples, _rationale_task(student), batch_size))
    scored = (
        _score(student, examples, rationales, batch_size, on_batch)
        if scores or decode == "score"
        else None
    )
    predictions = []
    for at, example in enumerate(examples):
        label = (
            max(scored[at], key=scored[at].__getitem__)
            if scored and decode == "score"
            else outputs[at].label
        )
        predictions.append(
            _judge(
                student,
                example,
                texts[at] or label or "",
                label,
                rationales[at],
                scored[at] if scored else None,
            )
        )
    return predictions


def check(student: Student, *, decode: Decode, explain: bool = False, scores: bool = False) -> None:
    """InputError where this student cannot be read in this way."""
    kind = student.card.task.label.kind
    if (decode == "score" or scores) and kind not in ("choice", "class"):
        flag = "--decode score" if decode == "score" else "--scores"
        raise InputError(
            flag,
            got=f"a task of kind {kind!r}",
            expected="choice or class",
            fix="use --decode generate",
        )
    if explain and student.card.method == "standard":
        raise InputError("--explain", got="a student of method 'standard'", expected="one that learned rationales",
                         fix="train with --method step_by_step")  # fmt: skip


def _judge(
    student: Student,
    example: Example,
    raw: str,
    stated: str | None,
    rationale: str | None,
    scores: dict[str, float] | None,
) -> Prediction:
    kind, task = student.card.task.label.kind, student.card.task
    label = normalize(kind, stated, task.allowed(example.choices)) if stated else None
    correct = same_label(kind, label, example.gold) if example.gold is not None else None
    return Prediction(example.id, raw, label, example.gold, correct, rationale, scores)


def _generate(
    student: Student,
    examples: Sequence[Example],
    task: str,
    batch_size: int,
    on_batch: Callable[[int], None] = lambda count: None,
    *,
    longest: bool = False,
) -> list[str]:
    card = student.card
    short = task == LABEL and card.method != "rationale_then_label" and not longest
    marker = (
        card.prefixes[RATIONALE].strip() if short and card.method == "label_then_rationale" else ""
    )
    return generate_texts(
        student.model,
        student.tokenizer,
        [card.asked(task, example.input) for example in examples],
        max_input_tokens=card.max_input_tokens,
        max_new_tokens=card.max_label_tokens if short else card.max_target_tokens,
        batch_size=batch_size,
        stop=marker,
        prompt=card.prompt(task),
        on_batch=on_batch,
    )


def _rationale_task(student: Student) -> str:
    """The task whose rationales are shown: the first that the student learned."""
    return next(task for task in student.card.prefixes if task != LABEL)


def _score(
    student: Student,
    examples: Sequence[Example],
    rationales: Sequence[str | None],
    batch_size: int,
    on_batch: Callable[[int], None],
) -> list[dict[str, float]]:
    """Scores of the allowed labels; a student that explains first scores them behind its own rationale."""
    card = student.card
    first = card.method == "rationale_then_label"
    after = card.prefixes[RATIONALE].strip() if card.method == "label_then_rationale" else ""
    rows = [
        Candidates(
            input=card.asked(LABEL, example.input),
            labels=card.task.allowed(example.choices),
            before=" ".join(filter(None, [rationale, card.prefixes[LABEL].strip()]))
            if first
            else "",
            after=after,
        )
        for example, rationale in zip(examples, rationales, strict=True)
    ]
    return score_labels(
        student.model,
        student.tokenizer,
        rows,
        max_input_tokens=card.max_input_tokens,
        batch_size=batch_size,
        prompt=card.prompt(LABEL),
        on_batch=on_batch if not first else lambda count: None,
    )
