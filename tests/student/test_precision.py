"""Numbers that a device cannot train with are refused."""

from pathlib import Path

import pytest

from support.farm import Farm


def test_fp16_is_refused_with_the_reason(tmp_path: Path, answered_farm: Farm) -> None:
    from dsbs import api

    with pytest.raises(api.InputError, match="overflow"):
        api.train(
            answers=answered_farm.folder / "answered",
            precision="fp16",
            out=tmp_path / "x",
            max_steps=1,
        )
