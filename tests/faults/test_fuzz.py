"""Every reader and parser gets inputs that nobody would think of. It gives a value or InputError,
within a second and 100 MB.
"""

import contextlib
import gzip
import json
import resource
import sqlite3
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dsbs.artifacts.answer_dataset import read_answers as read_run
from dsbs.artifacts.answer_store import AnswerStore
from dsbs.artifacts.manifest import read_manifest
from dsbs.artifacts.predictions import read_predictions
from dsbs.artifacts.store_queries import Asked
from dsbs.artifacts.student_card import read_card
from dsbs.cli.settings import configure
from dsbs.config.generate import GenerateConfig
from dsbs.config.train import TrainConfig
from dsbs.core.checksums import damage
from dsbs.core.errors import InputError
from dsbs.core.records import METHODS, OUTCOMES, Completion, Example
from dsbs.data.examples import examples_of
from dsbs.data.readers import read_rows
from dsbs.data.unlabeled import UnlabeledRows
from dsbs.distillation.methods import read_output
from dsbs.planning.candidates import read_candidates
from dsbs.planning.model_sizes import student_shape
from dsbs.planning.run_table import read_runs
from dsbs.tasks.equation_reader import read_equation
from dsbs.tasks.json_answers import find_json_answers
from dsbs.tasks.labels import match_label
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.prompts import load_task
from dsbs.tasks.traces import split_reasoning
from dsbs.teachers.answer_formats import read_answers
from dsbs.teachers.endpoint_errors import BadReply
from dsbs.teachers.endpoint_replies import read_chat, read_texts
from dsbs.teachers.protocol import Prompt
from dsbs.teachers.published import read_release
from faults.conftest import Made
from support.campaign import Counts, Scale
from support.disturbed import run
from support.farm import FARM
from support.places import TASKS
from support.strategies import JSON, ROWS, TEXTS, damaged, varied

T = TypeVar("T")
Check = Callable[[T], object]

LOADED = [load_task(name) for name in TASKS]
CHOICES = ("ice", "ice cream", "river bank", "bank", "the U.S.")
KINDS = (
    ("choice", CHOICES),
    ("class", ("entailment", "neutral", "contradiction")),
    ("class", ("1", "2", "3", "4", "5")),
    ("equation", ()),
    ("text", ()),
)
PREFIXES = {"label": "label: ", "rationale": "rationale: "}
FORMATS = ("auto", "text", "batch", "chat", "label-studio", "doccano")

ANSWER_ROWS: tuple[dict[str, Any], ...] = (
    {"id": "a", "text": "So it is a bird.", "finish_reason": "stop", "reasoning": "x"},
    {
        "custom_id": "a",
        "response": {
            "status_code": 200,
            "body": {"choices": [{"message": {"content": "x"}, "finish_reason": "length"}]},
        },
        "error": None,
    },
    {
        "custom_id": "a",
        "result": {
            "type": "succeeded",
            "message": {"content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"},
        },
    },
    {
        "id": "a",
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "x"}],
    },
    {"id": "a", "request": {"prompt": "q"}, "response": {"choices": [{"text": "x"}]}},
    {
        "id": 1,
        "data": {"text": "q"},
        "annotations": [{"result": [{"type": "choices", "value": {"choices": ["bird"]}}]}],
    },
    {"id": 1, "text": "q", "label": ["bird"], "Comments": []},
)
"""One row of each format of answers."""

REPLIES: tuple[dict[str, Any], ...] = (
    {
        "choices": [{"index": 0, "text": " It is.", "finish_reason": "stop", "logprobs": None}] * 2,
        "usage": {
            "prompt_tokens": 7180,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 1.0},
        },
    },
    {
        "choices": [
            {
                "index": 0,
                "message": {"content": [{"type": "thinking", "thinking": "x"}], "reasoning": "y"},
                "finish_reason": None,
            }
        ],
        "usage": None,
    },
    {"error": {"message": "no", "code": 402, "param": None}},
    {"detail": [{"msg": "x", "loc": ["body", 0]}]},
)
"""Replies of servers."""

REPLY = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.dictionaries(st.sampled_from(["index", "text", "message", "finish_reason"]), JSON),
            max_size=2,
        ),
        "usage": st.dictionaries(
            st.sampled_from(["prompt_tokens", "completion_tokens", "prompt_tokens_details"]), JSON
        ),
    }
)

_VARIATIONS = 20
"""Inputs per one that Hypothesis makes."""

