"""Run folders of any size with simulated students, as the stages leave them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.artifacts.answer_dataset import AnswerWriter
from dsbs.artifacts.predictions import PREDICTIONS, read_verdicts, write_predictions
from dsbs.artifacts.results.base import CellKey
from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.compare import CELLS, CompareResult
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.artifacts.results.train import LogEntry, TrainResult, TrainSettings
from dsbs.artifacts.run_folder import open_run
from dsbs.comparison.cell import Cell
from dsbs.comparison.cell_results import cell_result
from dsbs.comparison.claims import judge
from dsbs.config.compare import CompareConfig
from dsbs.config.generate import GenerateConfig
from dsbs.config.presets import PAPER
from dsbs.config.train import TrainConfig
from dsbs.core.records import Answer, Completion, Example, Prediction
from dsbs.labeling.aggregate import ReadAnswer, write_dataset
from dsbs.metrics.accuracy import interval
from dsbs.reporting.write import Report
from dsbs.tasks.fingerprint import input_hash
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task

MEASURED = "evaluate-test-generate"
PARAMETERS = {
    "tiny": 330e3,
    "google/t5-v1_1-small": 77e6,
    "google/t5-v1_1-base": 248e6,
    "google/t5-v1_1-large": 783e6,
}
CHOICES = ("shore", "bank", "hill", "desert", "roof")
REASON = "A rock rolls down until something stops it, and what lies at the foot of the slope here is the {}."


@dataclass
class World:
    """Test questions of the task cqa with a teacher's answers, and students who know more with
    size, data and method.
    """

    folder: Path
    examples: int = 300
    students: Sequence[str] = ("google/t5-v1_1-small", "google/t5-v1_1-base")
    fractions: Sequence[float] = (0.125, 0.25, 0.5, 1.0)
    seeds: int = 5
    seed: int = 7
    hostile: str = ""

    def __post_init__(self) -> None:
        self.task = load_task("cqa")
        self.rng = np.random.default_rng(self.seed)
        self.difficulty = self.rng.normal(size=self.examples)
        self.questions = [self._question(at) for at in range(self.examples)]

    def _question(self, at: int) -> Example:
        text = f"Rock number {at:,} lies on the way. Where does it come to rest when it rolls?"
        lines = "\n".join(
            f"({letter}) {choice}" for letter, choice in zip("abcde", CHOICES, strict=True)
        )
        gold = CHOICES[int(self.rng.integers(len(CHOICES)))]
        given = f"{self.hostile} {text}" if self.hostile and at == 0 else text
        return Example(
            f"test-{at:06d}", "test", {}, f"{given}\nAnswer Choices:\n{lines}", CHOICES, gold
        )

    def answers(self, teacher: str = "PaLM 540B") -> Path:
        """A run of generate; the teacher is right on three quarters, and one answer of ten has
        something wrong with it.
        """
        task, out = self.task, self.folder / "answers"
        with open_run(out, GenerateResult, GenerateConfig(task="cqa", out=out)) as run:
            run.finish(self._generated(task, out, teacher), sorted(out.glob("data/*")))
        return out

    def _generated(self, task: Task, out: Path, teacher: str) -> GenerateResult:
        answers = (self._answer(e, at) for at, e in enumerate(self.questions))
        with AnswerWriter(out, task) as writer:
            splits = write_dataset(answers, task, writer)
        return GenerateResult.model_validate(
            {
                "out": str(out),
                "task": "cqa",
                "teacher": teacher,
                "splits": splits,
                "new": self.examples,
                "prompt_tokens": 700 * self.examples,
                "completion_tokens": 40 * self.examples,
                "cost": 1.5,
                "labeling_s": 61.0,
            }
        )

    def _answer(self, example: Example, at: int) -> ReadAnswer:
        label = example.gold if self.rng.random() < 0.75 else str(self.rng.choice(CHOICES))
        rationale = " ".join([REASON.format(label)] * int(self.rng.integers(1, 4)))
        rationale = f"{self.hostile} {rationale}" if self.hostile and at == 0 else rationale
        answer = Answer(example.id, "ok", rationale, label, "exact")
        if at % 10 == 9:
            answer = Answer(example.id, "no_label" if at % 20 == 9 else "cut_off")
        return ReadAnswer(example, Completion(example.id, rationale), answer, capped=False)

    def compare(self, answers: Path) -> Path:
        """A run of compare over students x methods x fractions x seeds."""
        out = self.folder / "compare"
        grid = {"student": ",".join(self.students), "seeds": ",".join(map(str, range(self.seeds)))}
        fractions = ",".join(map(str, self.fractions))
        config = CompareConfig(answers=answers, out=out, data_fracs=fractions, **grid)
        with open_run(out, CompareResult, config, answers=[answers]) as run:
            run.finish(self._compared(out, config))
        return out

    def _compared(self, out: Path, config: CompareConfig) -> CompareResult:
        cells = [self._cell(out, cell.settings) for cell in config.grid()]
        verdicts = {c.name: read_verdicts(out / c.predictions) for c in cells if c.predictions}
        results = CompareResult(
            out=str(out),
            task="cqa",
            equal="steps",
            decode="generate",
            teacher_accuracy=0.75,
            cells=cells,
        )
        return judge(results, verdicts, {})

    def _cell(self, out: Path, config: TrainConfig) -> CellResult:
        name = Cell(config, self.task, "steps").name
        folder = out / CELLS / name
        knows = (
            0.25 * np.log10(PARAMETERS[config.student] / 248e6)
            + 0.25 * np.log2(config.data_frac)
            + self.rng.normal(0, 0.03)
        )
        better = config.method == "step_by_step"
        right = self.difficulty + self.rng.normal(size=self.examples) < 0.5 + knows + 0.1 * better
        trained = self._train(folder, config, accuracy=float(right.mean()))
        measured = self._measure(folder, config, right)
        predictions = f"{CELLS}/{name}/{MEASURED}/{PREDICTIONS}"
        return cell_result(trained, measured, name=name, out=folder, predictions=predictions)

    def _train(self, folder: Path, config: TrainConfig, *, accuracy: float) -> TrainResult:
        steps = range(250, 10_001, 250)
        log = [
            LogEntry(step=s, loss=0.4 + 8 * np.exp(-s / 900) + self.rng.normal(0, 0.01))
            for s in steps
        ]
        log += [LogEntry(step=s, eval_accuracy=accuracy * (1 - np.exp(-s / 1500))) for s in steps]
        rows = int(8766 * config.data_frac)
        both = 2 if config.method == "step_by_step" else 1
        parameters = PARAMETERS[config.student]
        trained = TrainResult(
            **_key(config),
            task="cqa",
            out=str(folder),
            settings=TrainSettings(**vars(replace(PAPER, max_steps=10_000))),
            steps=10_000,
            n_rows=8766,
            n_fraction=rows,
            n_train=rows,
            epochs=640_000 / rows,
            sequences_seen=640_000 * both,
            target_tokens=2_000_000 * both,
            train_flops=6 * parameters * 640_000 * 60 * both,
            parameters=int(parameters),
            selected_by="training_labels",
            best_step=9000,
            best_validation_accuracy=accuracy,
            log=log,
        )
        with open_run(folder, TrainResult, config, answers=[self.folder / "answers"]) as run:
            run.finish(trained)
            run.manifest.wall_s = 4000.0 * both * parameters / 248e6
            run.write()
        return trained

    def _measure(
        self, folder: Path, config: TrainConfig, right: NDArray[np.bool_]
    ) -> EvaluateResult:
        wrong = itertools.cycle([*CHOICES, None])
        predictions = [
            self._prediction(example, bool(ok), next(wrong), said=str(config.seed))
            for example, ok in zip(self.questions, right, strict=True)
        ]
        (folder / MEASURED).mkdir(parents=True)
        write_predictions(folder / MEASURED / PREDICTIONS, predictions)
        correct = sum(bool(p.correct) for p in predictions)
        return EvaluateResult(
            **_key(config),
            run=str(folder),
            out=str(folder / MEASURED),
            task="cqa",
            split="test",
            decode="generate",
            n=self.examples,
            correct=correct,
            ci95_examples=interval(correct, self.examples),
            unparsable=sum(p.label is None for p in predictions) / self.examples,
            chance=0.2,
            teacher_accuracy=0.75,
        )

    def _prediction(self, example: Example, ok: bool, wrong: str | None, said: str) -> Prediction:
        label = example.gold if ok else wrong if wrong != example.gold else None
        raw = label or (f"{self.hostile} {said}" if self.hostile else f"nothing readable, {said}")
        return Prediction(
            example.id,
            raw,
            label,
            example.gold,
            label == example.gold,
            input_hash=input_hash(self.task, example),
        )


def _key(config: TrainConfig) -> dict[str, Any]:
    """What sets a student apart."""
    return {name: getattr(config, name, None) for name in CellKey.model_fields}


class LargeReport(NamedTuple):
    """A report about 50 students and 10,000 questions, and the processor time it took."""

    page: Path
    results: Report
    cpu_s: float
