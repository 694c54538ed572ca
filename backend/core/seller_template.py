"""A seller's own template for a title or description: `{{ kind }} {{ brand }}{% if size %}, {{ size }}{% endif %}`.

Owns which placeholders and which few constructs of Jinja there are, and what to say about a bad template. Does not own
the values (`words.py`). Nothing here can loop, call, import or multiply, so what comes out is never much longer than
the template and its values.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from backend.core.errors import BadRequest

LENGTH_MAX = 4000
PLACEHOLDERS: Mapping[str, str] = {
    "kind": "category",
    "brand": "brand",
    "audience": "audience",
    "size": "size",
    "colour": "colours",
    "colours": "colours",
    "condition": "condition",
    "materials": "materials",
    "photos": "",
}
"""Each placeholder and the field it comes from. `colour` agrees with the kind ("bleue"), `colours` stands by itself;
`photos` is how many there are. What is unknown is empty."""

_DEEPEST = 50
FILTERS = ("lower", "upper", "capitalize", "title", "trim", "default", "lower_first", "upper_first")
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.CondExpr),
    *(nodes.Filter, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat),
)


Fault = Literal["length", "depth", "syntax", "placeholder", "filter", "construct"]


class BadTemplate(BadRequest):
    """What is wrong with a template, and in which line, to be told beside it. `what` is the piece at fault."""

    code = "bad_template"

    def __init__(self, fault: Fault, message: str, *, line: int | None = None, what: str = "") -> None:
        super().__init__(f"Line {line}: {message}" if line else message)
        self.fault, self.line, self.what = fault, line, what


def placeholders(source: str) -> tuple[str, ...]:
    """The placeholders a template uses, in order. Raises BadRequest, naming the line and what is wrong there."""
    tree = _parse(source)
    return tuple(dict.fromkeys(node.name for node in _walk(tree) if isinstance(node, nodes.Name)))


def render(source: str, values: Mapping[str, object]) -> str:
    """The template with these values; those missing are empty. Raises BadRequest as `placeholders` does."""
    placeholders(source)
    return _ENVIRONMENT.from_string(source).render(dict.fromkeys(PLACEHOLDERS, "") | dict(values))


def _parse(source: str) -> nodes.Template:
    if len(source) > LENGTH_MAX:
        raise BadTemplate("length", f"The template is longer than {LENGTH_MAX} characters.")
    try:
        tree = _ENVIRONMENT.parse(source)
        for node in _walk(tree):
            _check(node)
    except TemplateSyntaxError as error:
        raise BadTemplate("syntax", str(error.message), line=error.lineno, what=str(error.message)) from None
    except RecursionError:
        raise BadTemplate("depth", "The template is nested too deep.") from None
    return tree


def _check(node: nodes.Node) -> None:
    if isinstance(node, nodes.Name):
        if node.name not in PLACEHOLDERS:
            said = f"there is no {{{{ {node.name} }}}}. There are: {', '.join(PLACEHOLDERS)}."
            raise BadTemplate("placeholder", said, line=node.lineno, what=node.name)
    elif isinstance(node, nodes.Filter) and node.name not in FILTERS:
        said = f"there is no filter {node.name!r}. There are: {', '.join(FILTERS)}."
        raise BadTemplate("filter", said, line=node.lineno, what=node.name)
    elif not isinstance(node, _ALLOWED):
        what = type(node).__name__.lower()
        raise BadTemplate(
            "construct", f"{what} is not offered here; placeholders and if are.", line=node.lineno, what=what
        )


def _walk(node: nodes.Node, depth: int = 0) -> Iterator[nodes.Node]:
    if depth > _DEEPEST:
        raise RecursionError
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child, depth + 1)


def lower_first(text: str) -> str:
    """For the middle of a sentence; "T shirt" keeps its letter."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


_ENVIRONMENT = ImmutableSandboxedEnvironment(
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # plain text, not HTML
)
_ENVIRONMENT.filters |= {"lower_first": lower_first, "upper_first": upper_first}
