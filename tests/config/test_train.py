"""Settings of training that cannot go together."""

import pytest

from dsbs.core.errors import InputError

WRONG_SETTINGS = [
    ({"answers": ["a"], "teacher_weights": [1, 2]}, "teacher_weights"),
    ({"answers": ["a", "b"], "teacher_weights": [1, 0]}, "teacher_weights"),
    ({"answers": ["a"], "rationale_tasks": ["x", "y"]}, "rationale_tasks"),
    ({"alpha": 1.0, "alpha_schedule": "linear"}, "alpha_schedule"),
    ({"soft_teacher": ["a"]}, "soft_weight"),
    (
        {"soft_teacher": ["a"], "soft_weight": 0.5, "soft_teacher_weights": [1, 2]},
        "soft_teacher_weights",
    ),
]


@pytest.mark.parametrize(("settings", "name"), WRONG_SETTINGS)
def test_settings_that_cannot_go_together_are_refused_before_anything_is_read(
    settings: dict[str, object], name: str
) -> None:
    from dsbs import api

    with pytest.raises(InputError, match=f"--{name.replace('_', '-')}"):
        api.train(**settings)
