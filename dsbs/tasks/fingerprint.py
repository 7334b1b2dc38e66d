"""What is read of a row, as a hash: it ties an answer to the row that it was made for."""

import functools
import json

from dsbs.core.hashing import short_hash
from dsbs.core.records import Example
from dsbs.tasks.task import Task

_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False).encode


def input_hash(task: Task, example: Example) -> str:
    """The fields that the task's templates read, and the choices, as 16 hex digits.

    The wording of the templates, the gold label and all other fields are not part of it.
    """
    read = read_fields(task)
    fields = {name: value for name, value in example.fields.items() if name in read}
    return short_hash(_canonical([fields, example.choices]))


def read_fields(task: Task) -> frozenset[str]:
    """The names that the task's templates read, those of fields among them."""
    return _names((task.input, task.prompt.question, task.prompt.answer))


@functools.lru_cache(maxsize=64)
def _names(templates: tuple[str, ...]) -> frozenset[str]:
    from jinja2 import Environment, meta  # not above: --help shall not wait for it

    parse = Environment().parse
    found = [meta.find_undeclared_variables(parse(template)) for template in templates]
    return frozenset().union(*found)
