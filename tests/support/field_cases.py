"""What must hold of each field case: small inputs as people have them, kept outside the project.

What a case itself states about single answers is read from there; the rest is said here.
"""

import ast
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from support.places import DATA

FIELD = Path(os.environ.get("DSBS_FIELD", DATA.parent / "field"))
_LINE = re.compile(r"(\w+): text (.+) -> wanted (\(.+\))")


@dataclass(frozen=True)
class Wanted:
    """What must hold once the commands of a case have run."""

    codes: tuple[int, ...] = (0,)
    """Exit codes; one for all commands, or one each."""
    says: tuple[str, ...] = ()
    """Patterns of what the commands print, one line or more apart."""
    rows: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """By id: outcome, label, gold label, input; what is missing at the end does not matter."""
    outcomes: Mapping[str, int] | None = None
    """Rows by outcome over all splits that were labeled."""
    requests: int | None = None
    """Requests to the server at most."""
    given: tuple[bytes, ...] = ()
    """What stands on stdin of the last commands."""


class Stated(NamedTuple):
    """One answer of a case, and how it must be read. None means that anything is fine."""

    id: str
    outcome: str | None
    label: str | None


_LATE = ("ok", "complaint", "complaint", "Late")
_GOOD = ("ok", "complaint", "praise", "Good")
_TWO = Wanted(rows={"1": _LATE, "2": _GOOD})
_POSITION = Wanted((2,), ("the number of an option or its text", "gold_names"))
_COLUMNS = Wanted((2,), ("object of columns", 'orient="records"'))
_ANSWERED = Wanted(outcomes={"ok": 2})
_ICE = ("ok", "ice", "ice", "Cold?\n(a) fire\n(b) ice\n")


