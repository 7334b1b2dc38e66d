"""What a student predicts for examples, by generating or by scoring."""

from collections.abc import Sequence

from dsbs.artifacts.student_card import StudentCard
from dsbs.config.base import Decode
from dsbs.core.errors import InputError
from dsbs.core.records import LABEL, RATIONALE, Example, Prediction
from dsbs.distillation.methods import Output, read_output
from dsbs.student.candidates import Candidates
from dsbs.student.predictor import OnBatch, Predictor
from dsbs.tasks.labels import normalize, same_label


def _ignore(count: int) -> None:
    """Nobody wants to know about batches."""


def predict(
    student: Predictor,
    examples: Sequence[Example],
    *,
    decode: Decode | None = None,
    explain: bool = False,
    scores: bool = False,
    confidence: bool = False,
    batch_size: int = 64,
    on_batch: OnBatch = _ignore,
) -> list[Prediction]:
    """One prediction per example, in order.

    Args:
        student: The student.
        examples: What to label. `correct` is set for those with a gold label.
        decode: How labels are read. Default: the value used in training.
        explain: Also generate a rationale, which `step_by_step` students do in a second pass.
        scores: Also score the allowed labels where labels are generated.
        confidence: The same; where labels are open, score the generated one alone.
        batch_size: Rows per batch.
        on_batch: Called with the number of rows of each batch that is done.

    Raises:
        InputError: The task's labels are open and scores are wanted, or the student has learned no
            rationales and one is wanted.
    """
    card = student.card
    decode = decode or card.decode
    check(card, decode=decode, explain=explain, scores=scores)
    by_score = decode == "score"
    texts = [""] * len(examples)
    if not by_score or card.method == "rationale_then_label":
        whole = explain and card.method != "standard"
        texts = _generate(student, examples, LABEL, batch_size, on_batch, whole=whole)
    outputs = [read_output(card.method, text, card.prefixes) for text in texts]
    if explain and card.method == "step_by_step":
        rationales = _generate(student, examples, _rationale_task(card), batch_size)
        outputs = [
            output._replace(rationale=rationale)
            for output, rationale in zip(outputs, rationales, strict=True)
        ]
    scored: Sequence[dict[str, float] | None] = [None] * len(examples)
    if scores or confidence or by_score:
        count = on_batch if by_score else _ignore  # generating has counted its batches
        scored = _score(student, examples, outputs, batch_size, count)
    return [
        _prediction(card, example, text, output, label_scores, by_score=by_score)
        for example, text, output, label_scores in zip(
            examples, texts, outputs, scored, strict=True
        )
    ]


def check(
    card: StudentCard, *, decode: Decode, explain: bool = False, scores: bool = False
) -> None:
    """InputError where a student cannot be used in this way."""
    kind = card.task.label.kind
    if (decode == "score" or scores) and kind not in ("choice", "class"):
        raise InputError(
            "--decode score" if decode == "score" else "--scores",
            got=f"a task of kind {kind!r}",
            expected="choice or class",
            fix="use --decode generate",
        )
    if explain and card.method == "standard":
        raise InputError(
            "--explain",
            got="a student of method 'standard'",
            expected="one that learned rationales",
            fix="train with --method step_by_step",
        )


def _prediction(
    card: StudentCard,
    example: Example,
    text: str,
    output: Output,
    scores: dict[str, float] | None,
    *,
    by_score: bool,
) -> Prediction:
    stated = output.label
    if by_score and scores:
        stated = max(scores, key=scores.__getitem__)
    kind = card.task.label.kind
    label = normalize(kind, stated, card.task.allowed(example.choices)) if stated else None
    return Prediction(
        example_id=example.id,
        raw=text or stated or "",
        label=label,
        gold=example.gold,
        correct=None if example.gold is None else same_label(kind, label, example.gold),
        rationale=output.rationale,
        scores=scores,
        group=example.group,
    )


def _generate(
    student: Predictor,
    examples: Sequence[Example],
    task: str,
    batch_size: int,
    on_batch: OnBatch = _ignore,
    *,
    whole: bool = False,
) -> list[str]:
    """The texts that the student generates for a task.

    Unless the `whole` text is wanted, a label-first student stops after the label.
    """
    card = student.card
    label_only = task == LABEL and card.method != "rationale_then_label" and not whole
    stop = ""
    if label_only and card.method == "label_then_rationale":
        stop = card.prefixes[RATIONALE].strip()
    return student.generate(
        [card.encoder_text(task, example.input) for example in examples],
        max_new_tokens=card.max_label_tokens if label_only else card.max_target_tokens,
        batch_size=batch_size,
        stop=stop,
        prompt=card.decoder_prompt(task),
        on_batch=on_batch,
    )


def _rationale_task(card: StudentCard) -> str:
    """The task whose rationales are shown: the first one the student learned."""
    return next(task for task in card.prefixes if task != LABEL)


def _score(
    student: Predictor,
    examples: Sequence[Example],
    outputs: Sequence[Output],
    batch_size: int,
    on_batch: OnBatch,
) -> list[dict[str, float]]:
    """Scores of the allowed labels, or of the generated one where labels are open.

    A rationale-first student scores them after its rationale.
    """
    card = student.card
    rationale_first = card.method == "rationale_then_label"
    after = card.prefixes[RATIONALE].strip() if card.method == "label_then_rationale" else ""
    rows = []
    for example, output in zip(examples, outputs, strict=True):
        before = ""
        if rationale_first:
            before = " ".join(filter(None, [output.rationale, card.prefixes[LABEL].strip()]))
        rows.append(
            Candidates(
                input=card.encoder_text(LABEL, example.input),
                labels=card.task.allowed(example.choices) or (output.label or "",),
                before=before,
                after=after,
            )
        )
    return student.score(
        rows,
        batch_size=batch_size,
        prompt=card.decoder_prompt(LABEL),
        # A rationale-first student has counted its batches while generating.
        on_batch=_ignore if rationale_first else on_batch,
    )
