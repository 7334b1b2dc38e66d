"""A batch gives what its rows give one by one, in passes of any size."""

from pathlib import Path

import numpy as np
import pytest

from dsbs import api
from dsbs.artifacts.student_card import read_card
from dsbs.runtimes import ctranslate2_decoder
from dsbs.runtimes.ctranslate2_decoder import CTranslate2Decoder
from support.farm import Farm
from support.random_students import save_random_student

pytest.importorskip("torch")
pytest.importorskip("ctranslate2")
INPUTS = [[11], list(range(20, 40)), [9, 5, 7], [50] * 8]
PROMPT = [10, 11, 12]


def engine(folder: Path) -> CTranslate2Decoder:
    farm = Farm(folder, sounds=1)
    student = save_random_student(farm, folder / "student", "llama")
    api.export(run=student, to="ctranslate2", out=folder / "export", latency_repeats=0)
    facts = read_card(folder / "export").export
    assert facts is not None
    return CTranslate2Decoder(folder / "export", facts, "fp32", threads=1)


def test_a_batch_gives_what_its_rows_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = engine(tmp_path)
    together = model.continuations(INPUTS, PROMPT, 9)
    assert together == [model.continuations([row], PROMPT, 9)[0] for row in INPUTS]
    assert {len(ids) for ids in together} <= set(range(1, 10))
    owner = [0, 1, 1, 2, 3]
    targets = [[5, 1], [6, 7, 8, 1], [1], [30, 31], [12] * 15]
    scored = model.likelihoods(INPUTS, owner, PROMPT, targets)
    assert [len(row) for row in scored] == [len(row) for row in targets]
    monkeypatch.setattr(ctranslate2_decoder, "_LOGITS", 1)  # a pass for every row
    alone = model.likelihoods(INPUTS, owner, PROMPT, targets)
    assert np.concatenate(alone) == pytest.approx(np.concatenate(scored), abs=1e-4)


def test_the_likeliest_token_is_written(tmp_path: Path) -> None:
    model = engine(tmp_path)
    ((first, *_),) = model.continuations(INPUTS[1:2], PROMPT, 1)
    every = [[token] for token in range(len(model._model.words))]
    scores = model.likelihoods(INPUTS[1:2], [0] * len(every), PROMPT, every)
    assert int(np.argmax(scores)) == first
    assert np.exp(scores).sum() == pytest.approx(1, abs=1e-4)
