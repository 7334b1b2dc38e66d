"""What all answers of the planner have in common."""

from abc import abstractmethod

from pydantic import BaseModel, ConfigDict, computed_field

from dsbs.scaling.fitting import Interval


class Part(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class Plan(Part):
    """An answer: numbers, one sentence, and what they rest on."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        return self._sentence()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def rests_on(self) -> list[str]:
        """Sources, assumptions, and where the answer leaves what was measured."""
        return self._rests_on()

    @abstractmethod
    def _sentence(self) -> str:
        """What `sentence` gives."""

    @abstractmethod
    def _rests_on(self) -> list[str]:
        """What `rests_on` gives."""


class Estimate(Part):
    """A value between the ends of its 90 % interval."""

    low: float
    value: float
    high: float

    @classmethod
    def of(cls, interval: Interval) -> "Estimate":
        """The same as plain numbers."""
        return cls(low=float(interval.low), value=float(interval.value), high=float(interval.high))
