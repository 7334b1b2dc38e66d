"""Secrets are planted wherever a user or a server may bring one. No byte that is written or printed
holds any of them, and the servers still get them.
"""

import base64
import json
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dsbs import api
from dsbs.core.errors import InputError
from support.farm import Farm
from support.forked import run_forked
from support.scripted_server import TEXT, Reply, Scripted, error, message, prompts_of, scripted
from support.served_farm import flags

KEY = "sk-planted-key-0123456789"
PASSWORD = "planted pass/word"
QUERY = "planted-query-77"
BODY = "planted-body-88"
DEEP = "planted-deep-99"
SERVE = "planted-serve-55"
HUB = "hf_plantedhub0123456789"
IN_HEADER = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
PLANTED = (KEY, PASSWORD, "planted%20pass", QUERY, BODY, DEEP, SERVE, HUB, IN_HEADER)
EXTRA = {
    "api_key": BODY,
    "reasoning_effort": "low",
    "options": {"headers": {"Authorization": f"Bearer {DEEP}"}},
}


def address(server: Scripted) -> str:
    user = "user:planted%20pass%2Fword"
    return server.url.replace("://", f"://{user}@") + f"?api-version=3&token={QUERY}"


def run(farm: Farm, *arguments: Any, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {"DSBS_API_KEY": KEY, "HF_TOKEN": HUB, **environment}
    return run_forked("dsbs.__main__", arguments, cwd=farm.folder, **own)


def texts_below(folder: Path) -> dict[str, str]:
    """The content of every file, those of databases and Parquet unpacked as well."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_bytes().decode("latin-1")
            if path.suffix == ".parquet":
                text += str(pq.read_table(path).to_pylist()) + str(pq.read_schema(path).metadata)
            if path.suffix == ".sqlite":
                db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
                text += "\n".join(db.iterdump())
            found[str(path.relative_to(folder))] = text
    return found


def has_no_secret(name: str, text: str) -> None:
    for secret in PLANTED:
        assert secret not in text, (
            f"{name} holds {secret}: {text[max(0, text.find(secret) - 80) :][:200]!r}"
        )


def echoing(body: dict[str, Any], server: list[Scripted]) -> Reply:
    """Answers that repeat what the request brought along, in text, trace, reason and error."""
    headers = server[0].headers[-1]
    told = f" {headers.get('authorization')} {server[0].paths[-1]} {json.dumps(body.get('api_key'))} \x1b[31m"
    owls = any("owl" in prompt[-60:] for prompt in prompts_of(body))
    if owls:
        return error(
            400,
            f"bad key {headers.get('authorization')} for {server[0].paths[-1]} \x1b[31m, {body['options']}",
        )
    if "messages" in body:
        return message(f"{told} It has fur. So it is a mammal.", "stop", reasoning_content=told)
    return 200, {
        "choices": [
            {"index": at, "text": f"{told}{TEXT}", "finish_reason": f"stop {told}"}
            for at, _ in enumerate(prompts_of(body))
        ]
    }


@pytest.mark.parametrize("form", ["completions", "chat"])
def test_no_planted_secret_is_written_or_printed(farm: Farm, form: str) -> None:
    known: list[Scripted] = []
    with scripted(lambda body: echoing(body, known)) as server:
        known.append(server)
        shared = [
            *flags(farm, address(server)),
            "--extra-body",
            json.dumps(EXTRA),
            "--out",
            "asked",
        ]
        shared += ["--api", form, "--splits", "train,validation,test", "--max-attempts", "1"]
        shared += [f"--serve-args=--api-key {SERVE} --max-model-len 64"]
        done = [run(farm, "generate", *shared, "--plan")]
        done.append(run(farm, "generate", *shared, "--show", "--progress-json", "state.json"))
        assert done[-1].returncode == 1, done[-1].stderr  # the owls failed
        done.append(run(farm, "generate", *shared, "--json"))
        other = [*shared, "--max-new-tokens", "9"]
        done.append(run(farm, "generate", *other))
        assert done[-1].returncode == 2
        assert "other settings" in done[-1].stderr
        assert all(IN_HEADER in headers["authorization"] for headers in server.headers)
        assert all(f"token={QUERY}" in path and "api-version=3" in path for path in server.paths)
        assert server.requests[-1]["options"] == EXTRA["options"]
    done.append(run(farm, "answers", "list", "--store", "asked/answers.sqlite", "--limit", "99"))
    done.append(
        run(farm, "answers", "export", "--store", "asked/answers.sqlite", "--out", "a.jsonl")
    )
    done.append(run(farm, "report", "asked"))
    done.append(run(farm, "runs", ".", "--json"))
    for one in done:
        has_no_secret(" ".join(map(str, one.args[:5])), one.stdout + one.stderr)
        assert "\x1b" not in one.stdout + one.stderr
    files = texts_below(farm.folder)
    assert {"asked/manifest.json", "asked/answers.sqlite", "state.json", "a.jsonl"} <= files.keys()
    assert "asked/report/report.html" in files
    for name, text in files.items():
        has_no_secret(name, text)
    manifest = json.loads(files["asked/manifest.json"])
    assert manifest["config"]["extra_body"].startswith(
        '{"api_key": "***", "reasoning_effort": "low"'
    )
    assert "sha256 of the whole: " in manifest["config"]["extra_body"]
    assert "--max-model-len 64" in manifest["config"]["serve_args"]


@pytest.mark.parametrize(
    "settings",
    [
        ["--extra-body", f'{{"api_key": "{BODY}"'],
        ["--extra-body", f"api_key={BODY}"],
        ["--extra-body", f'["{DEEP}", {{"password": "{BODY}"}}]'.replace(DEEP, "x")],
        [f"--serve-args=--api-key '{SERVE}"],
        ["--base-url", f"ftp://user:{QUERY}@host/v1"],
        ["--base-url", f"http://user:{QUERY}@[host/v1"],
        ["--base-url", f"http://user:{QUERY}@127.0.0.1:1/v1?key={BODY}"],
        ["--max-rows", "x", "--extra-body", json.dumps(EXTRA)],
        ["--no-such-flag", f"--api-key={SERVE}"],
        ["--temperature", f"http://user:{QUERY}@host"],
    ],
)  # fmt: skip
def test_an_error_about_a_setting_holds_no_secret(farm: Farm, settings: list[str]) -> None:
    given = [*flags(farm, "http://127.0.0.1:1/v1"), *settings, "--out", "asked"]
    done = run(farm, "generate", *given)
    assert done.returncode == 2, done.stderr
    has_no_secret("output", done.stdout + done.stderr)
    for name, text in texts_below(farm.folder).items():
        has_no_secret(name, text)


def test_settings_from_a_file_are_hidden_too(farm: Farm) -> None:
    config = farm.folder / "settings.yaml"
    config.write_text(
        f"extra_body: '{json.dumps(EXTRA)}'\nbase_url: http://user:{QUERY}@127.0.0.1:1/v1\n"
    )
    given = flags(farm, "")[:-2]
    done = run(farm, "generate", *given, "--config", config, "--out", "asked")
    assert "no connection" in done.stderr
    config.write_text(f"extra_body: {{api_key: {BODY}}}\n")
    wrong = run(farm, "generate", *given, "--config", config, "--base-url", "http://127.0.0.1:1/v1")
    config.unlink()
    for one in (done, wrong):
        has_no_secret("output", one.stdout + one.stderr)
    for name, text in texts_below(farm.folder).items():
        has_no_secret(name, text)
    assert json.loads((farm.folder / "asked" / "manifest.json").read_text())["status"] == "failed"


def test_a_key_that_no_header_can_hold_is_refused_without_it(farm: Farm) -> None:
    done = run(farm, "generate", *flags(farm, "http://127.0.0.1:1/v1"), DSBS_API_KEY=f"{KEY}é")
    assert (done.returncode, KEY in done.stderr) == (2, False)
    assert "DSBS_API_KEY: got characters that stand in no key" in done.stderr


def test_without_secrets_the_manifest_holds_every_setting_as_it_is(farm: Farm) -> None:
    extra = '{"reasoning_effort":"low"}'
    with scripted(
        lambda body: (200, {"choices": [{"text": TEXT}] * len(prompts_of(body))})
    ) as server:
        settings = {"task": str(farm.task), "data": farm.data, "engine": "endpoint", "teacher": "m"}
        api.generate(
            **settings,
            base_url=server.url,
            api="completions",
            extra_body=extra,
            out=farm.folder / "a",
        )
    config = json.loads((farm.folder / "a" / "manifest.json").read_text())["config"]
    assert (config["extra_body"], config["base_url"]) == (extra, [server.url])
    with pytest.raises(InputError, match="JSON object"):
        api.generate(**settings, base_url=server.url, extra_body="[1]")
