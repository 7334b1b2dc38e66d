"""The audit: when a contract is withdrawn, and that it stays so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsbs.contracts.audit import Audit
from dsbs.core.errors import InputError


def calls(share: float, count: int, seed: int) -> list[bool]:
    return (np.random.default_rng(seed).random(count) < share).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_drift_after_a_quiet_time_is_found_within_500_audited_calls(seed: int) -> None:
    audit = Audit(budget=0.02)
    assert not audit.observe_all(calls(0.01, 5000, seed))
    assert audit.observe_all(calls(0.10, 500, seed + 100))


def test_a_withdrawn_contract_stays_withdrawn() -> None:
    audit = Audit(budget=0.02)
    audit.observe_all([True] * 30)
    assert audit.withdrawn
    assert all(audit.observe(False) for _ in range(2000))


def test_calls_that_agree_cost_nothing_and_withdraw_nothing() -> None:
    audit = Audit(budget=0.01)
    assert not audit.observe_all([False] * 1000)
    assert audit.state.log_wealth == 0


@given(st.lists(st.booleans(), max_size=300), st.integers(0, 300))
def test_an_audit_goes_on_from_its_state(seen: list[bool], cut: int) -> None:
    whole = Audit(budget=0.05)
    whole.observe_all(seen)
    first = Audit(budget=0.05)
    first.observe_all(seen[:cut])
    second = Audit(budget=0.05, state=first.state)
    second.observe_all(seen[cut:])
    assert second.state == whole.state


@given(st.lists(st.booleans(), max_size=260), st.floats(0.005, 0.5, allow_subnormal=False))
def test_the_wealth_is_a_fair_game_at_the_budget(seen: list[bool], budget: float) -> None:
    """Whatever happened before, the next call multiplies the wealth by 1 on average."""
    audit = Audit(budget)
    audit.observe_all(seen)
    after = {}
    for different in (True, False):
        follower = Audit(budget, state=audit.state)
        follower.observe(different)
        after[different] = np.exp(follower.state.log_wealth - audit.state.log_wealth)
    assert budget * after[True] + (1 - budget) * after[False] == pytest.approx(1)


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="budget"):
        Audit(budget=0.0)
