"""The checks a chat completion endpoint makes of a request before it answers.

Owns the rules, after OpenAI's public reference: known arguments only, a known model, pictures as `data:`
addresses that can be decoded, and the strict subset of JSON schema. Owns no answer.
"""

import base64
import binascii
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from PIL import Image

ARGUMENTS = {"model", "messages", "response_format", "temperature", "max_completion_tokens", "max_tokens", "seed"}
"""The arguments this stand-in understands; the real service has more."""
ROLES = {"system", "developer", "user", "assistant"}
SCHEMA_WORDS = {
    *("type", "properties", "required", "additionalProperties", "items", "enum", "anyOf", "$ref", "$defs"),
    *("description", "title", "const", "pattern", "format", "minimum", "maximum", "minItems", "maxItems"),
}
MOST_PROPERTIES, MOST_DEPTH, MOST_ENUM_VALUES = 5000, 10, 1000


class Rejected(Exception):
    """The request is answered with this status, code and argument at fault."""

    def __init__(self, message: str, *, status: int = 400, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param


def check_request(body: Mapping[str, Any], *, models: Sequence[str]) -> list[Image.Image]:
    """The request's pictures, decoded. Raises Rejected as the service would."""
    if unknown := set(body) - ARGUMENTS:
        raise Rejected(f"Unrecognized request argument supplied: {', '.join(sorted(unknown))}")
    if body.get("model") not in models:
        message = f"The model `{body.get('model')}` does not exist or you do not have access to it."
        raise Rejected(message, status=404, code="model_not_found")
    _check_format(body.get("response_format"))
    pictures = [_decode(url) for message in _messages(body) for url in _picture_urls(message)]
    if not pictures:
        raise Rejected("This stand-in reads pictures, and there is none.", param="messages")
    return pictures


def _messages(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Rejected("Missing required parameter: 'messages'.", param="messages")
    for message in messages:
        if message.get("role") not in ROLES:
            raise Rejected(f"Invalid value: '{message.get('role')}'.", param="messages.role")
    return messages


def _picture_urls(message: Mapping[str, Any]) -> Iterator[str]:
    content = message.get("content")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise Rejected("Invalid type for 'messages.content'.", param="messages.content")
    for part in content:
        match part:
            case {"type": "text", "text": str()}:
                pass
            case {"type": "image_url", "image_url": {"url": str() as url}}:
                yield url
            case _:
                raise Rejected(f"Invalid content part: {sorted(part)}.", param="messages.content")


def _decode(url: str) -> Image.Image:
    found = re.fullmatch(r"data:image/(jpeg|png|webp|gif);base64,(.+)", url)
    if not found:
        raise Rejected("Only pictures as data: addresses are read here.", code="invalid_image_url")
    try:
        image = Image.open(io.BytesIO(base64.b64decode(found[2], validate=True)), formats=[found[1].upper()])
        image.load()
    except (OSError, binascii.Error) as error:
        raise Rejected("The image data you provided does not represent a valid image.", code="invalid_image") from error
    return image


def _check_format(wanted: Any) -> None:
    match wanted:
        case None | {"type": "text"} | {"type": "json_object"}:
            return
        case {"type": "json_schema", "json_schema": {"name": str() as name, "schema": dict() as schema, **rest}}:
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
                raise Rejected("Invalid 'response_format.json_schema.name'.", param="response_format.json_schema.name")
            if rest.get("strict"):
                _check_strict(schema, ())
        case _:
            raise Rejected("Invalid 'response_format'.", param="response_format")


def _check_strict(schema: Any, at: tuple[str, ...]) -> None:
    fault = _fault(schema, at)
    if fault:
        where = " -> ".join(at) or "()"
        raise Rejected(f"Invalid schema for response_format: In context={where}, {fault}", param="response_format")
    for name, child in schema.get("properties", {}).items():
        _check_strict(child, (*at, "properties", name))
    if "items" in schema:
        _check_strict(schema["items"], (*at, "items"))
    for number, child in enumerate(schema.get("anyOf", ())):
        _check_strict(child, (*at, "anyOf", str(number)))


def _fault(schema: Any, at: tuple[str, ...]) -> str | None:
    """What the strict subset forbids about this one schema, its children aside."""
    if not isinstance(schema, dict):
        return "schema must be an object."
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    names = schema.get("properties", {})
    rules = (
        (not at and kinds != ["object"], "the root must be of type 'object'."),
        (not kinds and not {"anyOf", "$ref", "enum", "const"} & set(schema), "schema must have a 'type' key."),
        (set(schema) - SCHEMA_WORDS, f"{sorted(set(schema) - SCHEMA_WORDS)} is not permitted."),
        (
            "object" in kinds and schema.get("additionalProperties") is not False,
            "'additionalProperties' must be false.",
        ),
        ("object" in kinds and set(schema.get("required", ())) != set(names), "'required' must name every property."),
        ("array" in kinds and "items" not in schema, "array schema missing items."),
        (len(at) > 2 * MOST_DEPTH, "nested too deep."),
        (len(names) > MOST_PROPERTIES or len(schema.get("enum", ())) > MOST_ENUM_VALUES, "too large."),
    )
    return next((message for broken, message in rules if broken), None)
