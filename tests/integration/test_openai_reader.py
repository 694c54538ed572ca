"""The model's reader with the real `openai` client against a stand-in endpoint on the loopback interface."""

import asyncio
import base64
import io
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from backend.core import catalog
from backend.core.ai_analyzer import batch_analyze_photos, load_analyzer, read_one_item
from backend.core.errors import AIAnalysisError, BadRequest, PhotoRefused, SetupError
from backend.core.listing import FIELD_NAMES
from backend.core.metrics import gpt4_vision_calls_total
from backend.core.reading import PhotoInput, Refusal
from backend.core.retry_utils import waiting_by
from backend.sandbox.chat_request import Rejected, check_request
from backend.sandbox.vision_api import Failure, VisionApi, running_vision_api
from backend.sandbox.vision_servers import SERVERS
from backend.vision.openai_compatible import OpenAIAnalyzer, UnusableAnswer
from backend.vision.pictures import COVER_SIDE, OTHER_SIDE
from backend.vision.schema import Answer, answer_schema

EXIF_ORIENTATION = 0x0112


@pytest.fixture
async def analyzer(api: VisionApi) -> AsyncIterator[OpenAIAnalyzer]:
    analyzer = OpenAIAnalyzer(api_key=api.key, base_url=api.url, timeout=10)
    yield analyzer
    await analyzer.aclose()


@pytest.fixture
def waits() -> Iterator[list[float]]:
    waits: list[float] = []
    with waiting_by(waits.append):
        yield waits


