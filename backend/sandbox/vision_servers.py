"""How known servers of OpenAI's protocol differ from OpenAI's own, as their issue trackers and documents tell.

Owns what each takes, how it refuses, and what its answers lack. Owns no endpoint (`vision_api.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from backend.sandbox.chat_request import Rejected

Shape = Literal["openai", "validator", "flat", "bare"]
"""An error's body: OpenAI's object; a validator's list (Mistral); OpenAI's fields at the top (vLLM); a string (LM
Studio)."""


@dataclass(frozen=True)
class Manners:
    """What a server takes and tells. `knows` are the arguments it understands; others are refused if `strict`."""

    takes_temperature: bool = True
    refuses: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset({"json_schema", "json_object", "text"})
    enforces_schema: bool = True
    takes_detail: bool = True
    most_pictures: int | None = None
    tells_usage: bool = True
    tells_cost: bool = False
    fences: bool = False
    error_within_200: bool = False
    wants_key: bool = True
    errors: Shape = "openai"

    def check(self, body: Mapping[str, Any], pictures: int) -> None:
        """Raises Rejected for what OpenAI's own service takes and this one does not."""
        if "temperature" in body and not self.takes_temperature:
            message = "Unsupported value: 'temperature' does not support 0 with this model."
            raise Rejected(message, code="unsupported_value", param="temperature")
        for name in sorted(self.refuses & set(body)):
            raise Rejected("Extra inputs are not permitted", status=422, code="extra_forbidden", param=name)
        wanted = (body.get("response_format") or {}).get("type", "text")
        if wanted not in self.formats:
            known = " or ".join(repr(name) for name in sorted(self.formats - {"json_object"}))
            raise Rejected(f"'response_format.type' must be {known}", param="response_format")
        if self.most_pictures is not None and pictures > self.most_pictures:
            raise Rejected(f"At most {self.most_pictures} image(s) may be provided in one request.")
        if not self.takes_detail and "'detail'" in str(body.get("messages")):
            raise Rejected(
                "Extra inputs are not permitted", status=422, code="extra_forbidden", param="image_url.detail"
            )

    def error_body(self, status: int, message: str, kind: str, code: str | None, param: str | None) -> dict[str, Any]:
        match self.errors:
            case "openai":
                return {"error": {"message": message, "type": kind, "param": param, "code": code}}
            case "validator":
                where = ["body", *(param or "").split(".")]
                detail = [{"type": code or "value_error", "loc": where, "msg": message}]
                return {"object": "error", "message": {"detail": detail}, "type": kind, "param": None, "code": None}
            case "flat":
                return {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": status}
            case "bare":
                return {"error": message}


OPENAI = Manners()
SERVERS: Mapping[str, Manners] = {
    "openai": OPENAI,
    "openai-reasoning": Manners(takes_temperature=False),
    "mistral": Manners(refuses=frozenset({"max_completion_tokens"}), takes_detail=False, errors="validator"),
    "openrouter": Manners(fences=True, tells_cost=True, error_within_200=True),
    "ollama": Manners(wants_key=False, errors="openai"),
    "ollama-before-schemas": Manners(wants_key=False, enforces_schema=False),
    "vllm": Manners(wants_key=False, most_pictures=1, errors="flat"),
    "vllm-without-guides": Manners(wants_key=False, formats=frozenset({"text"}), errors="flat"),
    "lm-studio": Manners(
        wants_key=False,
        formats=frozenset({"json_schema", "text"}),
        enforces_schema=False,
        tells_usage=False,
        errors="bare",
    ),
}
"""The servers docs/models.md names, each with what is known of it; LM Studio with a model that keeps to no schema."""
