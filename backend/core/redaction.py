"""Takes secrets out of what is kept or told: text, JSON, files.

Owns what counts as a secret: the names of headers, cookies and fields, the shapes of tokens, and the values given; and
the values this process has come to know (`remember`). Everything that writes down or says what a browser or a service
said goes through here: logs (`logs.py`), errors (`errors.py`), evidence. Owns no file and no log.
"""

import html
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote

HIDDEN = "[removed]"
SHORTEST = 8
"""A known value shorter than this is not looked for: it would be found in ordinary words."""

_WORD = (
    r"(?:csrf|xsrf|token|secret|passw(?:or)?d|authorization|cookie|anon[_-]?id|datadome|api[_-]?key|"
    r"access[_-]?key|signing[_-]?key|hmac)[\w-]{0,40}"
)
_NAME = rf"[\w-]{{0,40}}{_WORD}"  # bounded: a page may hold a word of a million letters
_IS_SECRET = re.compile(_WORD, re.IGNORECASE)
_HARMLESS = frozenset({"cookies", "cookie-policy", "cookie_policy"})
_FILLED_BY_NAME = ("value", "content", "__playwright_value_")

_PATTERNS = (
    re.compile(r"(?P<lead>(?<![\w-]))(?P<hide>eyJ[\w-]{8,}\.[\w-]+\.[\w-]*)"),
    re.compile(r"(?P<lead>\b(?:Bearer|Basic)\s+)(?P<hide>[\w.~+/=-]{8,})", re.IGNORECASE),
    re.compile(rf"(?P<lead>^[ \t]*{_NAME}[ \t]*:[ \t]+)(?P<hide>[^\"'\s{{\[][^\r\n]*)", re.IGNORECASE | re.MULTILINE),
    re.compile(rf"""(?P<lead>{_WORD}\\?["']?\s*[:=]\s*\\?["'])(?P<hide>[^"'\\]+)""", re.IGNORECASE),
    re.compile(rf"(?P<lead>(?:^|[?&;\s]){_NAME}=)(?P<hide>[^&;\s\"'<>]+)", re.IGNORECASE | re.MULTILINE),
    re.compile(
        r"(?P<lead>\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@\"']{0,200}:)(?P<hide>[^\s/@\"']{1,500})(?=@)", re.IGNORECASE
    ),
)
_HINT = re.compile(rf"{_WORD}|eyJ|bearer|basic|://|<input|<meta", re.IGNORECASE)
"""What every pattern needs: most texts have none of it and are done with at once."""
_TAGS = re.compile(r"<(?:meta|input)\b[^>]*>", re.IGNORECASE)
_TYPED_UNSEEN = re.compile(r"""\btype=["']?(?:hidden|password)\b""", re.IGNORECASE)
_TAG_NAME = re.compile(rf"""\b(?:name|property|id)=["']?{_NAME}""", re.IGNORECASE)
_TAG_VALUE = re.compile(r"""(?P<lead>\b(?:value|content)=)(?P<quote>["']?)(?P<hide>[^"'>\s][^"'>]*)""", re.IGNORECASE)

Hide = Callable[[str], str]


class Redactor:
    """Removes what looks like a secret, and these values wherever they stand, in whatever writing."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values = frozenset(value for value in values if len(value) >= SHORTEST)
        written = {form for value in self._values for form in _writings(value)}
        longest_first = sorted(written, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if written else None
        self._raw = [form.encode() for form in longest_first]

    def knowing(self, values: Iterable[str]) -> "Redactor":
        """The same, with these values too."""
        return Redactor({*self._values, *values})

    def text(self, text: str) -> str:
        return _sweep(self._known.sub(HIDDEN, text) if self._known else text, lambda _: HIDDEN)

    def value(self, value: Any) -> Any:
        """JSON data without its secrets: by the names of its fields, and inside its strings."""
        return _walk(value, lambda _: HIDDEN, self.text)

    def file(self, content: bytes) -> bytes:
        """A file's content: JSON and JSON lines by their fields, other text by its shapes, the rest by known values."""
        try:
            text = content.decode()
        except UnicodeDecodeError:
            for form in self._raw:
                content = content.replace(form, HIDDEN.encode())
            return content
        return (_by_lines(text, self.value) or self.text(text)).encode()


_MOST_REMEMBERED = 2_000
_remembered: OrderedDict[str, bool] = OrderedDict()
"""Value → whether it is remembered for good."""
_redactor: Redactor | None = Redactor()
_lock = threading.Lock()


