"""Choose before you spend: which teacher, which student, how much data, at what cost.

    python -m dsbs.plan teacher --student 770M
    python -m dsbs.plan budget --compute 1e21 --scenario inference --student 1B
    python -m dsbs.plan cost --task svamp --rows 10k --teacher 7B --student t5-v1_1-base
    python -m dsbs.plan forecast runs/cqa-compare --target 0.85
    python -m dsbs.plan law --n-student 1e9 --d-student 2e10 --teacher-loss 2.0
    python -m dsbs.plan fit runs.csv

Each answers with tables, one sentence and what it rests on, and draws its figure with --html or
--plot. Nothing is trained and no model is loaded.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

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
from dsbs.config.presets import preset_of
from dsbs.core.files import write_text
from dsbs.core.tables import table
from dsbs.planning import budget, cost, fit, forecast, law, teacher
from dsbs.planning.break_even import Service
from dsbs.planning.candidates import read_candidates
from dsbs.planning.comparisons import read_curves
from dsbs.planning.cost_plan import Assumed, CostPlan
from dsbs.planning.forecast_plan import ForecastPlan
from dsbs.planning.hardware import accelerators
from dsbs.planning.model_sizes import known_shape, student_size, teacher_params
from dsbs.planning.plan import Plan
from dsbs.planning.run_table import read_runs
from dsbs.planning.teacher_plan import TeacherPlan
from dsbs.planning.teacher_sweep import read_sweeps
from dsbs.planning.token_counter import token_counter
from dsbs.planning.views import budget as budget_view
from dsbs.planning.views import cost as cost_view
from dsbs.planning.views import fit as fit_view
from dsbs.planning.views import forecast as forecast_view
from dsbs.planning.views import law as law_view
from dsbs.planning.views import teacher as teacher_view
from dsbs.planning.workload import sample_rows
from dsbs.plots.figure import Figure
from dsbs.plots.table import Table
from dsbs.tasks.prompts import load_task


class Question(NamedTuple):
    """One question: its settings, its answer, and how the answer is shown."""

    name: str
    config: type[PlanConfig]
    answer: Callable[[Any], Plan]
    tables: Callable[[Any], list[Table]]
    figures: Callable[[Any], list[Figure]]

    def run(self, config: PlanConfig) -> Plan:
        """Answer, and write the figure or page that the settings name."""
        plan = self.answer(config)
        if config.plot is not None:
            from dsbs.plots.drawing import draw_side_by_side

            suffix = config.plot.suffix.removeprefix(".")
            config.plot.write_bytes(draw_side_by_side(self.figures(plan), suffix))
        if config.html is not None:
            from dsbs.planning.page import render_page  # jinja is loaded only for a page

            title = f"dsbs plan {self.name}"
            page = render_page(title, plan, self.tables(plan), self.figures(plan))
            write_text(config.html, page)
        return plan

    def show(self, plan: Plan) -> str:
        """The tables, the sentence, and what it rests on."""
        tables = [table(one.columns, one.rows, title=one.title) for one in self.tables(plan)]
        notes = [f"  - {note}" for note in plan.rests_on]
        return "\n".join([*tables, plan.sentence, "rests on:", *notes])

    def stage(self) -> Stage[Any]:
        """The question as a command."""
        return Stage(f"plan {self.name}", self.config, self.run, self.show)


def _teacher(config: TeacherPlanConfig) -> TeacherPlan:
    listed = read_candidates(config.candidates) if config.candidates else ()
    sizes = {candidate.name: candidate.size for candidate in listed}
    return teacher.recommend_teacher(
        student_size(config.student),
        student_tokens=config.student_tokens,
        tokens_per_param=config.tokens_per_param,
        candidates=listed,
        sweeps=read_sweeps(config.compare, sizes) if config.compare else (),
    )


def _budget(config: BudgetPlanConfig) -> budget.BudgetPlan:
    student = student_size(config.student)
    return budget.split_budget(config.compute, student, scenario=config.scenario)


def _cost(config: CostPlanConfig) -> CostPlan:
    task = load_task(config.task)
    preset = preset_of(config.student)
    machines = cost.Machines(
        accelerators(config.accelerators), config.devices, config.price_per_hour
    )
    service = Service(config.price_per_call, config.months)
    return cost.estimate_cost(
        task,
        sample_rows(task, config.data, config.sample_rows),
        rows=None if config.rows is None else int(config.rows),
        samples=config.samples,
        teacher=cost.Teacher(
            name=config.teacher,
            params=teacher_params(config.teacher),
            counter=token_counter("teacher", config.teacher, config.tokenizer),
            price_in=config.price_in,
            price_out=config.price_out,
            price_cached=config.price_cached,
        ),
        student=cost.Student(
            name=config.student,
            shape=known_shape(config.student, "--student"),
            counter=token_counter("student", config.student, config.student_tokenizer),
            method=config.method,
            max_steps=config.max_steps or preset.max_steps,
            batch_size=config.batch_size or preset.batch_size,
            micro_batch_size=config.micro_batch_size,
            max_input_tokens=preset.max_input_tokens,
            max_target_tokens=preset.max_target_tokens,
            optimizer=config.optimizer,
        ),
        machines=machines,
        service=service,
        assumed=Assumed(
            utilization=config.utilization,
            teacher_utilization=config.teacher_utilization,
            concurrency=config.concurrency,
        ),
    )


def _forecast(config: ForecastPlanConfig) -> ForecastPlan:
    curves = read_curves(config.runs)
    return forecast.forecast(
        curves, target=config.target, seed=config.seed, samples=config.bootstrap_samples
    )


def _law(config: LawPlanConfig) -> law.LawPlan:
    if config.n_teacher is not None:
        known = law.teacher_of_size(config.n_teacher, config.d_teacher)
    else:
        assert config.teacher_loss is not None  # the settings hold exactly one of the two
        known = law.teacher_of_loss(config.teacher_loss)
    return law.expect_loss(config.n_student, config.d_student, teacher=known)


def _fit(config: FitPlanConfig) -> fit.FitPlan:
    bootstrap = fit.Bootstrap(config.delta, config.bootstrap_samples, config.seed)
    return fit.refit_law(read_runs(config.table), law=config.law, bootstrap=bootstrap)


QUESTIONS = (
    Question("teacher", TeacherPlanConfig, _teacher, teacher_view.tables, teacher_view.figures),
    Question("budget", BudgetPlanConfig, _budget, budget_view.tables, budget_view.figures),
    Question("cost", CostPlanConfig, _cost, cost_view.tables, cost_view.figures),
    Question(
        "forecast", ForecastPlanConfig, _forecast, forecast_view.tables, forecast_view.figures
    ),
    Question("law", LawPlanConfig, _law, law_view.tables, law_view.figures),
    Question("fit", FitPlanConfig, _fit, fit_view.tables, fit_view.figures),
)

STAGE = StageGroup(
    "plan",
    "Choose before you spend: which teacher, which student, how much data, at what cost.",
    tuple(question.stage() for question in QUESTIONS),
)

if __name__ == "__main__":
    STAGE.main()