SLOW = "inputs that take over a second"
LARGE = "inputs that take over 100 MB"


class Attack:
    """Gives inputs to a reader, which may raise InputError, and watches it."""

    def __init__(self, counts: Counts, inputs: int) -> None:
        self._counts = counts
        self._inputs = inputs
        counts.must_stay_zero(SLOW, LARGE, "other errors")

    def everything(self, strategy: st.SearchStrategy[T], check: Check[T], share: float = 1) -> None:
        """Give it what Hypothesis makes of a strategy, and twenty times as many variations of that,
        which cost a hundredth.
        """
        inputs = int(self._inputs * share)
        made: list[T] = []

        @settings(
            max_examples=max(min(100, inputs), inputs // _VARIATIONS),
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def one(value: T) -> None:
            made.append(value)
            self._give(value, check)

        one()
        for value in islice(varied(made, seed=len(made)), max(0, inputs - len(made))):
            self._give(value, check)
        self._counts.check()

    def damaged(self, files: Sequence[bytes], check: Check[bytes], share: float = 1) -> None:
        """Give it files with some places changed."""
        for content in islice(damaged(files, seed=len(files[0])), int(self._inputs * share)):
            self._give(content, check)
        self._counts.check()

    def _give(self, value: T, check: Check[T]) -> None:
        self._counts.done["inputs"] += 1
        room = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # Twice, because the garbage of other tests may be collected just then.
        if self._seconds(value, check) > 1 and self._seconds(value, check) > 1:
            self._counts.broke(SLOW, ascii(value)[:2000])
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - room > 100_000:
            self._counts.broke(LARGE, ascii(value)[:2000])

    def _seconds(self, value: T, check: Check[T]) -> float:
        """Processor time of one check, which may end in InputError and in no other error."""
        began = time.thread_time()
        try:
            with contextlib.suppress(InputError):
                check(value)
        except Exception as error:
            self._counts.broke("other errors", f"{type(error).__name__}: {error}")
            error.add_note(f"for {ascii(value)[:2000]}")
            raise
        return time.thread_time() - began


@pytest.fixture
def attack(counts: Counts, scale: Scale) -> Attack:
    return Attack(counts, scale(2_000, 100_000))


def through(path: Path, read: Callable[[Path], object]) -> Callable[[bytes], None]:
    """Write a content to a file and read it."""

    def check(content: bytes) -> None:
        path.write_bytes(content)
        read(path)

    return check


def all_rows(path: Path) -> None:
    for _, row in read_rows(path):
        assert isinstance(row, dict)


def test_csv(attack: Attack, tmp_path: Path) -> None:
    text = st.text(st.sampled_from('ab";,|\t\n\r\\ é\ufeff='), max_size=60)
    content = st.tuples(text, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
    encoded = content.map(lambda given: given[0].encode(given[1]))
    attack.everything(encoded | st.binary(max_size=80), through(tmp_path / "rows.csv", all_rows))


def test_json(attack: Attack, tmp_path: Path) -> None:
    lines = ROWS.map(lambda rows: "\n".join(map(json.dumps, rows)).encode())
    files = [b'[{"a": 1, "b": [1, "x"]}]', b'{"a": "x"}\n{"a": null}\n', b'{"train": [{"a": 1}]}']
    check = through(tmp_path / "rows.json", all_rows)
    attack.damaged(files, check, share=0.5)
    attack.everything(lines, check, share=0.5)


def test_packed_files(attack: Attack, tmp_path: Path) -> None:
    files = [gzip.compress(b'{"a": "x"}\n' * count, mtime=0) for count in (0, 1, 200)]
    attack.damaged(files, through(tmp_path / "rows.jsonl.gz", all_rows))


def test_parquet(attack: Attack, made: Made, tmp_path: Path) -> None:
    files = [(made.answered / "data" / "test.parquet").read_bytes()]
    attack.damaged(files, through(tmp_path / "rows.parquet", all_rows))


ASDIV = (
    b"<Machine-Reading-Corpus-File><ProblemSet><Problem ID='a' Grade='1'><Body>One.</Body>"
    b"<Question>Two?</Question><Answer>2 (apples)</Answer><Formula>1+1=2</Formula></Problem>"
    b"</ProblemSet></Machine-Reading-Corpus-File>"
)


def test_xml(attack: Attack, tmp_path: Path) -> None:
    attack.damaged([ASDIV], through(tmp_path / "rows.xml", all_rows))


def test_chunks_of_a_release(attack: Attack, tmp_path: Path) -> None:
    def read(path: Path) -> None:
        read_release(path.parent, 10, {"train": ["a", "b"]})

    attack.damaged([b'["It is a bird.", "So."]'], through(tmp_path / "train_CoT_0.json", read))


def test_rows_of_tasks(attack: Attack) -> None:
    def check(rows: list[dict[str, Any]]) -> None:
        numbered = [(f"row {number}", row) for number, row in enumerate(rows)]
        for task in LOADED:
            with contextlib.suppress(InputError):
                for read in examples_of(task, "train", numbered, [task.columns]):
                    _is_sound(read.example)
            with contextlib.suppress(InputError):
                for unlabeled in UnlabeledRows(task).read(iter(numbered)):
                    _is_sound(unlabeled.example)

    attack.everything(ROWS, check)


def _is_sound(example: Example) -> None:
    for text in (example.id, example.input, *example.choices, example.gold or ""):
        text.encode()


def test_files_of_answers(attack: Attack, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    lines = [json.dumps(row).encode() + b"\n" for row in ANSWER_ROWS]

    def read(path: Path) -> None:
        for form in FORMATS:
            with contextlib.suppress(InputError):
                read_answers(path, form)

    attack.damaged(lines, through(path, read), share=0.5)

    def check(rows: list[dict[str, Any]]) -> None:
        path.write_text("\n".join(map(json.dumps, rows)))
        read(path)

    attack.everything(ROWS, check, share=0.5)


def test_answers_of_teachers(attack: Attack) -> None:
    def check(given: tuple[str, str | None]) -> None:
        text, finish = given
        for task in LOADED:
            example = Example("x", "train", {}, "What?", choices=CHOICES, gold="ice")
            answer = parse_answer(task, example, Completion("x", text, finish))
            assert answer.outcome in OUTCOMES
            assert (answer.label is None) or answer.match != "none"
            assert answer.outcome != "ok" or (answer.label is not None and answer.reason is None)

    attack.everything(st.tuples(TEXTS, st.sampled_from(["stop", "length", None])), check)


def test_labels_and_equations(attack: Attack) -> None:
    def check(text: str) -> None:
        for kind, allowed in KINDS:
            found = match_label(kind, text, allowed)  # type: ignore[arg-type]
            assert found.label is None or not allowed or found.label in allowed
        read_equation(text)
        for method in METHODS:
            read_output(method, text, PREFIXES)
        split_reasoning(text)
        find_json_answers(text)

    attack.everything(TEXTS, check)


def test_replies_of_servers(attack: Attack) -> None:
    prompts = [Prompt("a", "Animal: "), Prompt("b", "What?")]

    def check(reply: object) -> None:
        for prompted in (prompts, prompts[:1]):
            with contextlib.suppress(BadReply):
                for one in read_texts(reply, prompted):
                    _is_stored(one)
        with contextlib.suppress(BadReply):
            _is_stored(read_chat(reply, prompts[0]))

    def parsed(content: bytes) -> None:
        """As the client gives it: JSON as values, anything else as text."""
        try:
            check(json.loads(content))
        except (ValueError, RecursionError):
            check(content.decode(errors="replace"))

    attack.damaged([json.dumps(reply).encode() for reply in REPLIES], parsed, share=0.5)
    attack.everything(JSON | REPLY, check, share=0.5)


def _is_stored(completion: Completion) -> None:
    """Text that can be written down, and numbers of tokens that a database holds."""
    for text in (completion.text, completion.reasoning or "", completion.finish_reason or ""):
        text.encode()


SMALL_TASK = b"""\
name: t
label: {kind: class, labels: [a, b]}
input: "{{ x }}"
prompt: {question: "Q: {{ input }}", answer: "{{ rationale }} So {{ label }}"}
answer: {marker: So}
columns: {fields: {x: x}}
"""


def test_task_files(attack: Attack, tmp_path: Path) -> None:
    check = through(tmp_path / "task.yaml", lambda path: load_task(str(path)))
    attack.damaged([*[SMALL_TASK] * 4, FARM.encode()], check)


def test_settings_of_commands(attack: Attack, tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    files = [
        b"answers: [runs/a, runs/b]\nteacher-weights: [1, 2.5]\nmax_steps: 10\nshard: yes\n",
        b"task: cqa\nextra-body: {top_k: 5}\nbase_url: http://127.0.0.1:1/v1\nsamples: 3\nseeds: 0-4\n",
    ]

    def read(path: Path) -> None:
        for config, stage in ((TrainConfig, "train"), (GenerateConfig, "generate")):
            with contextlib.suppress(InputError):
                configure(config, stage, {"config": path})

    attack.damaged(files, through(path, read))


def test_command_lines(attack: Attack) -> None:
    words = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
        [
            "1",
            "-1",
            "0.5",
            "nan",
            "1e999",
            "{}",
            "[1]",
            "a,b",
            ",",
            "=",
            "--",
            "-",
            "auto",
            "9" * 30,
        ]
    )

    def check(given: list[tuple[str, str]]) -> None:
        configure(GenerateConfig, "generate", dict(given))

    names = st.sampled_from(
        [name for name in GenerateConfig.model_fields if name not in ("config", "pipeline")]
    )
    attack.everything(st.lists(st.tuples(names, words), max_size=4), check)


def test_manifests_and_cards(attack: Attack, made: Made, tmp_path: Path) -> None:
    """Also the checksums, whose damage is found and never raised."""
    for name, source, read in (
        ("manifest.json", made.answered / "manifest.json", read_manifest),
        ("manifest.json", made.student / "manifest.json", read_manifest),
        ("dsbs.json", made.student / "best" / "dsbs.json", read_card),
        ("SHA256SUMS", made.student / "best" / "SHA256SUMS", damage),
    ):
        folder = tmp_path / f"{source.parent.name}-{name}"
        folder.mkdir()
        check = through(folder / name, lambda path, read=read: read(path.parent))
        attack.damaged([source.read_bytes()], check, share=0.5 if name == "manifest.json" else 1)


def test_predictions(attack: Attack, made: Made, tmp_path: Path) -> None:
    out = tmp_path / "measured"
    assert run(["evaluate", "--run", made.student, "--out", out], out).code == 0
    files = [(out / "predictions.parquet").read_bytes()]
    attack.damaged(files, through(tmp_path / "p.parquet", read_predictions))


def test_answers_of_a_run(attack: Attack, made: Made, tmp_path: Path) -> None:
    files = [(made.answered / "data" / "test.parquet").read_bytes()]
    (tmp_path / "data").mkdir()
    check = through(tmp_path / "data" / "test.parquet", lambda path: read_run(path.parent.parent))
    attack.damaged(files, check)


def test_answer_stores(attack: Attack, tmp_path: Path) -> None:
    """A small one, with small pages, because each input is written and opened."""
    path = tmp_path / "answers.sqlite"
    with AnswerStore(tmp_path / "large.sqlite") as store:
        store.define("task", "{}")
        example = Example("x", "train", {"q": "é"}, "in", ("c", "d"), "c")
        store.ask("run", "task", [Asked(at, "answer", 0, f"k{at}", example) for at in range(3)])
        store.keep("t", [Completion("k0", "said", "stop", 1), Completion("k1", "", error="no")])
    with sqlite3.connect(tmp_path / "large.sqlite") as db:
        db.execute("PRAGMA journal_mode=DELETE")
        db.execute("PRAGMA page_size=512")
        db.execute("VACUUM")
    db.close()

    def read(path: Path) -> None:
        for beside in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
        with AnswerStore(path, readonly=True) as store:
            store.counts()
            for run_name in store.runs():
                store.failures(run_name)
                store.definition(run_name)
                list(store.answers(run_name))
                list(store.exported(run_name))

    attack.damaged([(tmp_path / "large.sqlite").read_bytes()], through(path, read))


def test_files_of_the_planner(attack: Attack, tmp_path: Path) -> None:
    runs = [
        b"N,D,L_S,L_T\n7B,1e9,2.5,\n770M,2.2e8,3,2.1\n",
        b'{"N": "7B", "D": 1e9, "L_S": 2.5}\n{"N": 7, "D": "10k", "L_S": 2, "L_T": 1}\n',
    ]
    check = through(tmp_path / "runs.csv", read_runs)
    attack.damaged(runs[:1], check, share=0.5)
    check = through(tmp_path / "runs.jsonl", read_runs)
    attack.damaged(runs[1:], check, share=0.5)
    teachers = [
        b"teachers:\n- {name: a, size: 7B, loss: 2.5, accuracy: 0.7}\n- {name: b, size: 1e9}\n"
    ]
    attack.damaged(teachers, through(tmp_path / "teachers.yaml", read_candidates))
    config = (
        b'{"vocab_size": 9, "d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 2, "num_heads": 2}'
    )
    check = through(tmp_path / "config.json", lambda path: student_shape(str(path.parent)))
    attack.damaged([config], check)
