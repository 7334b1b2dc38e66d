"""What a student predicts for examples, by generating or by scoring."""

from collections.abc import Sequence

from dsbs.artifacts.student_card import StudentCard
from dsbs.config.base import Decode, ScoreNorm
from dsbs.core.errors import InputError
from dsbs.core.records import LABEL, RATIONALE, Example, Prediction
from dsbs.distillation.methods import Output, read_output, student_input
from dsbs.student.candidates import Candidates
from dsbs.student.predictor import OnBatch, Predictor
from dsbs.student.row_batches import shortened
from dsbs.student.score_norms import normalized_scores
from dsbs.tasks.labels import normalize, same_label


def _ignore(count: int) -> None:
    """Nobody wants to know about batches."""


def predict(
    student: Predictor,
    examples: Sequence[Example],
    *,
    decode: Decode | None = None,
    score_norm: ScoreNorm | None = None,
    explain: bool = False,
    scores: bool = False,
    confidence: bool = False,
    batch_size: int = 64,
    on_batch: OnBatch = _ignore,
) -> list[Prediction]:
    """One prediction per example, in order.

    Args:
        student: The student.
        examples: What to label. `correct` is set for those with a gold label. Students that need
            the teacher read `rationale`; a row without one is read alone.
        decode: How labels are read. Default: the value used in training.
        score_norm: How scores are made comparable. Default: the value used in training.
        explain: Also generate a rationale, which `step_by_step` students do in a second pass.
        scores: Also score the allowed labels where labels are generated.
        confidence: The same; where labels are open, score the generated one alone.
        batch_size: Rows per batch.
        on_batch: Called with the number of rows of each batch that is done.

    Raises:
        InputError: The task's labels are open and scores are wanted, the student has learned no
            rationales and one is wanted, or it reads rationales and no row has one.
    """
    card = student.card
    decode = decode or card.decode
    check(card, decode=decode, explain=explain, scores=scores)
    by_score = decode == "score"
    texts = [""] * len(examples)
    inputs = _inputs(student, examples)
    if not by_score or card.method == "rationale_then_label":
        whole = explain and card.method != "standard"
        texts = _generate(student, inputs, LABEL, batch_size, on_batch, whole=whole)
    outputs = [read_output(card.method, text, card.prefixes) for text in texts]
    if explain and card.method == "step_by_step":
        rationales = _generate(student, inputs, _rationale_task(card), batch_size)
        outputs = [
            output._replace(rationale=rationale)
            for output, rationale in zip(outputs, rationales, strict=True)
        ]
    scored: Sequence[dict[str, float] | None] = [None] * len(examples)
    if scores or confidence or by_score:
        norm = score_norm or card.score_norm
        count = on_batch if by_score else _ignore  # generating has counted its batches
        scored = _score(student, examples, inputs, outputs, norm, batch_size, count)
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
    if card.family == "encoder" and decode == "generate":
        raise InputError(
            "--decode",
            got="generate for an encoder, which writes no text",
            expected="score",
            fix="leave out --decode",
        )
    if explain and card.method in ("standard", "pinto"):
        raise InputError(
            "--explain",
            got=f"a student of method {card.method!r}",
            expected="one that learned rationales",
            fix="train with --method step_by_step",
        )


def _inputs(student: Predictor, examples: Sequence[Example]) -> list[str]:
    """What the student reads of each row. InputError if it needs rationales and there are none."""
    card = student.card
    if not card.needs_teacher:
        return [example.input for example in examples]
    if examples and not any(example.rationale for example in examples):
        raise InputError(
            "--run",
            got=f"a student of method {card.method!r}, and no rationale of a teacher",
            expected="one for every row, which such a student reads",
            fix="give a column `rationale` to predict, or answers to these rows to evaluate with "
            "--answers",
        )
    limit = card.max_rationale_tokens
    read = (e.rationale and shortened(e.rationale, limit, student.bare_tokens) for e in examples)
    return [
        student_input(card.method, example.input, rationale, card.prefixes)
        for example, rationale in zip(examples, read, strict=True)
    ]


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
    inputs: Sequence[str],
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
        [card.encoder_text(task, text) for text in inputs],
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
    inputs: Sequence[str],
    outputs: Sequence[Output],
    norm: ScoreNorm,
    batch_size: int,
    on_batch: OnBatch,
) -> list[dict[str, float]]:
    """Scores of the allowed labels, or of the generated one where labels are open.

    A rationale-first student scores them after its rationale.
    """
    card = student.card
    rationale_first = card.method == "rationale_then_label"
    label_prefix = card.prefixes[LABEL].strip() if rationale_first else ""
    after = card.prefixes[RATIONALE].strip() if card.method == "label_then_rationale" else ""
    rows = []
    for example, text, output in zip(examples, inputs, outputs, strict=True):
        before = ""
        if rationale_first:
            before = " ".join(filter(None, [output.rationale, label_prefix]))
        rows.append(
            Candidates(
                input=card.encoder_text(LABEL, text),
                labels=card.task.allowed(example.choices) or (output.label or "",),
                before=before,
                after=after,
            )
        )
    return normalized_scores(
        student,
        rows,
        norm=norm,
        empty=Candidates(card.encoder_text(LABEL, ""), (), before=label_prefix, after=after),
        prompt=card.decoder_prompt(LABEL),
        batch_size=batch_size,
        # A rationale-first student has counted its batches while generating.
        on_batch=_ignore if rationale_first else on_batch,
    )
