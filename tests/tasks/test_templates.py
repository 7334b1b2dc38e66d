"""Templates of others: they give what Jinja2 gives, and never take long or become large."""

import json
import random
import resource
import subprocess
import sys
from typing import Any

import jinja2
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from dsbs.core.errors import InputError
from dsbs.data.columns import look_up
from dsbs.tasks.prompts import load_task, render_template
from support.farm import Farm
from support.places import TASKS

HARMFUL = [
    "{% for i in range(10**9) %}x{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) if j > 0 %}x{% endfor %}{% endfor %}",
    "{% for i in range(9999) %}" + "a long text " * 1000 + "{% endfor %}",
    "{% macro m() %}{% for i in range(9999) %}" + "text " * 999 + "{% endfor %}{% endmacro %}{{ m() }}",
    "{{ 'x' * 10**9 }}",
    "{{ 10**9 * 'x' }}",
    "{{ ['x'] * 10**9 }}",
    "{{ ('x',) * 10**9 }}",
    "{{ 10 ** (10 ** 10) }}",
    "{{ 7 ** (7 ** 7) }}",
    "{{ (10**3000) * (10**3000) }}",
    "{{ 'x'|center(10**9) }}",
    "{{ 'x'.center(10**9) }}",
    "{{ 'x'.ljust(10**9) }}",
    "{{ 'x'.zfill(10**9) }}",
    "{{ '\t'.expandtabs(10**9) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (10**9, 1) }}",
    "{{ '%.1000000000f' % 1 }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ '{:>1000000000}'.format(1) }}",
    "{{ '{:{}}'.format(1, 10**9) }}",
    "{{ '{a:{b}}'.format_map({'a': 1, 'b': 10**9}) }}",
    "{{ ('{0}' * 9999).format('x' * 99999) }}",
    "{{ ('%(a)s' * 9999) % {'a': 'x' * 99999} }}",
    "{{ 'a'.replace('', 'x' * 9999999) * 2 }}",
    "{{ ('a' * 99999).replace('a', 'x' * 99999) }}",
    "{{ ('a' * 99999)|replace('a', 'x' * 99999) }}",
    "{{ range(99999)|join('x' * 99999) }}",
    "{{ ('x' * 99999).join(['a'] * 99999) }}",
    "{{ ('x' * 99999).join(range(99999)|map('string')) }}",
    "{{ ('a\n' * 99999)|indent(99999) }}",
    "{{ 'a'|indent('x' * 99999) }}{{ ('a\n' * 99999)|indent('x' * 99999) }}",
    "{{ ('a ' * 99999)|wordwrap(1, wrapstring='x' * 99999) }}",
    "{{ ['x']|batch(10**9, 'y')|list }}",
    "{{ ['x']|slice(10**9)|list }}",
    "{{ 'aaaa'.translate({97: 'x' * 9999999}) }}",
    "{{ 1.5|round(10**9, 'ceil') }}",
    "{{ (5).to_bytes(10**9, 'big') }}",
    "{{ lipsum(n=10**6) }}",
    "{{ range(99999)|map('center', 10**6)|list }}",
    "{{ [[1]*9999]*9999|sum(start=[])|length }}",
    "{{ ([[1]] * 99999)|sum(start=[]) }}",
    "{% macro f(n) %}{{ f(n - 1) if n }}{{ f(n - 1) if n }}{% endmacro %}{{ f(100) }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% for i in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}",
    "{% for i in [0] recursive %}{{ loop(range(99999)) if i == 0 }}{% for j in range(99999) %}"
    "{% endfor %}{% endfor %}",
    "{% set a = [1, 1] %}" + "".join("{% set a = [a, a] %}" for _ in range(60)) + "{{ a }}",
    "{% set a = 'xx' %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}",
    "{% set a = 'xx' %}" + "{% set a = a + a %}" * 60 + "{{ a }}",
    "{% set a = {'k': 1} %}" + "{% set a = {'k': a, 'l': a} %}" * 60 + "{{ a|tojson }}",
    "{% set n = namespace(s='xx') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}",
    "{{ 1 // 0 }}",
    "{{ 1 % 0 }}",
    "{{ 1.0 / 0 }}",
    "{{ 10.0 ** 999 }}",
    "{{ 'x' + 1 }}",
    "{{ nothing }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ text.format.__globals__ }}",
    "{% include 'x' %}",
    "{% if %}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "-" * 50_000 + "1 }}",
    "{% if 1 %}" * 200 + "{% endif %}" * 200,
    "{% for i in [1] %}" * 40 + "{% endfor %}" * 40,
    "x" * 200_000,
]  # fmt: skip


def limited(seconds: int, megabytes: int) -> None:
    """The limits of a child: more work than that kills it."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))


CHILD = """
import json
import sys
from dsbs.core.errors import InputError
from dsbs.data.columns import Lacking, look_up
from dsbs.tasks.prompts import render_template

def refused(work):
    try:
        work()
    except (InputError, Lacking) as error:
        return len(str(error)) < 2000
    return False

for source in json.load(sys.stdin):
    print(json.dumps([
        refused(lambda: render_template(source, {"text": "t"}, where="input")),
        refused(lambda: look_up(source + "{{ '' }}", {"text": "t"}, "rows.csv:1")),
    ]), flush=True)
