"""The services a model is usually asked at, so that an address need not be known by heart. `docs/models.md` lists the
same; a test keeps them alike. Owns no choice: any other address does as well."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from backend.vision.tariff import OPENAI_URL

ON_THE_PAGE = "on the page Settings, Reader and costs"
"""Where errors of ours send whoever chose a model there."""


@dataclass(frozen=True)
class Preset:
    """A service. `models` are examples of its makers' documents, the first one proposed; none where a server has
    whatever it was started with."""

    name: str
    title: str
    address: str
    models: tuple[str, ...]
    needs_key: bool

    @property
    def model(self) -> str:
        return self.models[0] if self.models else ""


PRESETS = (
    Preset("openai", "OpenAI", OPENAI_URL, ("gpt-4o", "gpt-4o-mini", "gpt-4.1-mini"), True),
    Preset("mistral", "Mistral", "https://api.mistral.ai/v1", ("pixtral-large-latest", "mistral-medium-latest"), True),
    Preset(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        ("openai/gpt-4o-mini", "qwen/qwen2.5-vl-72b-instruct"),
        True,
    ),
    Preset("ollama", "Ollama", "http://localhost:11434/v1", ("qwen2.5vl", "llama3.2-vision"), False),
    Preset("vllm", "vLLM", "http://localhost:8000/v1", (), False),
    Preset("lmstudio", "LM Studio", "http://localhost:1234/v1", (), False),
)


def preset_called(name: str) -> Preset | None:
    return next((one for one in PRESETS if one.name == name), None)


def preset_of(address: str) -> Preset | None:
    """The preset that is at this host."""
    place = urlsplit(address).netloc.lower()
    return next((one for one in PRESETS if urlsplit(one.address).netloc == place), None)
