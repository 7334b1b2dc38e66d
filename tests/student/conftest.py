"""A small tokenizer for the tests of students."""

import pytest

from dsbs.student.tokenizer import train_tokenizer
from support.words import WORDS


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(WORDS, 300)
