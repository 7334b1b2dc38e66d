"""Whether a contract still holds, asked after every audited call: a test valid at every moment."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from dsbs.core.errors import check_positive

_WINDOW = 200
"""Audited calls that the bet looks back on. After a long quiet time, a bet that looks back on all
calls finds nothing within 500."""
_PRIOR = 50
"""Calls at the budget itself that the window begins with: few differences are no trend."""
_CAP = 0.5
"""Largest share of the wealth that one equal answer may cost."""


@dataclass(frozen=True)
class AuditState:
    """All that an audit remembers: enough to go on with it in another process."""

    audited: int = 0
    different: int = 0
    log_wealth: float = 0.0
    withdrawn: bool = False
    recent: tuple[bool, ...] = ()
    """The last audited calls, the newest last."""


@dataclass
class Audit:
    """An e-process against "at most `budget` of all calls are answered locally and differently".

    The wealth is the product of 1 + b (x - budget), where x is 1 for such a call, and the bet b
    follows from earlier calls alone. While the contract holds, it is a supermartingale, so it ever
    reaches 1 / level with a probability of at most `level` (Ville's inequality; Waudby-Smith and
    Ramdas 2024). The bet is Kelly's for the share seen among recent calls.
    """

    budget: float
    """The contract's: above 0, below 1."""
    level: float = 0.05
    """Probability of a false withdrawal, over the whole life of the contract."""
    state: AuditState = field(default_factory=AuditState)
    """Where an earlier audit ended. Default: a new one."""

    def __post_init__(self) -> None:
        check_positive("audit", budget=self.budget, level=self.level)
        self._recent = deque(self.state.recent, maxlen=_WINDOW)

    @property
    def withdrawn(self) -> bool:
        """Whether the contract is withdrawn. It stays so."""
        return self.state.withdrawn

    def observe(self, different: bool) -> bool:
        """Count one audited call, and return whether the contract is withdrawn.

        Args:
            different: Whether it was answered locally (or would have been) and differently. False
                for a call that went to the teacher anyway: calls are audited at random from all.
        """
        state = self.state
        wealth = state.log_wealth + math.log1p(self._bet() * (different - self.budget))
        self._recent.append(different)
        self.state = AuditState(
            audited=state.audited + 1,
            different=state.different + different,
            log_wealth=wealth,
            withdrawn=state.withdrawn or wealth >= -math.log(self.level),
            recent=tuple(self._recent),
        )
        return self.state.withdrawn

    def observe_all(self, calls: Iterable[bool]) -> bool:
        """Count several audited calls, in order."""
        for different in calls:
            self.observe(different)
        return self.withdrawn

    def _bet(self) -> float:
        """b of the next call: 0 while the recent share is within the budget."""
        seen = (sum(self._recent) + _PRIOR * self.budget) / (len(self._recent) + _PRIOR)
        kelly = (seen - self.budget) / (self.budget * (1 - self.budget))
        return min(max(kelly, 0.0), _CAP / self.budget)
