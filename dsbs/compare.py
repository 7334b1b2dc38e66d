"""Train and measure a grid of students, and compare them with each other and with the teacher.

    python -m dsbs.compare --answers runs/cqa-palm --data-fracs 0.25,1.0 --seeds 0,1
    python -m dsbs.compare --pipeline cqa --answers runs/cqa-palm --student google/t5-v1_1-base
    python -m dsbs.compare --answers runs/cqa-palm --seeds 0,1,2,3,4 --tune lr --also-equal compute
    python -m dsbs.compare --answers runs/palm,runs/neox --alpha 0.3,0.5,0.7 --seeds 0,1,2

Every cell of the grid is a train run in cells/. The same command goes on where it stopped: cells
that are done are not repeated. A cell that fails does not stop the others; the exit code is then 1.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.verdict import Prices
from dsbs.artifacts.run_folder import open_run
from dsbs.baselines.ablation import check_fields
from dsbs.baselines.embedding import Embeddings
from dsbs.baselines.kit import Kit
from dsbs.cli.stage import Stage
from dsbs.comparison import findings
from dsbs.comparison.baseline_cells import BaselineRows, Plan
from dsbs.comparison.cautions import cautions
from dsbs.comparison.cell import Job
from dsbs.comparison.cells import group_numbers
from dsbs.comparison.compare import Design, compare_students
from dsbs.comparison.grid import make_grid
from dsbs.comparison.launch_local import train_locally
from dsbs.comparison.launch_ray import train_on_ray
from dsbs.comparison.materials import Materials, teachers_of
from dsbs.comparison.power import detectable
from dsbs.comparison.score_sentences import teacher_sentence
from dsbs.comparison.verdict import at_prices
from dsbs.comparison.verdict_sentences import verdict_lines
from dsbs.config.compare import CompareConfig
from dsbs.config.resolve import student_of, training_of
from dsbs.core.progress import say
from dsbs.core.require import check_installed
from dsbs.core.tables import table
from dsbs.distillation.labeled_data import TrainingData
from dsbs.metrics.collapse import say_notices
from dsbs.reporting.means_table import groups_table

_PACKAGES = ("torch", "transformers", "accelerate", "scipy", "statsmodels")


def compare(config: CompareConfig) -> CompareResult:
    """Train and measure every cell. `status` is "incomplete" if a cell failed."""
    check_installed(*_PACKAGES, extra="train", needed_by="dsbs compare")
    grids = [*config.grid(), *config.baseline_grid()]
    materials = Materials(one.settings for one in grids)
    students = tuple(student_of(name, materials.task) for name in config.student)
    config = config.model_copy(update={"student": students})
    name = f"{materials.task.name}-compare-{config.slug(*materials.answer_names)}"
    out = config.out or Path("runs") / name
    answers = materials.answer_folders
    with open_run(out, CompareResult, config, materials.files, answers=answers) as run:
        if run.finished is not None:
            say(f"{out} is done already")
            say_notices(run.finished.notices)
            return at_prices(run.finished.moved_to(out), _prices(config))
        _say_detectable(materials.first)
        design = Design(
            cells=make_grid(config.grid(), materials, config.equal, config.also_equal),
            equal=config.equal,
            tunes_rates=config.tune == "lr",
            decode=config.decode,
            score_norm=config.score_norm,
            duplicates=config.duplicates,
            margin=config.margin,
            baselines=_baselines(config, materials),
            prices=_prices(config),
            pairs=config.paired_axes(),
            teachers=tuple(teachers_of(config.teacher_values(), config.teacher_sizes, materials)),
            train_ahead=_launcher(config),
        )
        results = compare_students(design, materials, out)
        run.finish(results, status=results.status)
        say_notices(results.notices)
        return results


def show(results: CompareResult) -> str:
    """The table of means, then the findings and what limits them."""
    means = groups_table(results, results.task)
    read = results.decode
    if read == "score":
        read += f" ({results.score_norm})"
    title = f"{results.task}: test, equal {results.equal}, labels read by {read}"
    chosen = [row for row in results.tuning if row.chosen]
    lines = [
        *verdict_lines(results.verdict),
        table(means.columns, means.rows, title=title, width=270),
        *_teachers(results),
        *(findings.tuned_sentence(row, results.equal) for row in chosen),
        *findings.findings(results),
        *cautions(results),
        f"Everything is in {results.out}",
    ]
    return "\n".join(lines)


def _baselines(config: CompareConfig, materials: Materials) -> Plan:
    """InputError for fields to hide that the task does not have, and for a folder of no model."""
    if "input-ablated" in config.baselines:
        check_fields(materials.task, config.ablate_field)
    folder = config.embedding_model if "embedding" in config.baselines else None
    return Plan(
        names=config.baselines,
        rows=[
            BaselineRows(
                training_of(one.settings, materials.task), materials.of(one.settings), one.levels
            )
            for one in config.baseline_grid()
        ],
        equal=config.equal,
        kit=Kit(Embeddings(folder) if folder else None, config.ablate_field),
        embedding_model=str(folder) if folder else None,
    )


def _prices(config: CompareConfig) -> Prices:
    return Prices(
        calls=config.calls,
        core_hour=config.price_per_core_hour,
        gpu_hour=config.price_per_gpu_hour,
    )


def _teachers(results: CompareResult) -> list[str]:
    """How often each teacher is right itself."""
    if len(results.teachers) < 2:
        return [teacher_sentence(results.teacher_score)]
    return [teacher_sentence(teacher.score, teacher.name) for teacher in results.teachers]


def _launcher(config: CompareConfig) -> Callable[[Sequence[Job]], None] | None:
    """How students are trained in processes of their own; None if they are not."""
    if config.launcher == "ray":
        return partial(
            train_on_ray,
            address=config.ray_address,
            cpus_each=config.ray_cpus,
            gpus_each=config.ray_gpus,
        )
    return partial(train_locally, at_once=config.jobs) if config.jobs > 1 else None


def _say_detectable(data: TrainingData) -> None:
    """What the test set can show, before anything is spent on it."""
    if test := data.splits.get("test"):
        teacher = data.teacher_verdicts("test")
        accuracy = sum(teacher.values()) / len(teacher) if teacher else 0.5
        row_groups = {example.id: example.group for example in test if example.group is not None}
        numbers = group_numbers([example.id for example in test], row_groups)
        groups = None if numbers is None else int(numbers.max()) + 1
        found = detectable(len(test), accuracy=accuracy, groups_of_rows=groups)
        say(findings.detectable_sentence(found))


STAGE = Stage("compare", CompareConfig, compare, show)

if __name__ == "__main__":
    STAGE.main()
