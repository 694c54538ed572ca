"""The sandbox marketplace's templates. Owns how one is rendered; the words are in `labels.json`."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("backend.sandbox", "pages"), autoescape=True, undefined=StrictUndefined)


def render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**values)
