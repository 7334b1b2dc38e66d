"""Frozen embeddings of an encoder that starts from random weights."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("torch")

from dsbs.baselines.embedding import Embeddings, embedded
from dsbs.baselines.labels import LabeledRow
from dsbs.core.errors import InputError
from support.baseline_rows import label_task, row

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "pear", "plum", "saw", "drill", "one", "two"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("encoder")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(folder)
    vocabulary = folder / "words.txt"
    vocabulary.write_text("\n".join(WORDS))
    BertTokenizer(str(vocabulary)).save_pretrained(folder)
    return folder


def test_padding_changes_no_embedding_and_each_has_length_one(encoder: Path) -> None:
    texts = ["one pear", "saw", "two drill one plum"]
    together = Embeddings(encoder).of(texts)
    alone = np.vstack([Embeddings(encoder).of([text]) for text in texts])
    assert together == pytest.approx(alone, abs=1e-5)
    assert np.linalg.norm(together, axis=1) == pytest.approx(1)


def test_known_texts_are_not_embedded_again_but_their_time_is_counted(encoder: Path) -> None:
    embeddings = Embeddings(encoder)
    first = embeddings.of(["pear", "saw"])
    assert embeddings.saved_s == 0
    assert (embeddings.of(["saw", "pear"]) == first[::-1]).all()
    assert embeddings.saved_s > 0


def test_classes_and_options_are_learned_from_embeddings(encoder: Path) -> None:
    embeddings = Embeddings(encoder)
    words = {"pear": "yes", "plum": "yes", "saw": "no", "drill": "no"}
    train = [LabeledRow(row(word), label) for word, label in words.items()] * 5
    guesses = embedded(label_task("class"), train, embeddings)([row(word) for word in words])
    assert [guess.label for guess in guesses] == list(words.values())
    pairs = [("pear", "saw"), ("plum", "drill")]
    train = [LabeledRow(row("one", *pair), pair[0]) for pair in pairs] * 5
    (guess,) = embedded(label_task("choice"), train, embeddings)([row("one", "saw", "pear")])
    assert guess.label == "pear"


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--embedding-model .*: got no config.json"):
        Embeddings(tmp_path)
