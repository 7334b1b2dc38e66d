"""One undressing step for every text that may hold a label: of gold, of teachers, of students.

It removes what is no part of a label: typographic forms of characters, end tokens, bold and
italics, quotes, code marks, LaTeX, a leading colon, and courtesies at the end. It changes no word
and no digit.
"""

import re
import unicodedata

_CHARACTERS = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # full width
    **dict.fromkeys([0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD, 0xFE0F], ""),  # no width
    **dict.fromkeys([*range(0x2000, 0x200B), 0x00A0, 0x202F, 0x205F, 0x3000], " "),
    **dict.fromkeys([0x2028, 0x2029, 0x0085], "\n"),
    **dict.fromkeys(map(ord, "‘’‚‛′ʼ´"), "'"),
    **dict.fromkeys(map(ord, "“”„‟″«»「」『』"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒−﹣"), "-"),
    **dict.fromkeys(map(ord, "【〔"), "["),
    **dict.fromkeys(map(ord, "】〕"), "]"),
    **dict.fromkeys(map(ord, "。｡"), "."),
    ord("、"): ",",
    ord("…"): "...",
}

_IN_PLACE = {code: plain for code, plain in _CHARACTERS.items() if len(plain) == 1}

_BARE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ,.'()-]*[A-Za-z0-9.)])?")
"""Plain words, which need no undressing."""

_OPENING_TOKENS = re.compile(
    r"(?:\s*(?:<s>|<bos>|<pad>|<\|begin_of_text\|>|<\|begin_of_solution\|>"
    r"|<\|startoftext\|>|<\|im_start\|>(?:assistant)?"
    r"|<\|start_header_id\|>assistant<\|end_header_id\|>|<start_of_turn>model|<\|assistant\|>))+",
    re.IGNORECASE,
)
_END_TOKEN = re.compile(
    r"</s>|<eos>|<pad>|<end_of_turn>|<start_of_turn>|<turn\|>|<\|turn>|\[/?INST\]|\[EOS\]"
    r"|\[END FINAL RESPONSE\]"
    r"|<[|｜][a-z][\w▁:]*[|｜]>",
    re.IGNORECASE,
)
_BOX_TOKEN = re.compile(r"<\|(?:begin|end)_of_box\|>")
_TAG = re.compile(
    r"</?(?:b|i|u|em|strong|code|mark|span|p|br|final|answer|label|response"
    r"|output|solution|result|option|choice)\s*/?>",
    re.IGNORECASE,
)

_LATEX_SPACE = re.compile(
    r"\\(?:[,;:! ]|quad\b|qquad\b|left\b|right\b|displaystyle\b|[()\[\]])|(?<=[})])~(?=[\w\\({])"
)
_LATEX_WRAPPER = re.compile(
    r"\\(?:boxed|fbox|text|textbf|textit|texttt|textrm|mathrm|mathbf|mathit|mathsf|emph"
    r"|operatorname|underline)\s*\{"
)
_LATEX_ESCAPE = re.compile(r"\\([$%_&#{}])")
_MATH = re.compile(r"(\$\$?)(?=\S)([^$]+?)(?<=\S)\1(?![\d$])")

_EMPHASIS = re.compile(
    r"(?<![\w*_~`])(\*{1,3}|_{1,3}|~~|`{1,3})(?=[^\s*_~`])(.{1,200}?)(?<=\S)\1(?![\w*_~`(])", re.S
)
_CLOSING_EMPHASIS = re.compile(
    r"(?<=[^\s*])(?:\*{1,3}|`{1,3}|__)(?=\s*$|\s*\n|\s+[A-Za-z]|[.,;:!?])"
)
_LEADING = re.compile(r"(?:```\w*\n|[\s:*_`#→⇒•]|=>?|~~|>(?!\s*[\d=])|[-–—](?!\s*[\d.($]))+")
_QUOTED = re.compile(r"([\"'`])(?=\S)(.+?)\1(?!\w)", re.S)
_COURTESY = re.compile(
    r"(?:(?<=[.!?)*\"'\s])|(?<=[\w}]\n))(?:I hope (?:this|that)|Hope (?:this|that)|Let me know"
    r"|Feel free"
    r"|If you (?:have|need|want|would)|Is there anything|Would you like|Please (?:let|feel)"
    r"|Do you (?:want|need)|(?:I'm )?happy to help|Happy to)\b"
)


_SIGNS = r"[\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\U0001f300-\U0001faff]+"
_LEADING_SIGNS = re.compile(_SIGNS + r"\s*(?=[\w(\[*\"'$\\])")
_TRAILING_SIGNS = re.compile(r"\s+" + _SIGNS + r"\s*\Z")


def characters(text: str) -> str:
    """The text with composed accents, plain spaces, ASCII quotes, hyphens and full-width forms."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", text).translate(_CHARACTERS)


def characters_in_place(text: str) -> str:
    """The same for characters that become one other, so that places in both texts are the same."""
    return text if text.isascii() else text.translate(_IN_PLACE)


def cut_at_end_token(text: str) -> str:
    """The text up to the token that ends a turn, such as `</s>` or `<|im_end|>`."""
    if "<" not in text and "[" not in text:
        return text
    text = _BOX_TOKEN.sub("", text)
    if opening := _OPENING_TOKENS.match(text):
        text = text[opening.end() :]
    end = _END_TOKEN.search(text)
    return text[: end.start()] if end else text


def undress(text: str) -> str:
    """The text without anything that is no part of a label. Applying it twice changes nothing.

    >>> undress(': **"Ice"**.</s>')
    'Ice.'
    """
    if _BARE.fullmatch(text):
        return text
    for _ in range(30):  # each pass peels one layer
        undressed = _peel(text)
        if undressed == text:
            break
        text = undressed
    return text


def without_courtesy(text: str) -> str:
    """The text without a closing "I hope this helps!" and what follows it."""
    courtesy = _COURTESY.search(text)
    return text[: courtesy.start()].rstrip() if courtesy else text


def _peel(text: str) -> str:
    text = cut_at_end_token(characters(text)).strip().removesuffix("\n```")
    if "<" in text:
        text = _TAG.sub("", text)
    if "\\" in text or "$" in text:
        text = _plain_latex(text)
    if any(mark in text for mark in "*_~`"):
        text = _CLOSING_EMPHASIS.sub("", _EMPHASIS.sub(_emphasized, text))
    if leading := _LEADING.match(text):
        text = text[leading.end() :]
    if not text.isascii():
        text = _TRAILING_SIGNS.sub("", text)
        if signs := _LEADING_SIGNS.match(text):
            text = text[signs.end() :]
    text = text.strip()
    if quoted := _QUOTED.match(text):
        text = quoted[2] + text[quoted.end() :]
    if text.startswith("[[") and "]]" in text:
        text = text[2:].replace("]]", "", 1)
    return text.strip()


def _emphasized(match: re.Match[str]) -> str:
    """What is emphasized; a `*` that multiplies stays."""
    before = match.string[: match.start()].rstrip()
    multiplies = before[-1:].isdigit() or before.endswith(")")
    return match[0] if multiplies and match[2][0] in "0123456789(.+-$" else match[2]


def _plain_latex(text: str) -> str:
    text = _LATEX_SPACE.sub(" ", text)
    for _ in range(20):
        wrapper = _LATEX_WRAPPER.search(text)
        if wrapper is None:
            break
        end = closing_brace(text, wrapper.end())
        text = text[: wrapper.start()] + text[wrapper.end() : end] + text[end + 1 :]
    text = _LATEX_ESCAPE.sub(r"\1", text)
    return _MATH.sub(r"\2", text)


def closing_brace(text: str, start: int) -> int:
    """Where the brace that was opened just before `start` closes; the text's end if it does not."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return len(text)
