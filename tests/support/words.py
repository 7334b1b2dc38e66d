"""Words for a small tokenizer."""

WORDS = [
    f"{colour} {thing}"
    for colour in ("red", "green", "dark blue")
    for thing in ("apple", "boat", "hill")
]
