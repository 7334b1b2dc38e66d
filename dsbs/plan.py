"""Choose before spending: which teacher, which student, how much data, and what it costs.

    python -m dsbs.plan teacher --student 770M
    python -m dsbs.plan budget --compute 1e21 --scenario inference --student 1B
    python -m dsbs.plan cost --task svamp --rows 10k --teacher 7B --student t5-v1_1-base
    python -m dsbs.plan forecast runs/cqa-compare --target 0.85
    python -m dsbs.plan law --n-student 1e9 --d-student 2e10 --teacher-loss 2.0
    python -m dsbs.plan fit runs.csv

Each answers with tables and one sentence, says what it rests on, and draws its figure with --html or --plot. Nothing is
trained and no model is loaded.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

from dsbs.cli.stage import Stage, StageGroup
from dsbs.config.plan import (
    BudgetPlanConfig,
    CostPlanConfig,
    FitPlanConfig,
    ForecastPlanConfig,
    LawPlanConfig,
    PlanConfig,
    TeacherPlanConfig,
)
from dsbs.core.tables import table
from dsbs.planning import budget, cost, fit, forecast, law, teacher
from dsbs.plots.charts import save_figure, save_page


def answer(question: ModuleType, config: PlanConfig) -> dict[str, Any]:
    """Answer one question, and write its figure or page where the configuration asks for one."""
    results: dict[str, Any] = question.answer(config)
    if config.plot is not None:
        save_figure(config.plot, question.charts(results))
    if config.html is not None:
        save_page(
            config.html,
            title=f"dsbs plan {question.__name__.rsplit('.', 1)[-1]}",
            sentence=results["sentence"],
            tables=question.tables(results),
            notes=results["rests_on"],
            charts=question.charts(results),
        )
    return results


def show(question: ModuleType, results: Mapping[str, Any]) -> str:
    """The tables, the sentence, and what it rests on."""
    shown = [
        table(found.columns, found.rows, title=found.title) for found in question.tables(results)
    ]
    return "\n".join(
        [*shown, results["sentence"], "rests on:", *(f"  - {note}" for note in results["rests_on"])]
    )


def _stage(question: ModuleType, config: type[PlanConfig]) -> Stage[Any]:
    name = question.__name__.rsplit(".", 1)[-1]
    ask: Callable[[Any], dict[str, Any]] = partial(answer, question)
    return Stage(f"plan {name}", config, ask, partial(show, question))


STAGE = StageGroup(
    "plan",
    "Choose before spending: which teacher, which student, how much data, and what it costs.",
    (
        _stage(teacher, TeacherPlanConfig),
        _stage(budget, BudgetPlanConfig),
        _stage(cost, CostPlanConfig),
        _stage(forecast, ForecastPlanConfig),
        _stage(law, LawPlanConfig),
        _stage(fit, FitPlanConfig),
    ),
)

if __name__ == "__main__":
    STAGE.main()