"""


def test_every_harmful_template_is_refused_before_it_harms() -> None:
    """In a child that may use four minutes of processor time in all, and 1.5 GB."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps(HARMFUL),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: limited(240, 1500),
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(HARMFUL), (HARMFUL[len(lines)][:100], done.stderr[-500:])
    failed = [HARMFUL[at][:100] for at, line in enumerate(lines) if line != "[true, true]"]
    assert not failed


HARMLESS = [
    "{{ text }}",
    "{{ text }} has {{ text|length }} letters: {{ text|upper|replace('E', '3') }}",
    "{% for letter, choice in options %}\n({{ letter }}) {{ choice }}{% endfor %}",
    "{% for x in items if x > 1 %}{{ loop.index }}/{{ loop.length }}: {{ x }}{% else %}none{% endfor %}",
    "{% for x in items recursive %}{{ x }}{{ loop([x - 1]) if x > 1 }}{% endfor %}",
    "{% set a = [1, 2] + items %}{{ a|join(', ') }} {{ a|sum }} {{ (a * 2)|length }}",
    "{{ '%.2f' % 3.14159 }} {{ '{:>6}'.format('x') }} {{ '%5d|%s'|format(20240101, 'a') }}",
    "{{ 'call +4912345678 %s' % text }} {{ 'n{}'.format(10**8) }}",
    "{% macro m(x, y=2) %}<{{ x }}{{ y }}>{% endmacro %}{{ m(1) }}{% macro n(x) %}{{ x }}{{ caller() }}{% endmacro %}{% call n(3) %}c{% endcall %}",
    "{{ items|map('string')|list|tojson }} {{ {'a': 1, 'b': [1, (2, 3)]}|dictsort }}",
    "{% set t %}block {{ text }}{% endset %}{{ t|trim|title }}{% filter upper %}{{ t }}{% endfilter %}",
    "{{ text if items else 'no' }} {{ items[0] ~ items[-1] }} {{ 7 // 2 }} {{ 2 ** 10 }} {{ -7 % 3 }}",
    "{% if 'a' in ['a', 'b'] and text is string %}yes{% endif %}{# note #}",
    "{{ text|indent(2) }}{{ text|center(20) }}{{ text|wordwrap(5) }}{{ text|truncate(5) }}",
    "{{ items|batch(2, 0)|list }} {{ items|slice(2)|list }} {{ 2.345|round(1) }} {{ range(3)|list }}",
    "{{ ', '.join(items|map('string')) }} {{ text.split(' ', 1) }} {{ text.find('e', 2) }}",
    "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %} {{ dict(a=1) }} {{ items|groupby('real')|list|length }}",
]
VALUES = {
    "text": "Where  do Fish\nlive – in 4 seas?",
    "items": [1, 2, 3, 4],
    "options": [("a", "the sea"), ("b", "a tree")],
}


@pytest.mark.parametrize("source", HARMLESS)
def test_a_harmless_template_gives_what_jinja_gives(source: str) -> None:
    plain = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    wanted = plain.from_string(source).render(VALUES)
    assert render_template(source, VALUES, where="input") == wanted


def test_a_long_row_is_no_error() -> None:
    text = "é" * 5_000_000
    assert render_template("{{ text }}", {"text": text}, where="input") == text
    found = look_up("{{ a[0].text }}", {"a": [{"text": text}]}, "rows.jsonl:1")
    assert found == text
    rows = [{"n": n} for n in range(10_000)]
    assert (
        len(render_template("{% for r in rows %}{{ r.n }}{% endfor %}", {"rows": rows}, where=""))
        == 38_890
    )


def test_an_error_names_place_and_template_and_is_short(farm: Farm) -> None:
    text = farm.task.read_text()
    for harm in ("{{ 1 // 0 }}", "{{ 'x' * 10**9 }}", "{% for i in range(10**9) %}{% endfor %}"):
        farm.task.write_text(text.replace("Animal: {{ input }}", f"Animal: {harm}"))
        with pytest.raises(InputError) as found:
            load_task(str(farm.task))
        assert str(found.value).startswith(
            f"{farm.task}: prompt.question for demonstration-1: got "
        )
        assert len(str(found.value)) < 500


def test_a_row_that_a_template_cannot_take_is_named(farm: Farm) -> None:
    farm.task.write_text(
        farm.task.read_text().replace(
            "{{ animal }} {{ sound }}", "{{ animal }} {{ 1 // (sound|length - 3) }}"
        )
    )
    farm.write([{**row, "sound": "meh"} for row in farm.rows])
    from dsbs.data.load import load_data

    with pytest.raises(InputError, match=r"rows\.csv:2: the task's `input`: got ZeroDivisionError"):
        load_data(load_task(str(farm.task)), farm.data)


@pytest.mark.parametrize("name", TASKS)
def test_packaged_tasks_render_as_jinja_renders_them(name: str) -> None:
    task = load_task(name)
    rng = random.Random(0)
    plain = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    for shown in task.demonstrations:
        values: dict[str, Any] = {
            **shown,
            "options": list(zip("abcde", shown.get("choices", ()), strict=False)),
        }
        values["input"] = "".join(rng.choices("ab \n{}%é", k=50))
        values["letter"] = "a"
        for source in (task.input, task.prompt.question, task.prompt.answer):
            assert render_template(source, values, where="") == plain.from_string(source).render(
                values
            )
