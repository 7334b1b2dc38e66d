"""The tokenizer of the student `tiny`."""

from dsbs.student.tokenizer import tokenizer_hash, train_tokenizer


def test_the_tokenizer_of_tiny_reads_back_every_text_and_gives_digits_their_own_token() -> None:
    made = train_tokenizer(["a label, some words 12", "( 84.0 / 2.0 )"] * 3, 400)
    for text in [
        "( 84.0 / 2.0 )",
        "Ünïcödé 漢字 🙂",
        "tab\tand\nline",
        "31415926535",
        "[label] it's",
    ]:
        assert made.decode(made(text).input_ids, skip_special_tokens=True).strip() == text
    assert len(made("31415", add_special_tokens=False).input_ids) in (5, 6)
    assert tokenizer_hash(made) == tokenizer_hash(
        train_tokenizer(["a label, some words 12", "( 84.0 / 2.0 )"] * 3, 400)
    )
    assert tokenizer_hash(made) != tokenizer_hash(train_tokenizer(["other words"] * 3, 400))


def test_a_word_of_a_megabyte_is_learned_from_in_parts_and_read_back() -> None:
    """Learned whole, it would take an hour."""
    word = "ab" * 500_000
    made = train_tokenizer(["so it is", word, " " * 1_000_000], 400)
    assert made.decode(made(word).input_ids, skip_special_tokens=True).strip() == word
