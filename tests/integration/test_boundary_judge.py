"""The model's judge of doubtful places, with the real `openai` client against a stand-in endpoint."""

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from backend.core.errors import AIAnalysisError, PhotoRefused, SetupError
from backend.core.metrics import gpt4_vision_calls_total
from backend.core.model_calls import NOT_BILLED, MadeCall, PlannedCall, Unmetered
from backend.core.reading import BoundaryJudge, PhotoInput
from backend.sandbox.vision_api import Failure, VisionApi
from backend.sandbox.vision_servers import SERVERS
from backend.vision.boundaries import ModelBoundaryJudge
from backend.vision.calls import ModelCalls

ROWS = ((200, 40, 40), (40, 40, 200))


@pytest.fixture
async def judge(api: VisionApi) -> AsyncIterator[ModelBoundaryJudge]:
    judge = ModelBoundaryJudge(ModelCalls(api_key=api.key, base_url=api.url, model="gpt-4o", timeout=2.0))
    yield judge
    await judge.aclose()


@pytest.fixture
def rows(tmp_path: Path) -> list[list[PhotoInput]]:
    """Three red photos, then two blue ones."""
    found = []
    for row, (colour, count) in enumerate(zip(ROWS, (3, 2), strict=True)):
        paths = [tmp_path / f"{row}{n}.jpg" for n in range(count)]
        for path in paths:
            Image.new("RGB", (300, 400), colour).save(path)
        found.append([PhotoInput(path.stem, path) for path in paths])
    return found


def calls(status: str) -> float:
    return float(gpt4_vision_calls_total.labels(status=status)._value.get())


async def test_one_sheet_shows_both_rows_and_the_answer_is_a_chance(
    judge: ModelBoundaryJudge, api: VisionApi, rows: list[list[PhotoInput]]
) -> None:
    assert isinstance(judge, BoundaryJudge)
    answers = {
        '{"same": true, "confidence": 0.8}': 0.9,
        '{"same": false, "confidence": 0.8}': 0.1,
        '```json\n{"same": true, "confidence": 0}\n```': 0.5,
        '{"same": null, "confidence": 0}': None,
    }
    before = calls("success")
    api.boundaries.extend(answers)
    assert [await judge.same_item(*rows) for _ in answers] == [
        None if chance is None else pytest.approx(chance) for chance in answers.values()
    ]
    assert calls("success") == before + len(answers)
    (part,) = api.requests[0]["messages"][1]["content"]
    sheet = Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].partition(",")[2])))
    for row, colour in enumerate(ROWS):
        seen = sheet.getpixel((sheet.width // 2, sheet.height * (2 * row + 1) // 4))
        assert isinstance(seen, tuple)
        assert max(abs(a - b) for a, b in zip(seen, colour, strict=True)) < 25


@pytest.mark.parametrize("server", SERVERS)
async def test_each_server_is_asked_in_its_own_way_which_is_learned_once(
    judge: ModelBoundaryJudge, api: VisionApi, rows: list[list[PhotoInput]], server: str
) -> None:
    api.manners = SERVERS[server]
    api.boundaries.extend(['{"same": true, "confidence": 1}'] * 3)
    assert await judge.same_item(*rows) == 1.0
    learned = api.calls
    assert await judge.same_item(*rows) == 1.0
    assert api.calls == learned + 1


@pytest.mark.parametrize(
    "answer",
    [
        "{}",
        '{"same": "perhaps", "confidence": 1}',
        '{"same": true, "confidence": 7}',
        Failure("server_error"),
        Failure("rate_limited"),
        Failure("refusal"),
        Failure("not_json"),
        Failure("hang", seconds=3),
    ],
)
async def test_no_usable_answer_is_an_error_the_sorting_knows(
    judge: ModelBoundaryJudge, api: VisionApi, rows: list[list[PhotoInput]], answer: Failure | str
) -> None:
    """One of no form is asked for once more, with the form in words."""
    asked = 2 if isinstance(answer, str) else 1
    before = calls("error")
    api.boundaries.extend([answer] * 2)
    with pytest.raises((AIAnalysisError, SetupError)):
        await judge.same_item(*rows)
    assert (api.calls, calls("error")) == (asked, before + asked)


async def test_a_photo_that_cant_be_decoded_is_not_sent(
    judge: ModelBoundaryJudge, api: VisionApi, rows: list[list[PhotoInput]]
) -> None:
    rows[0][0].path.write_bytes(b"no picture")
    with pytest.raises(PhotoRefused):
        await judge.same_item(*rows)
    assert api.calls == 0


class Ledger(Unmetered):
    """Notes what is set aside and what became of it."""

    def __init__(self) -> None:
        self.planned: list[PlannedCall] = []
        self.made: list[MadeCall] = []

    async def reserve(self, call: PlannedCall) -> str:
        self.planned.append(call)
        return "call"

    async def settle(self, call_id: str, made: MadeCall) -> None:
        self.made.append(made)


async def test_each_question_is_set_aside_and_settled(api: VisionApi, rows: list[list[PhotoInput]]) -> None:
    ledger = Ledger()
    judge = ModelBoundaryJudge(
        ModelCalls(api_key=api.key, base_url=api.url, model="gpt-4o", timeout=30.0, ledger=ledger)
    )
    api.boundaries.extend(['{"same": true, "confidence": 1}', Failure("server_error"), "{}", "{}"])
    assert await judge.same_item(*rows) == 1.0
    for _ in range(2):
        with pytest.raises(AIAnalysisError):
            await judge.same_item(*rows)
    await judge.aclose()
    assert [made.status for made in ledger.made] == ["success", "refused", "unusable", "unusable"]
    assert ledger.made[0].tokens is not None
    assert ledger.made[1].tokens == NOT_BILLED
    assert all(call.prompt == "boundary-v1" and call.most.input > 100 for call in ledger.planned)
