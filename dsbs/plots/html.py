"""Page templates, and the macros that all pages share."""

from pathlib import Path

import jinja2

_HERE = Path(__file__).parent


def template(path: Path) -> jinja2.Template:
    """The template of a page. It escapes every text, and may import from `macros.html.j2`."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([path.parent, _HERE]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template(path.name)
