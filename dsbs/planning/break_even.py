"""From how many calls per month on a student pays for itself."""

from typing import NamedTuple

from dsbs.planning.plan import Part


class Service(NamedTuple):
    """What the student is to replace."""

    price_per_call: float | None = None
    months: float = 12.0
    """The time in which it is to pay for itself."""


class Spent(NamedTuple):
    """What a student costs once, and what a call to it takes."""

    tokens: float | None
    """Money for the tokens of the teacher's answers; None without prices."""
    requests: int
    teacher_h: float
    """Device-hours of the teacher."""
    training_h: float
    """Device-hours of the student's training."""
    call_flops: float
    speed: float
    """Operations per second that the student reaches."""
    device: str
    per_hour: float | None
    """Money for an hour of the device."""


class BreakEven(Part):
    """A student against something that is paid per call."""

    against: str
    """What is paid per call instead of the student."""
    price_per_call: float
    student_price_per_call: float
    """Of the device while the student answers; 0 without a price per hour."""
    one_off: float
    """Money for the teacher's answers and for training, spent once."""
    months: float
    """The time in which the student is to pay for itself."""
    calls_per_month: float | None
    """None where a call to the student costs as much or more, so that it never does."""

    def line(self) -> str:
        """The same in one sentence."""
        price = f"{self.against} ({self.price_per_call:.3g} per call)"
        if self.calls_per_month is None:
            return (
                f"against {price} the student never pays for itself: its own call costs "
                f"{self.student_price_per_call:.3g}"
            )
        return (
            f"against {price} the student pays for itself within {self.months:g} months from "
            f"{self.calls_per_month:,.0f} calls per month on"
        )


def break_even(
    against: str, *, price: float, student_price: float, one_off: float, months: float
) -> BreakEven:
    """The calls c per month with c x months x (price - student_price) = one_off."""
    saved = price - student_price
    return BreakEven(
        against=against,
        price_per_call=price,
        student_price_per_call=student_price,
        one_off=one_off,
        months=months,
        calls_per_month=one_off / (months * saved) if saved > 0 else None,
    )


def against_prices(spent: Spent, service: Service) -> list[BreakEven]:
    """Against the teacher's price, and against the price per call that was given.

    The teacher's price is that of its tokens. Without such a price it is that of its hours.
    """
    per_hour = spent.per_hour or 0.0
    hours = None if spent.per_hour is None else spent.teacher_h * per_hour
    answers = hours if spent.tokens is None else spent.tokens
    teacher = (
        f"the teacher on one {spent.device}" if spent.tokens is None else "the teacher's price"
    )
    prices = {
        teacher: None if answers is None else answers / spent.requests,
        "--price-per-call": service.price_per_call,
    }
    return [
        break_even(
            against,
            price=price,
            student_price=spent.call_flops / spent.speed / 3600 * per_hour,
            one_off=(answers or 0.0) + spent.training_h * per_hour,
            months=service.months,
        )
        for against, price in prices.items()
        if price is not None
    ]