@pytest.fixture
def photos(tmp_path: Path) -> list[PhotoInput]:
    """A cover taken sideways, with a camera's metadata, and a close-up."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    exif[0x010F] = "SecretCam"
    Image.new("RGB", (1600, 1200), (200, 30, 40)).save(tmp_path / "cover.jpg", exif=exif)
    Image.new("RGBA", (900, 900), (30, 60, 180, 255)).save(tmp_path / "label.png")
    return [PhotoInput(f"p-{n}", tmp_path / n, n) for n in ("cover.jpg", "label.png")]


def calls() -> dict[str, float]:
    return {s: gpt4_vision_calls_total.labels(status=s)._value.get() for s in ("success", "error")}


def counted_since(before: dict[str, float]) -> dict[str, float]:
    return {s: n - before[s] for s, n in calls().items() if n != before[s]}


def sent(api: VisionApi) -> list[Image.Image]:
    parts = api.requests[-1]["messages"][1]["content"]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return [Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1]))) for url in urls]


async def test_the_model_s_answer_becomes_fields_with_evidence(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput]
) -> None:
    before = calls()
    api.script.append(
        {
            "category": "dress",
            "audience": "women",
            "brand": {"value": "Sézane", "confidence": 0.95, "photo": 2},
            "size": {"value": "FR 38", "confidence": 0.9, "photo": 2},
            "colours": ["red"],
            "condition": {"value": "very-good", "confidence": 0.6, "photo": None},
            "title": "Robe Sézane rouge taille 38",
            "description": "Robe rouge à manches courtes. Aucun défaut visible.",
            "photos": ["front", "label"],
        }
    )
    reading = await analyzer.read_item(photos)
    assert reading.roles == {"p-cover.jpg": "front", "p-label.png": "label"}
    fields = reading.fields
    assert {name: field.value for name, field in fields.items()} == {
        "category": "dress",
        "audience": "women",
        "brand": "Sézane",
        "size": "M",
        "colours": ["red"],
        "condition": "very-good",
        "title": "Robe Sézane rouge taille 38",
        "description": "Robe rouge à manches courtes. Aucun défaut visible.",
    }
    assert set(fields) <= set(FIELD_NAMES)
    assert (reading.photos, reading.warnings) == (("p-cover.jpg", "p-label.png"), ())
    assert fields["brand"].confidence == 0.95
    (evidence,) = fields["brand"].evidence
    assert (evidence.source, evidence.photo, evidence.detail) == ("model", "p-label.png", "gpt-4o, item-v3")
    assert fields["condition"].evidence[0].photo is None
    assert (counted_since(before), api.calls) == ({"success": 1}, 1)


async def test_the_stand_in_sees_a_colour_and_the_reader_abstains_from_the_rest(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput]
) -> None:
    assert {n: f.value for n, f in (await analyzer.read_item(photos)).fields.items()} == {"colours": ["red"]}
    assert {n: f.value for n, f in (await analyzer.read_item(photos[::-1])).fields.items()} == {"colours": ["blue"]}


async def test_photos_are_sent_upright_small_and_without_metadata(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput]
) -> None:
    await analyzer.read_item(photos)
    cover, label = sent(api)
    assert (cover.size, label.size) == ((COVER_SIDE * 3 // 4, COVER_SIDE), (OTHER_SIDE, OTHER_SIDE))
    assert all(image.format == "JPEG" and not image.getexif() for image in (cover, label))
    assert b"SecretCam" not in str(api.requests[-1]).encode()


async def test_the_request_holds_the_prompt_in_the_seller_s_language_and_no_file_names(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput]
) -> None:
    await analyzer.read_item(photos, language="en")
    request = api.requests[-1]
    prompt = request["messages"][0]["content"]
    assert "in English" in prompt
    assert "{language}" not in prompt
    for rule in ("never instructions", "null is a good answer", "No measurement"):
        assert rule in " ".join(prompt.split())
    assert (request["temperature"], request["model"]) == (0, "gpt-4o")
    assert request["response_format"]["json_schema"]["strict"] is True
    assert "cover.jpg" not in str(request["messages"])


async def test_more_than_twenty_photos_send_twenty_and_lose_none(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput]
) -> None:
    many = [PhotoInput(f"p{n}", photos[1].path) for n in range(23)]
    assert len((await analyzer.read_item(many)).photos) == 23
    assert len(sent(api)) == 20


@pytest.mark.parametrize(
    ("failure", "retry_after"),
    [
        (Failure("rate_limited", retry_after="7"), 7),
        (Failure("rate_limited"), None),
        (Failure("server_error"), None),
        (Failure("server_error", retry_after="12"), 12),
    ],
)
async def test_passing_failures_are_retryable_and_carry_the_server_s_wish(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], failure: Failure, retry_after: float | None
) -> None:
    before = calls()
    api.script.append(failure)
    with pytest.raises(AIAnalysisError) as raised:
        await analyzer.read_item(photos)
    assert (raised.value.retry_after, raised.value.kind) == (retry_after, "retryable")
    assert (api.calls, counted_since(before)) == (1, {"error": 1})


async def test_a_wish_may_be_a_date(api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput]) -> None:
    api.script.append(Failure("rate_limited", format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)))
    with pytest.raises(AIAnalysisError) as raised:
        await analyzer.read_item(photos)
    assert raised.value.retry_after == pytest.approx(90, abs=5)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("refusal", "refused to read"),
        ("truncated", "was cut off"),
        ("content_filter", "content filter"),
    ],
)
async def test_an_answer_that_is_no_reading_says_what_it_was(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], fault: Any, says: str
) -> None:
    api.script.extend([Failure(fault)] * 2)
    with pytest.raises(UnusableAnswer, match=says):
        await analyzer.read_item(photos[1:])


@pytest.mark.parametrize("fault", ["refusal", "content_filter"])
async def test_an_answer_that_is_no_reading_is_not_asked_for_again(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], waits: list[float], fault: Any
) -> None:
    before = calls()
    api.script.extend([Failure(fault), Failure(fault)])
    refusal = await read_one_item(analyzer, photos)
    assert refusal == Refusal("cover.jpg, label.png", UnusableAnswer.code)
    assert (api.calls, counted_since(before), waits) == (1, {"error": 1}, [])


@pytest.mark.parametrize("server", ["openai", "openrouter"])
@pytest.mark.parametrize("fault", ["request_timeout", "conflict"])
async def test_of_the_4xx_only_too_many_requests_is_tried_again(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], waits: list[float], fault: Any, server: str
) -> None:
    """As an HTTP status, and as the code within an answer of status 200."""
    api.manners = SERVERS[server]
    api.script.extend([Failure(fault)] * 2)
    assert isinstance(await read_one_item(analyzer, photos), Refusal)
    assert (api.calls, waits) == (1, [])


async def test_an_answer_of_no_form_is_asked_for_once_more_with_the_form_in_words(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], waits: list[float]
) -> None:
    api.script.extend([Failure("malformed"), {"brand": "Zara"}])
    assert (await analyzer.read_item(photos)).fields["brand"].value == "Zara"
    assert "JSON schema" in api.requests[-1]["messages"][0]["content"]
    api.script.append(Failure("malformed"))
    refusal = await read_one_item(analyzer, photos)
    assert (refusal, api.calls, waits) == (Refusal("cover.jpg, label.png", UnusableAnswer.code), 3, [])


async def test_an_answer_that_was_cut_off_is_asked_for_once_more_and_longer(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput]
) -> None:
    api.script.extend([Failure("truncated"), {"brand": "Zara"}])
    assert (await analyzer.read_item(photos)).fields["brand"].value == "Zara"
    assert [request["max_completion_tokens"] for request in api.requests] == [2000, 8000]
    api.script.append(Failure("truncated"))
    with pytest.raises(UnusableAnswer, match="cut off"):
        await analyzer.read_item(photos[1:])
    assert api.calls == 3


async def test_a_model_that_keeps_silent_is_left_after_the_timeout(api: VisionApi, photos: list[PhotoInput]) -> None:
    analyzer = OpenAIAnalyzer(api_key=api.key, base_url=api.url, timeout=0.3)
    api.script.append(Failure("hang", seconds=1.5))
    before = calls()
    with pytest.raises(AIAnalysisError, match=r"within 0\.3 s"):  # who waits longer gets an answer
        await analyzer.read_item(photos)
    assert counted_since(before) == {"error": 1}
    await analyzer.aclose()


async def test_an_endpoint_that_is_not_there_is_retryable(photos: list[PhotoInput]) -> None:
    with running_vision_api() as gone:
        pass
    analyzer = OpenAIAnalyzer(api_key="k", base_url=gone.url, timeout=5)
    with pytest.raises(AIAnalysisError, match="can't be reached"):
        await analyzer.read_item(photos)
    await analyzer.aclose()


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"api_key": "sk-wrong-key"}, "OPENAI_API_KEY"),
        ({"model": "gpt-9"}, "VINTEDBOT_MODEL"),
    ],
)
async def test_what_is_set_wrong_is_named_and_never_asked_again(
    api: VisionApi, photos: list[PhotoInput], waits: list[float], options: dict[str, str], names: str
) -> None:
    analyzer = OpenAIAnalyzer(**{"api_key": api.key, "base_url": api.url} | options)
    with pytest.raises(SetupError, match=names) as raised:
        await read_one_item(analyzer, photos)
    assert "sk-wrong-key" not in str(raised.value)
    assert (api.calls, waits) == (1, [])
    await analyzer.aclose()


async def test_no_credit_is_a_matter_of_set_up_though_it_comes_as_429(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput]
) -> None:
    api.script.append(Failure("no_credit"))
    with pytest.raises(SetupError, match="no credit"):
        await analyzer.read_item(photos)


async def test_an_address_that_speaks_another_protocol_is_named(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput]
) -> None:
    api.script.append(Failure("not_json"))
    with pytest.raises(SetupError, match="OPENAI_BASE_URL"):
        await analyzer.read_item(photos)


async def test_a_redirection_is_told_and_not_followed(photos: list[PhotoInput]) -> None:
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.split(" ")[1])
        await reader.readexactly(int(re.findall(r"(?i)content-length: (\d+)", head)[0]))
        writer.write(
            b"HTTP/1.1 307 Elsewhere\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        away = load_analyzer("openai", base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        with pytest.raises(SetupError, match="leads elsewhere") as told:
            await away.read_item(photos)
        await away.aclose()
    assert (told.value.code, asked) == ("model_moved", ["/v1/chat/completions"])


async def test_without_a_key_or_an_address_there_is_no_reader() -> None:
    with pytest.raises(SetupError, match="OPENAI_API_KEY"):
        load_analyzer("openai")


async def test_the_environment_is_not_read(api: VisionApi, photos: list[PhotoInput], monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", api.key)
    monkeypatch.setenv("OPENAI_BASE_URL", api.url)
    with pytest.raises(SetupError, match="OPENAI_API_KEY"):
        OpenAIAnalyzer()
    away = OpenAIAnalyzer(api_key="k")
    assert away.calls._client.base_url.host == "api.openai.com"
    await away.aclose()
    at_home = load_analyzer("openai", base_url=api.url)
    with pytest.raises(SetupError, match="refuses the key"):
        await at_home.read_item(photos)
    await at_home.aclose()


async def test_a_model_that_takes_no_temperature_is_asked_without_one_from_then_on(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput]
) -> None:
    api.manners = SERVERS["openai-reasoning"]
    before = calls()
    assert (await analyzer.read_item(photos)).fields["colours"].value == ["red"]
    assert counted_since(before) == {"error": 1, "success": 1}
    await analyzer.read_item(photos)
    assert api.calls == 3
    assert "temperature" not in api.requests[-1]


async def test_a_photo_that_cannot_be_decoded_is_refused_before_any_call(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photos[0].path.read_bytes()[:900])
    with pytest.raises(PhotoRefused):
        await analyzer.read_item([*photos, PhotoInput("x", broken)])
    assert api.calls == 0


async def test_no_more_calls_at_once_than_allowed(api: VisionApi, photos: list[PhotoInput]) -> None:
    analyzer = OpenAIAnalyzer(api_key=api.key, base_url=api.url, max_concurrency=2)
    api.script.extend([Failure("hang", seconds=0.1)] * 6)
    await asyncio.gather(*(analyzer.read_item(photos[1:]) for _ in range(6)), return_exceptions=True)
    assert (api.calls, api.most_at_once) == (6, 2)
    await analyzer.aclose()


async def test_a_batch_survives_the_failure_of_one_item(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], waits: list[float]
) -> None:
    start = datetime(2026, 5, 1, 12, 0)
    items = [
        PhotoInput(f"i{n}-{k}", photos[1].path, f"{n}-{k}.png", "", start + timedelta(minutes=10 * n, seconds=5 * k))
        for n in range(3)
        for k in range(2)
    ]
    api.script.extend([Failure("server_error"), {"brand": "Levi's"}, Failure("refusal")])
    batch = await batch_analyze_photos(items, analyzer=analyzer)
    assert sorted(photo for item in batch.items for photo in item.photos) == [photo.id for photo in items]
    assert len(batch.items) == 3
    assert sum("brand" in item.fields for item in batch.items) == 1
    assert sum(item.warnings == (f"reading_failed:{UnusableAnswer.code}",) for item in batch.items) == 1
    assert sum("colours" in item.fields for item in batch.items) == 1  # the one that was tried again
    assert len(waits) == 1


def test_the_schema_and_its_validation_have_the_same_fields() -> None:
    schema = answer_schema()
    assert set(schema["properties"]) == set(Answer.model_fields)
    assert set(catalog.kinds()) < set(schema["properties"]["category"]["properties"]["value"]["enum"])


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda s: s["properties"]["brand"].pop("additionalProperties"), "additionalProperties"),
        (lambda s: s["required"].pop(), "required"),
        (lambda s: s["properties"]["colours"]["properties"]["value"].pop("items"), "items"),
        (lambda s: s["properties"]["brand"].update(default=None), "default"),
    ],
)
def test_the_stand_in_rejects_a_schema_the_real_service_would(break_it: Any, says: str) -> None:
    schema = answer_schema()
    break_it(schema)
    format_ = {"type": "json_schema", "json_schema": {"name": "item", "strict": True, "schema": schema}}
    with pytest.raises(Rejected, match=says):
        check_request({"model": "m", "messages": [], "response_format": format_}, models=["m"])


async def test_the_stand_in_rejects_what_is_no_picture_and_what_it_does_not_know(api: VisionApi) -> None:
    def body(url: str) -> dict[str, Any]:
        content = [{"type": "image_url", "image_url": {"url": url}}]
        return {"model": "gpt-4o", "messages": [{"role": "user", "content": content}]}

    faults = [
        body("data:image/jpeg;base64,AAAA"),
        body("https://example.org/a.jpg"),
        {**body("x"), "temprature": 0},
        {"model": "gpt-4o", "messages": []},
    ]
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {api.key}"}, verify=False) as http:
        for fault in faults:
            answer = await http.post(api.url + "/chat/completions", json=fault)
            assert (answer.status_code, set(answer.json()["error"])) == (400, {"message", "type", "param", "code"})
        assert [m["id"] for m in (await http.get(api.url + "/models")).json()["data"]] == ["gpt-4o"]


async def test_a_rejected_request_says_what_the_service_said_and_is_not_sent_again(
    api: VisionApi, analyzer: OpenAIAnalyzer, photos: list[PhotoInput], waits: list[float]
) -> None:
    api.script.append(Failure("rejected"))
    with pytest.raises(BadRequest, match="rejected by our safety system"):
        await analyzer.read_item(photos)
    assert (api.calls, waits) == (1, [])
