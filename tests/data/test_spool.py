"""Memory hardly grows with the number of rows."""

import tracemalloc

from dsbs.data.load import load_data
from dsbs.tasks.prompts import load_task
from support.farm import Farm


def test_of_each_row_few_bytes_stay_in_memory(farm: Farm) -> None:
    task, used = load_task(str(farm.task)), []
    for sounds in (50, 450):
        farm.write(
            [
                {"animal": f"duck {n}", "sound": "x" * 300, "kind": "bird"}
                for n in range(10 * sounds)
            ]
        )
        tracemalloc.start()
        data = load_data(task, farm.data).with_validation()
        used.append(tracemalloc.get_traced_memory())
        tracemalloc.stop()
        assert sum(map(len, data.splits.values())) == 10 * sounds
    (before, peak_before), (after, peak_after) = used
    assert (after - before) / 4000 < 40
    assert (peak_after - peak_before) / 4000 < 150
