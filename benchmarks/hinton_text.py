"""Whether soft labels help on a text task whose truth is known: a chat teacher, a tiny student.

    python benchmarks/hinton_text.py --out runs/hinton-text
    python benchmarks/hinton_text.py --out runs/hinton-text --only hard   # in parts

Messages are drawn from six topics, which come in pairs that share most of their words. The teacher
knows the true probability of each topic given a message. It answers over HTTP as a chat server
does, and gives its probabilities as `top_logprobs`. So the path is the one of any chat teacher:
`generate --label-scores top_logprobs`, then `compare --soft-weight`. Hard labels are the teacher's
likeliest ones. Every setting is a run of `dsbs compare` in a folder of its own: what is done is
skipped. Intervals are over seeds, paired against hard labels at the same rows.
"""

import argparse
import json
import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from dsbs import api

TOPICS = ("billing", "refund", "delivery", "pickup", "login", "password")
"""In pairs that share most words."""

SETTINGS: Mapping[str, Mapping[str, float]] = {
    "hard": {},
    "soft-T1": {"soft_weight": 0.5},
    "soft-T2": {"soft_weight": 0.5, "soft_temperature": 2.0},
    "soft-T4": {"soft_weight": 0.5, "soft_temperature": 4.0},
}

WORDS, LENGTH = 30, 4
TRAIN, TEST = 4000, 1000
FRACTIONS = (0.25, 1.0)

TASK = """\
name: messages
version: 1
label: {{kind: class, labels: [{topics}]}}
input: "{{{{ message }}}}"
prompt:
  question: "Message: {{{{ input }}}}\\nTopic:"
  answer: " {{{{ rationale }}}} So this is about {{{{ label }}}}."
answer: {{marker: So this is about, ends: ["Message:"]}}
demonstrations:
  - {{message: w1 w2, rationale: The words fit., label: billing}}
columns: {{fields: {{message: message}}, gold: topic}}
"""


def likelihoods(rng: np.random.Generator) -> np.ndarray:
    """The probability of each word by topic, (topics, words): one part its own, two its pair's."""
    own = rng.dirichlet(np.full(WORDS, 0.3), len(TOPICS))
    pairs = np.repeat(rng.dirichlet(np.full(WORDS, 0.3), len(TOPICS) // 2), 2, axis=0)
    return (own + 2 * pairs) / 3


def posterior(message: str, words: np.ndarray) -> np.ndarray:
    """The true probability of each topic given a message, (topics,)."""
    numbers = [int(word[1:]) for word in message.split()]
    logs = np.log(words[:, numbers]).sum(axis=1)
    weights = np.exp(logs - logs.max())
    return weights / weights.sum()


def write_rows(folder: Path, words: np.ndarray, rng: np.random.Generator) -> Path:
    """Rows in the files of their splits. Training rows have no label."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    for split, count in (("train", TRAIN), ("validation", 200), ("test", TEST)):
        topics = rng.integers(len(TOPICS), size=count)
        lines = ["message,topic"]
        for topic in topics:
            drawn = rng.choice(WORDS, size=LENGTH, p=words[topic])
            gold = "" if split == "train" else TOPICS[topic]
            lines.append(f"{' '.join(f'w{number}' for number in drawn)},{gold}")
        (data / f"{split}.csv").write_text("\n".join(lines) + "\n")
    return data


def reply(body: Mapping[str, Any], words: np.ndarray) -> dict[str, Any]:
    """What the teacher answers to a chat: the likeliest topic, with all as alternatives."""
    message = body["messages"][-1]["content"].split("Message: ")[-1].split("\nTopic")[0]
    shares = posterior(message, words)
    order = np.argsort(-shares)
    ranked = [
        {"token": f" {TOPICS[at]}", "logprob": math.log(max(shares[at], 1e-30))} for at in order
    ]
    before = "The words fit. So this is about"
    sure = {"token": before, "logprob": 0.0, "top_logprobs": [{"token": before, "logprob": 0.0}]}
    content = [sure, {**ranked[0], "top_logprobs": ranked}]
    said = {"role": "assistant", "content": before + ranked[0]["token"]}
    choice = {
        "index": 0,
        "message": said,
        "finish_reason": "stop",
        "logprobs": {"content": content},
    }
    return {"choices": [choice], "usage": {"prompt_tokens": 20, "completion_tokens": 9}}


@contextmanager
def served(words: np.ndarray) -> Iterator[str]:
    """The teacher as a chat server on loopback; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *unused: object) -> None:
            return None

        def do_GET(self) -> None:
            self.send(404, {"error": {"message": "no list of models"}})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.send(200, reply(body, words))

        def send(self, status: int, content: Any) -> None:
            sent = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def label(folder: Path) -> Path:
    """The teacher's answers to the training and validation rows; made once."""
    rng = np.random.default_rng(0)
    words = likelihoods(rng)
    folder.mkdir(parents=True, exist_ok=True)
    task = folder / "messages.yaml"
    if not task.exists():
        task.write_text(TASK.format(topics=", ".join(TOPICS)))
        write_rows(folder, words, rng)
    with served(words) as url:
        api.generate(
            task=str(task), data=folder / "data", engine="endpoint", teacher="bayes",
            base_url=url, api="chat", label_scores="top_logprobs", splits="train,validation,test",
            out=folder / "answers", duplicates="never", max_bad_answers=None,
        )  # fmt: skip
    return folder / "answers"


def measure(name: str, answers: Path, out: Path, **given: Any) -> dict[float, dict[int, float]]:
    """Test accuracy by fraction and seed."""
    found: dict[float, dict[int, float]] = {}
    results = api.compare(
        answers=answers, methods="standard", labels="teacher", data_fracs=FRACTIONS, baselines=(),
        allow_no_rationales=True, duplicates="never", out=out / name, **SETTINGS[name], **given,
    )  # fmt: skip
    for cell in results["cells"]:
        if cell["accuracy"] is not None:
            found.setdefault(cell["data_frac"], {})[cell["seed"]] = cell["accuracy"]
    return found


def interval(values: np.ndarray) -> str:
    """Mean and 95 % interval over seeds, in points."""
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
    return f"{100 * values.mean():.1f} ({100 * (values.mean() - half):.1f} to {100 * (values.mean() + half):.1f})"


def table(found: Mapping[str, Mapping[float, Mapping[int, float]]]) -> str:
    """The table as Markdown: accuracy, and the difference to hard labels of the same seeds."""
    lines = ["| rows | labels | accuracy, % | against hard, points |", "|---|---|---|---|"]
    for fraction in FRACTIONS:
        for name, by_fraction in found.items():
            own = by_fraction[fraction]
            values = np.array([own[seed] for seed in sorted(own)])
            hard = found.get("hard", {}).get(fraction, {})
            both = [own[seed] - hard[seed] for seed in sorted(own) if seed in hard]
            change = "" if name == "hard" or len(both) < 2 else interval(np.array(both))
            rows = round(TRAIN * fraction)
            lines.append(f"| {rows} | {name} | {interval(values)} | {change} |")
    return "\n".join(lines)


def main() -> None:
    """Measure the chosen settings and print their table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=SETTINGS, action="append", help="default: all settings")
    parser.add_argument("--student", default="tinier")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--max-steps", type=int, default=800)
    given = vars(parser.parse_args())
    out, only = given.pop("out"), given.pop("only")
    answers = label(out)
    print(table({name: measure(name, answers, out, **given) for name in only or SETTINGS}))


if __name__ == "__main__":
    main()
