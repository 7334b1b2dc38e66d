"""Find which calls a student may answer: a threshold that keeps a promise, with confidence.

    python -m dsbs.contract --run runs/cqa-dss --agree 0.98 --confidence 0.95
    python -m dsbs.contract --run runs/cqa-dss --with gold --agree 0.95 --per-class
    python -m dsbs.contract --run runs/cqa-dss --rows calls.jsonl --answers runs/calls

Leaves contract.json, which evaluate, predict and serve take, the predictions of the calibration
rows, and manifest.json. "No contract possible" is an answer too, with exit code 0.
"""

from pathlib import Path

from dsbs.artifacts.manifest import Manifest, read_manifest
from dsbs.artifacts.predictions import PREDICTIONS
from dsbs.artifacts.results.contract import ContractResult
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.artifacts.run_folder import open_run
from dsbs.artifacts.student_card import StudentCard, checkpoint_of, read_card
from dsbs.cli.stage import Stage
from dsbs.config.contract import ContractConfig
from dsbs.contracts.contract import CONTRACT
from dsbs.contracts.show import show_terms
from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.core.require import check_installed
from dsbs.evaluation.calibration_rows import RowSources, rows_for_contract
from dsbs.evaluation.run import default_out
from dsbs.runtimes.open import check_runtime


def contract(config: ContractConfig) -> ContractResult:
    """Predict the calibration rows, find the threshold, and write the contract."""
    check_installed("scipy", extra="train", needed_by="dsbs contract")
    checkpoint = checkpoint_of(config.run)
    card = read_card(checkpoint)
    check_runtime(card, needed_by="dsbs contract")
    _check_classes(config, card)
    cost = _teacher_cost(config, card, checkpoint)
    rows = rows_for_contract(card, checkpoint, _sources(config))
    out = config.out or default_out(checkpoint, f"contract-{config.slug()}")
    inputs = [*rows.files, *sorted(path for path in checkpoint.iterdir() if path.is_file())]
    with open_run(out, ContractResult, config, inputs, takes_new_inputs=True) as opened:
        if opened.finished is not None:
            say(f"{out} is done already")
            return opened.finished
        # Not above: it loads torch.
        from dsbs.evaluation.calibrate import Wanted, make_contract

        wanted = Wanted(
            agree=config.agree,
            confidence=config.confidence,
            against=config.with_,
            by_class=config.per_class,
            teacher_cost=cost,
            student_cost=config.student_cost,
        )
        made = make_contract(
            checkpoint,
            rows.calibration,
            rows.validation,
            wanted,
            out=out,
            batch_size=config.batch_size,
        )
        file = out / CONTRACT
        made.save(file)
        results = ContractResult(
            **dict(made), run=str(config.run), out=str(out), contract=str(file)
        )
        opened.finish(results, [file, out / PREDICTIONS])
        return results


def _sources(config: ContractConfig) -> RowSources:
    return RowSources(
        data=config.data,
        answers=config.answers,
        rows=config.rows,
        calibration_frac=config.calibration_frac,
        against=config.with_,
        may_have_changed=config.allow_changed_inputs,
    )


def show(results: ContractResult) -> str:
    """The promise in a sentence, what it rests on, and the tables."""
    return "\n".join([*show_terms(results), f"contract: {results.contract}"])


def _check_classes(config: ContractConfig, card: StudentCard) -> None:
    if config.per_class and card.task.label.kind != "class":
        raise InputError(
            "--per-class",
            got=f"a task of kind {card.task.label.kind!r}",
            expected="class: a closed set of labels that all rows share",
            fix="leave it out",
        )


def _teacher_cost(config: ContractConfig, card: StudentCard, checkpoint: Path) -> float | None:
    """Money for 1,000 calls of the teacher: as given, or from prices and the tokens of a run."""
    if config.teacher_cost is not None:
        return config.teacher_cost
    made = _answers_run(config, card, checkpoint)
    price_in = config.price_in
    price_out = config.price_out
    if made is not None and price_in is None and price_out is None:
        price_in = float(str(made.config.get("price_in") or 0))
        price_out = float(str(made.config.get("price_out") or 0))
    if not price_in and not price_out:
        return None
    spent = made.final if made is not None else None
    if spent is None or not spent.new or not spent.prompt_tokens:
        if config.price_in is None and config.price_out is None:
            return None
        raise InputError(
            "--price-in and --price-out",
            got="no run of generate that has counted tokens",
            expected="tokens of the teacher's answers",
            fix="name the money for 1,000 calls with --teacher-cost",
        )
    money = spent.prompt_tokens * (price_in or 0) + spent.completion_tokens * (price_out or 0)
    return 1000 * money / 1e6 / spent.new


def _answers_run(
    config: ContractConfig, card: StudentCard, checkpoint: Path
) -> Manifest[GenerateResult] | None:
    """The first run of the teacher's answers, if it is found."""
    places = config.answers or [place.find(checkpoint) for place in card.answers.runs]
    found = next((place for place in places if place is not None), None)
    try:
        return read_manifest(found) if found is not None else None
    except InputError:
        return None


STAGE = Stage("contract", ContractConfig, contract, show)

if __name__ == "__main__":
    STAGE.main()
