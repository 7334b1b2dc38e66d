"""What growing in either direction brings."""

import numpy as np

from dsbs.planning.growth import compare_growth
from support.planner import simulated_curve as curve


def test_growth_tells_what_pays_only_where_it_is_clear() -> None:
    rng = np.random.default_rng(0)
    sizes = [curve(rng, student=str(p), params=p, noise=0.002) for p in (1e4, 4e4, 1.6e5)]
    gains = compare_growth(sizes, samples=40).gains
    assert gains is not None
    assert (gains.pays_more == "bigger student") == (gains.difference.low > 0)
    data = 6 / 4000**0.5 - 6 / 8000**0.5
    size = 20 / 1.6e5**0.5 - 20 / 3.2e5**0.5
    for found, gain in ((gains.more_data.gain, data), (gains.bigger_student.gain, size)):
        assert found.low - 0.01 < gain < found.high + 0.01
    alone = compare_growth(sizes[:1])
    assert alone.gains is None
    assert "1 student size " in str(alone.refused)
