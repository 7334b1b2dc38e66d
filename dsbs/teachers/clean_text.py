"""Text that other programs hand over, made fit to be stored."""


def clean_text(text: str) -> str:
    r"""The text with pairs of surrogates joined; one without its other half becomes U+FFFD.

    JSON can state half a character, as a server does that cuts an emoji in two. No file or database
    in UTF-8 can hold it.

    >>> clean_text("owl \\ud83e\\udd89, half an owl \\ud83e")
    'owl 🦉, half an owl �'
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