def remember(values: Iterable[str], *, for_good: bool = False) -> None:
    """From now on these values of this process's own (keys, passwords, cookies) are removed by `hide`, too.

    Of those not remembered for good the latest two thousand are known. One shorter than SHORTEST is left to its name
    and its shape."""
    global _redactor  # noqa: PLW0603 - what one process knows, wherever in it something is said
    with _lock:
        for value in values:
            if len(value) >= SHORTEST and value not in _remembered:
                _redactor = None
                _remembered[value] = for_good
        passing = [value for value, stays in _remembered.items() if not stays]
        for value in passing[: max(0, len(passing) - _MOST_REMEMBERED)]:
            del _remembered[value]


def known() -> Redactor:
    """A redactor that knows every remembered value."""
    global _redactor  # noqa: PLW0603 - made anew only when something was remembered since
    with _lock:
        if _redactor is None:
            _redactor = Redactor(_remembered)
        return _redactor


def hide(text: str) -> str:
    """The text without what looks like a secret and without every remembered value."""
    return known().text(text)


def secrets_in(content: str | bytes) -> set[str]:
    """The values a redactor would remove from this by name or shape: to be looked for elsewhere too."""
    found: set[str] = set()

    def note(secret: str) -> str:
        found.add(secret)
        return HIDDEN

    text = content.decode("utf-8", "ignore") if isinstance(content, bytes) else content
    if _by_lines(text, lambda value: _walk(value, note, lambda inner: _sweep(inner, note))) is None:
        _sweep(text, note)
    return {part for secret in found for part in _parts(secret) if len(part) >= SHORTEST}


def _parts(secret: str) -> list[str]:
    """A Cookie header's values one by one; anything else as it is."""
    if "=" in secret and re.match(r"^[\w.-]+=", secret):
        return [secret, *(pair.partition("=")[2].strip() for pair in secret.split(";"))]
    return [secret]


def _writings(value: str) -> set[str]:
    """A value as it may stand in an address, in HTML or in JSON."""
    return {value, quote(value, safe=""), quote(value), unquote(value), html.escape(value), json.dumps(value)[1:-1]}


def _by_lines(text: str, change: Callable[[Any], Any]) -> str | None:
    """JSON, or a JSON document a line, changed; None where the text is neither."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.dumps(change(json.loads(text)), ensure_ascii=False)
    except ValueError:
        pass
    try:
        lines = [change(json.loads(line)) for line in text.splitlines() if line]
    except ValueError:
        return None
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _walk(value: Any, hide: Hide, text: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return [_walk(one, hide, text) for one in value]
    if not isinstance(value, dict):
        return value
    named = _is_secret(value.get("name")) or value.get("type") in ("hidden", "password")
    return {key: _walk_field(key, one, hide, text, named=named) for key, one in value.items()}


def _walk_field(key: str, value: Any, hide: Hide, text: Callable[[str], str], *, named: bool) -> Any:
    if isinstance(value, str) and value and (_is_secret(key) or (named and key in _FILLED_BY_NAME)):
        return hide(value)
    if key == "cookies" and isinstance(value, list):
        return [_without_value(one, hide) for one in value]
    return _walk(value, hide, text)


def _without_value(cookie: Any, hide: Hide) -> Any:
    if isinstance(cookie, dict) and isinstance(cookie.get("value"), str):
        return {**cookie, "value": hide(cookie["value"])}
    return hide(cookie) if isinstance(cookie, str) else cookie


def _is_secret(name: Any) -> bool:
    return isinstance(name, str) and name.lower() not in _HARMLESS and _IS_SECRET.search(name) is not None


def _sweep(text: str, hide: Hide) -> str:
    """The text with each secret in it, told by its shape or by the name before it, replaced by what `hide` gives."""

    def replace(match: re.Match[str]) -> str:
        secret = match["hide"]
        return match[0] if HIDDEN in secret else match["lead"] + hide(secret)

    def tag(match: re.Match[str]) -> str:
        if not (_TYPED_UNSEEN.search(match[0]) or _TAG_NAME.search(match[0])):
            return match[0]
        return _TAG_VALUE.sub(lambda m: m["lead"] + m["quote"] + hide(m["hide"]), match[0])

    if _HINT.search(text) is None:
        return text
    text = _TAGS.sub(tag, text)
    for pattern in _PATTERNS:
        text = pattern.sub(replace, text)
    return text