CASES: Mapping[str, Wanted] = {
    "01-choice-decorated": Wanted(outcomes={"ok": 20}),
    "03-choice-brackets-in-options": Wanted(outcomes={"ok": 8}),
    "04-choice-unicode-dots": Wanted(outcomes={"ok": 8}),
    "07-class-label-with-full-stop": Wanted(outcomes={"ok": 3}),
    "10-csv-bom-crlf-quotes": Wanted(
        rows={
            "1": ("ok", "complaint", "complaint", "Late, again"),
            "2": ("ok", "complaint", "praise", 'He said "great"\r\nand left'),
            "3": ("ok", "complaint", "question"),
        }
    ),
    "11-csv-semicolons": Wanted(rows={"1": (*_LATE[:3], "Late, again"), "2": (*_GOOD[:3], "Fine")}),
    "13-csv-empty-rows": Wanted(says=("left out: 1, the first in line 4",), outcomes={"ok": 2}),
    "13b-csv-empty-rows-noid": Wanted((2,), ("left out: 3", "got ids like 'all-x'")),
    "13c-csv-empty-rows-endpoint": Wanted(says=("left out: 3",), outcomes={"ok": 2}, requests=2),
    "14-csv-field-over-131072": _ANSWERED,
    "15-null-field": Wanted((2,), ("rows.jsonl:1: column 'text': got nothing",)),
    "18-parquet-nan-gold-text": Wanted(rows={"1": ("ok", "3.5", "3.5"), "2": ("ok", "blue", None)}),
    "18b-parquet-nan-gold-class": Wanted(
        rows={"1": _LATE, "2": ("ok", "complaint", None), "3": _GOOD}
    ),
    "19-parquet-timestamp-field": Wanted(
        rows={"1": (*_LATE[:3], "2024-01-02T00:00:00 Late")}, outcomes={"ok": 2}
    ),
    "19b-parquet-decimal-bytes-field": Wanted(rows={"1": (*_LATE[:3], "1.50 Late")}),
    "20-parquet-dictionary-list": Wanted(rows={"1": _ICE, "2": ("ok", "fire", "fire")}),
    "21-choice-int-gold-numeric-options": _POSITION,
    "21b-choice-int-gold-words": _POSITION,
    "21c-choice-gold-letter-case": Wanted(rows={"1": ("ok", "A", "A")}),
    "22-pandas-to-json-columns": _COLUMNS,
    "22b-pandas-to-json-columns-endpoint": _COLUMNS,
    "23-doccano-label-list": _TWO,
    "24-label-studio-gold-template": Wanted(rows={"7": _LATE, "8": _GOOD}),
    "25-gold-column-typo": Wanted((2,), ("no column 'Kind'.* did you mean 'kind'",)),
    "26-id-column-typo": Wanted((2,), ("no column 'ID'.* did you mean 'id'",)),
    "27-int-ids-in-answers": Wanted(
        rows={"1": ("ok", "complaint", "complaint"), "2": ("ok", "praise", "praise")}
    ),
    "28-null-id": Wanted((2,), ("rows.jsonl:1: column 'id': got no id",)),
    "28b-duplicate-ids": Wanted((2,), ("rows.jsonl:2: got id '2' a second time",)),
    "30-json-answers": Wanted(outcomes={"ok": 6, "no_label": 1}),
    "31-json-number-label": Wanted(outcomes={"ok": 3}),
    "32-text-endings": Wanted(outcomes={"ok": 8}),
    "33-refusals": Wanted(outcomes={"refused": 4, "no_label": 2, "label_not_allowed": 1}),
    "34-gsm8k-hashes": Wanted(outcomes={"ok": 7, "no_label": 1}),
    "41-endpoint-content-null": Wanted(rows={"0": ("cut_off", None)}, outcomes={"cut_off": 2}),
    "42-endpoint-choices-null": Wanted((1,), ("2 failed: a reply without choices",)),
    "43-endpoint-error-object-200": Wanted((1,), ("2 failed: .*insufficient credits",)),
    "44b-endpoint-usage-empty": _ANSWERED,
    "44c-endpoint-usage-null": _ANSWERED,
    "44d-endpoint-usage-float": Wanted(says=(r"20 \+ 10 tokens",), outcomes={"ok": 2}),
    "45-endpoint-one-choice-for-list": Wanted(says=("one prompt per request",), outcomes={"ok": 2}),
    "46-endpoint-list-400": Wanted(says=("one prompt per request",), outcomes={"ok": 2}),
    "46b-endpoint-list-400-ppr1": _ANSWERED,
    "47-endpoint-no-finish-reason": _ANSWERED,
    "47b-endpoint-no-index": _ANSWERED,
    "48-endpoint-html-200": Wanted((2,), ("got HTML instead of JSON: '<html><body>Please log in",)),
    "49-endpoint-temperature-400": Wanted(
        says=("the model refuses temperature: HTTP 400: Unsupported value",), outcomes={"ok": 2}
    ),
    "49b-endpoint-max-completion-tokens": Wanted(says=("max_tokens is sent",), outcomes={"ok": 2}),
    "50-endpoint-content-filter": Wanted(outcomes={"refused": 2}),
    "51-endpoint-echo": Wanted(outcomes={"ok": 2}),
    "60-folder-train-gz": Wanted(rows={"1": _LATE, "2": _GOOD}),
    "60b-file-gz": Wanted(rows={"1": _LATE, "2": _GOOD}),
    "61-folder-train-in-two-formats": Wanted((2,), ("train.csv, train.jsonl",)),
    "62-nested-object-as-text": Wanted((2,), ("rows.jsonl:1: column 'text': got an object",)),
    "63-group-empty": Wanted(outcomes={"ok": 900}),
    "64-saved-classlabel": Wanted(says=("50.0 % \\(1/2\\)",), outcomes={"ok": 5}),
    "64b-saved-classlabel-no-names": Wanted(says=("50.0 % \\(1/2\\)",), outcomes={"ok": 5}),
    "65-saved-unknown-splits": Wanted((2,), ("splits test_sft, train_sft.*train: train_sft",)),
    "65b-saved-extra-split": Wanted(says=("splits that are not used: unsupervised",)),
    "66-yaml-yes-no": Wanted(outcomes={"label_not_allowed": 2}),
    "66b-yaml-ints": Wanted((2,), ("task.yaml: demonstration 1: .*'complaint'",)),
    "70-predict-odd": Wanted(
        (0, 0, 0, 2, 2, 2, 0, 0, 0, 2, 2, 2, 2, 0, 2, 0, 0),
        (
            "stdin:1: column 'text': got nothing",
            "expected column 'text'",
            "got id 'a' a second time",
            '"id":7,',
            "got broken JSON",
            "stdin:1: got a list",
            "got an object",
            "stdin:1: got byte 0xe4",
            '"scores":',
        ),
        given=(
            b'\xef\xbb\xbf{"text": "late thing"}\r\n{"text": "fine thing"}\r\n',
            b'{"text": null}\n',
            b'{"body": "late thing"}\n',
            b'{"id": "a", "text": "late thing"}\n{"id": "a", "text": "fine thing"}\n',
            b"",
            b'{"id": 7, "text": "late thing"}\n',
            b'\n{"text": "late thing"}\n\n',
            b'{"text": "late thing"}\n{"text": \n',
            b"[1]\n",
            b'{"text": NaN}\n',
            b'{"text": {"de": "late thing"}}\n',
            b'{"text": 12}\n',
            b'{"text": "sp\xe4t"}\n',
            b'{"text": "late thing"}\n',
            b'{"text": "late \\ud83d thing"}\n',
        ),
    ),
    "81-surrogate-in-rows": Wanted((2,), ("--splits: got 'test'; .*the data has no other",)),
    "82-csv-utf16": Wanted(rows={"1": _LATE}),
    "82b-csv-latin1": Wanted((2,), ("rows.csv:2: got byte 0xe4.* iconv -f latin1 -t utf-8",)),
    "83-upper-suffix": Wanted(rows={"1": _LATE}),
    "85-openai-batch-output": Wanted(rows={"row-1": _LATE, "row-2": _GOOD}),
    "86-vllm-run-batch": Wanted(rows={"row-1": _LATE, "row-2": _GOOD}),
    "87-answers-with-null-text": Wanted((1,), ("1 failed: its text is null",), {"row-1": _LATE}),
    "88-answers-for-half": Wanted((1,), ("1 failed: ",), {"row-1": _LATE, "row-2": ("failed",)}),
    "88b-answers-with-unknown-ids": Wanted(
        says=("2 of 4 answers belong to no row of the data; .*'row-3'",), outcomes={"ok": 2}
    ),
    "90-esnli-minus-one": Wanted((2,), ("train.jsonl:4: column 'hypothesis': got nothing",)),
    "91-anli-string-labels": Wanted(
        (2,), ("train.jsonl:1: got label 'e'; expected one of entailment, neutral, contradiction",)
    ),
    "92-svamp-original-file": Wanted(
        rows={"chal-1": ("no_label", None, "( 76.0 - 25.0 )")}, outcomes={"no_label": 6}
    ),
    "94-report-odd-names": Wanted(says=(r"rep/report.html: \d+ figures",), outcomes={"ok": 60}),
    "95-choices-dict": Wanted(rows={"1": ("no_label", None, "ice", _ICE[3])}),
    "95b-choices-dict-template": Wanted(rows={"1": ("no_label", None, "ice", _ICE[3])}),
    "95c-choices-repr-in-csv": Wanted(rows={"1": ("no_label", None, "ice", _ICE[3])}),
    "97-csv-spaces-after-commas": Wanted(
        rows={"1": (*_LATE[:3], "Late again"), "2": (*_GOOD[:3], "Fine")}
    ),
}
"""Every case but 71, whose student is made first."""

SLOW = ("70-predict-odd", "94-report-odd-names")
"""Cases that train."""


def stated_answers(folder: Path) -> list[Stated]:
    """The lines `id: text ... -> wanted (outcome, label)` of a case."""
    found = []
    for line in (folder / "expected").read_text().splitlines():
        if stated := _LINE.fullmatch(line):
            outcome, label = ast.literal_eval(stated[3])
            found.append(Stated(stated[1], outcome, label))
    return found
