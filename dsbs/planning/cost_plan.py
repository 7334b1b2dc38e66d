"""The answer of `plan cost`."""

from dsbs.core.progress import duration
from dsbs.core.sizes import show_size
from dsbs.labeling.request_tokens import RequestTokens, TotalTokens
from dsbs.planning.break_even import BreakEven
from dsbs.planning.hardware import ACCELERATORS
from dsbs.planning.plan import Part, Plan


class TeacherSize(Part):
    """The teacher."""

    name: str
    params: float
    weights_bytes: float
    """In bfloat16."""


class StudentTraining(Part):
    """The student and its training."""

    name: str
    params: float
    train_flops: float
    steps: int
    batch: int
    """Examples per step over all devices."""
    micro_batch: int
    """Sequences per forward pass on one device."""
    optimizer: str


class DeviceMemory(Part):
    """Bytes of the student's training on each of so many devices."""

    devices: int
    weights: float
    gradients: float
    optimizer_states: float
    activations: float
    total: float


class DeviceTime(Part):
    """What one kind of accelerator takes for the work."""

    name: str
    teacher_h: float
    """Device-hours of the teacher."""
    student_h: float
    energy_kwh: float
    """At the board's full power."""
    money: float | None
    """None without a price per hour."""
    teacher_devices: int
    """Devices that hold the teacher's weights."""
    fits: list[int]
    """Those numbers of devices on which the student's training fits."""
    source: str
    """Where its peak is stated."""


class Assumed(Part):
    """What nobody measured."""

    utilization: float
    """Share of the peak that the student's training reaches."""
    teacher_utilization: float
    """Share of the peak that the teacher's reading of prompts reaches."""
    concurrency: int
    """Answers that a device writes at once."""


class CostPlan(Plan):
    """Tokens, money, operations, memory, hours and energy of a distillation."""

    task: str
    rows: int
    samples: int
    """Answers per row."""
    tokens_per_request: RequestTokens
    tokens: TotalTokens
    money: float | None
    """For the teacher's tokens; None without prices."""
    teacher: TeacherSize
    student: StudentTraining
    memory: list[DeviceMemory]
    accelerators: list[DeviceTime]
    break_even: list[BreakEven]
    """Against the teacher's price and against --price-per-call, where they are known."""
    assumed: Assumed
    counted_by: list[str]
    """How the tokens of teacher and student were counted."""
    measured_on: str
    """The rows that stand for all."""

    def _sentence(self) -> str:
        first = self.accelerators[0]
        fresh = self.tokens.prompt_tokens - self.tokens.cached_tokens
        read, cached, written = (
            show_size(max(tokens, 1))
            for tokens in (fresh, self.tokens.cached_tokens, self.tokens.completion_tokens)
        )
        money = "" if self.money is None else f" for {self.money:,.2f}"
        teacher = duration(3600 * first.teacher_h)
        student = duration(3600 * first.student_h)
        return (
            f"{self.rows:,} rows take {read} prompt tokens ({cached} more come from the cache) and "
            f"{written} answer tokens{money}. Training takes {self.student.train_flops:.3g} FLOPs. "
            f"On one {first.name} the teacher takes about {teacher} and the student {student}, if "
            f"the assumed utilization holds.{self._break_even_words()}"
        )

    def _break_even_words(self) -> str:
        lines = [one.line() for one in self.break_even]
        return "".join(f" {line[0].upper()}{line[1:]}." for line in lines)

    def _break_even_basis(self) -> list[str]:
        if not self.break_even:
            return []
        first = self.accelerators[0]
        answers = "nothing"
        if self.money is not None:
            answers = "the price of its tokens"
        elif first.money is not None:
            answers = f"its hours on one {first.name}"
        hours = "nothing, because there is no --price-per-hour"
        if first.money is not None:
            hours = f"the hours of one {first.name}"
        return [
            f"break-even: spent once are {answers} for the teacher's answers and {hours} for "
            "training. A call to the student costs the time of its operations at --utilization; a "
            "device that waits between calls, people's time and retraining are not counted"
        ]

    def _rests_on(self) -> list[str]:
        assumed = self.assumed
        return [
            *self._break_even_basis(),
            *self.counted_by,
            f"prompt tokens are measured on {self.measured_on}. Answers and rationales are as long "
            "as the demonstrations'. A chat template is not counted",
            f"ASSUMED share of the peak in bf16: {assumed.utilization:g} for training, "
            f"{assumed.teacher_utilization:g} for reading prompts; {assumed.concurrency} answers "
            "are written at once. Measure yours and set --utilization, --teacher-utilization and "
            "--concurrency",
            "operations: the student's are counted from the T5's shape without padding, the "
            "teacher's by eq 9 of Busbridge et al. 2025",
            f"memory: fp32 weights with bf16 copies, fp32 gradients, {self.student.optimizer} "
            f"states, activations of {self.student.micro_batch} of the longest sequences; formulas "
            "are in dsbs/planning/hardware.py",
            "energy: the board's full power, without host and cooling; makers' figures "
            f"({len(ACCELERATORS)} accelerators are known)",
        ]
