"""The teacher of an earlier run is asked about other rows, and about nothing twice."""

from pathlib import Path

import pytest

from dsbs.core.errors import InputError
from dsbs.labeling.ask_again import ask_again
from support.farm import Farm
from support.served_farm import Serve, ask, seen

NEW = {"animal": "heron", "sound": "stands still"}


@pytest.mark.slow
def test_only_what_the_store_lacks_is_asked(farm: Farm, serve: Serve, tmp_path: Path) -> None:
    pytest.importorskip("openai")
    log = tmp_path / "seen.txt"
    ask(farm, serve("--log", log), max_rows=10, splits="train")
    known = sum(seen(log).values())
    labels = ask_again(farm.folder / "asked", [*farm.rows, NEW])
    assert len(labels) == len(farm.rows) + 1
    assert set(labels.values()) <= {"bird", "mammal"}
    assert max(seen(log).values()) == 1
    total = sum(seen(log).values())
    assert total == len(farm.rows) + 1
    assert ask_again(farm.folder / "asked", [NEW]).keys() <= labels.keys()
    assert known == 10
    assert sum(seen(log).values()) == total


def test_published_answers_have_nobody_to_ask(answered_farm: Farm) -> None:
    with pytest.raises(InputError, match="answers that were published"):
        ask_again(answered_farm.folder / "answered", [NEW])
