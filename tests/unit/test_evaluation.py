"""Readers measured against a truth: the truth's file, the run, its judgement, the page and the command."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backend.cli import app, evaluate
from backend.core.errors import BadRequest
from backend.core.listing import Alternative, Evidence, Field
from backend.core.reading import ItemReading, PhotoInput
from backend.vision.evaluation import report
from backend.vision.evaluation.runs import Arrival, Run, arriving, dump_runs, load_runs, make_run
from backend.vision.evaluation.scores import differences, judge_run, score, worst
from backend.vision.evaluation.truth import Truth, agrees, nothing_on, read_truth
from tests.fakes import ScriptedReader


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def photo(name: str) -> PhotoInput:
    return PhotoInput(name, Path(name), name)


def seen(value: object, confidence: float = 0.9, *others: tuple[object, float]) -> Field:
    return Field(value, confidence, tuple(Alternative(v, c) for v, c in others), (Evidence("image"),))


async def run_of(truth: Truth, answers: dict[str, dict[str, Field]]) -> Run:
    """A run of a reader that answers by the item's first photo."""

    def rule(photos: Sequence[PhotoInput]) -> ItemReading:
        return ItemReading(tuple(p.id for p in photos), answers.get(photos[0].name, {}))

    photos = [photo(name) for name in truth.items]
    reader = ScriptedReader(rule)
    return await make_run(reader, photos, truth, folder="/nowhere", version="1", step=lambda: None)


def test_a_truth_with_items_says_what_one_row_says(tmp_path: Path) -> None:
    truth = read_truth(
        write(
            tmp_path / "t.csv",
            "file,item,label,brand,colors,note",
            "a/1.jpg,coat,coat,Zara|Mango,navy black,x",
            "a/2.jpg,coat,,,,",
            "b.jpg,,hat,-,,",
        )
    )
    assert truth.items == {"a/1.jpg": "coat", "a/2.jpg": "coat", "b.jpg": "b.jpg"}
    assert truth.fields["coat"] == {"category": ("coat",), "brand": ("Zara", "Mango"), "colours": ("navy", "black")}
    assert truth.fields["b.jpg"] == {"category": ("hat",), "brand": None}
    assert truth.grouped


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["name,category", "a.jpg,hat"], "no column `file`"),
        (["file,category", "a.jpg,hat", "b.jpg,sofa"], "line 3: 'sofa' is no category"),
        (["file,colours", "a.jpg,crimson"], "'crimson' is no colours"),
    ],
)
def test_a_truth_that_can_not_be_used_says_where(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        read_truth(write(tmp_path / "t.csv", *lines))


@pytest.mark.parametrize(
    ("field", "expected", "answer", "right"),
    [
        ("category", ("jeans",), "pants", True),
        ("category", ("pants",), "jeans", True),
        ("category", ("pants",), "shorts", False),
        ("colours", ("navy", "white"), ["navy"], True),
        ("colours", ("navy", "white"), ["navy", "red"], False),
        ("materials", ("cotton", "elastane"), ["elastane", "cotton"], True),
        ("materials", ("cotton", "elastane"), ["cotton"], False),
        ("brand", ("Sézane",), "SEZANE", True),
        ("size", ("M",), "L", False),
    ],
)
def test_when_an_answer_agrees(field: str, expected: tuple[str, ...], answer: object, right: bool) -> None:
    assert agrees(field, expected, answer) is right


async def test_each_kind_of_answer_is_counted_once(tmp_path: Path) -> None:
    rows = [f"{name}.jpg,{kind}" for name, kind in zip("abcde", ["hat", "hat", "hat", "-", "-"], strict=True)]
    truth = read_truth(write(tmp_path / "t.csv", "file,category", *rows))
    run = await run_of(
        truth,
        {
            "a.jpg": {"category": seen("hat", 0.9)},
            "b.jpg": {"category": seen("shoes", 0.8, ("hat", 0.2))},
            "c.jpg": {"category": seen(None, 0.6, ("hat", 0.6), ("body", 0.3))},
            "d.jpg": {"category": seen("dress", 0.95)},
        },
    )
    (field,) = score(run).fields
    counts = field.counts
    assert (counts.right, counts.wrong, counts.missed, counts.invented, counts.silent) == (1, 1, 1, 1, 1)
    assert field.accuracy == pytest.approx(2 / 3), "an unsure guess counts for the best guess"
    assert field.top_three == 1.0
    assert field.sure is not None
    assert (field.sure.coverage, field.sure.precision) == (pytest.approx(2 / 3), 0.5)
    assert [j.item.item for j in worst(judge_run(run), 5)] == ["d.jpg", "b.jpg"]


async def test_a_fallbacks_guess_is_no_answer(tmp_path: Path) -> None:
    truth = read_truth(write(tmp_path / "t.csv", "file,brand", "a.jpg,Zara"))
    guess = Field("Zara", 0.9, evidence=(Evidence("fallback"),))
    assert score(await run_of(truth, {"a.jpg": {"brand": guess}})).fields[0].counts.missed == 1


async def test_the_products_own_grouping_is_measured_and_read_once(tmp_path: Path) -> None:
    rows = ["one/1.jpg,a,hat", "one/2.jpg,a,", "two/1.jpg,b,shoes", "two/2.jpg,b,"]
    truth = read_truth(write(tmp_path / "t.csv", "file,item,category", *rows))
    reader = ScriptedReader(lambda photos: ItemReading(tuple(p.id for p in photos), {"category": seen("hat")}))
    photos = [PhotoInput(name, Path(name), name, name.split("/")[0]) for name in truth.items]
    run = await make_run(reader, photos, truth, folder="/nowhere", version="1", step=lambda: None)
    found = score(run)
    assert found.grouping is not None
    assert found.grouping.ari == 1.0
    assert reader.asked == 1 + 2, "once to load the models, then once an item"
    assert found.fields[0].counts.right == found.fields[0].counts.wrong == 1


def test_photos_arrive_as_a_heap_without_times_folders_and_names() -> None:
    photos = [PhotoInput(str(n), Path(), f"a/{n}.jpg", "a", datetime(2026, 5, 2, 10, n)) for n in range(9)]
    assert arriving(photos, Arrival.AS_THEY_ARE) == photos
    for arrival, ids in ((Arrival.NO_TIMES, "012345678"), (Arrival.BACKWARDS, "876543210")):
        heap = arriving(photos, arrival)
        assert [photo.id for photo in heap] == list(ids)
        assert {(photo.captured_at, photo.folder) for photo in heap} == {(None, "")}
        assert [photo.name for photo in heap] == sorted(photo.name for photo in heap)
    mixed = [photo.id for photo in arriving(photos, Arrival.SHUFFLED)]
    assert sorted(mixed) == list("012345678") != mixed


async def test_an_item_that_can_not_be_read_is_missed_and_named(tmp_path: Path) -> None:
    truth = read_truth(write(tmp_path / "t.csv", "file,brand", "a.jpg,Zara", "b.jpg,Zara"))

    def rule(photos: Sequence[PhotoInput]) -> ItemReading:
        if photos[0].name == "b.jpg":
            raise BadRequest("no")
        return ItemReading(("a.jpg",), {"brand": seen("zara")})

    photos = [photo(name) for name in truth.items]
    run = await make_run(ScriptedReader(rule), photos, truth, folder="/", version="1", step=lambda: None)
    found = score(run)
    assert (found.failed, found.fields[0].counts.right, found.fields[0].counts.missed) == (1, 1, 1)


async def test_a_run_is_kept_and_compared(tmp_path: Path) -> None:
    truth = read_truth(write(tmp_path / "t.csv", "file,size,colours", "a.jpg,M,red", "b.jpg,L,"))
    first = await run_of(truth, {"a.jpg": {"size": seen("M"), "colours": seen(["red"])}, "b.jpg": {"size": seen("M")}})
    second = await run_of(truth, {"a.jpg": {"size": seen("M")}, "b.jpg": {"size": seen("M")}})
    kept = tmp_path / "run.json"
    kept.write_text(json.dumps({"runs": dump_runs([first])}), encoding="utf-8")
    (again,) = load_runs(kept)
    assert score(again) == score(first)
    assert [(one.field, one.verdict, other.verdict) for one, other in differences(again, second)] == [
        ("colours", "right", "missed")
    ]
    with pytest.raises(BadRequest, match="no file of"):
        load_runs(write(tmp_path / "other.json", "[]"))


async def test_the_page_is_whole_and_escapes_what_was_read(tmp_path: Path) -> None:
    truth = nothing_on(["<b>.jpg"])
    run = await run_of(truth, {"<b>.jpg": {"brand": seen("<script>alert(1)</script>")}})
    page = report.render([run, run])
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "http" not in page, "nothing is loaded from elsewhere"
    assert "Where the two differ: 0 answers" in page


def test_the_command_reads_a_folder_and_compares_files(
    closet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = ScriptedReader()
    monkeypatch.setattr(evaluate, "build_analyzer", lambda settings, ledger: reader)
    rows = [f"IMG_{item}{shot}.jpg,{item},t-shirt" for item in range(2) for shot in range(3)]
    write(closet / "truth.csv", "file,item,category", *rows)
    page = tmp_path / "report.html"
    result = CliRunner().invoke(app, ["evaluate", str(closet), "--html", str(page), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["scores"][0]["fields"][0]["counts"]["right"] == 2
    assert found["scores"][0]["grouping"]["ari"] == 1.0
    assert "t-shirt" not in page.read_text(), "nothing was wrong, so no case is shown"
    heap = CliRunner().invoke(app, ["evaluate", str(closet), "--arrival", "no-times"])
    assert "grouping, photos no-times: ARI 0.000" in heap.stdout
    assert "0 of 1 borders merged, 4 of 4 inner split" in heap.stdout, "nothing tells where an item begins"
    kept = write(tmp_path / "run.json", result.stdout)
    compared = CliRunner().invoke(app, ["evaluate", "--compare", str(kept), str(kept)])
    assert compared.exit_code == 0, compared.output
    assert "The two differ in 0 answers." in compared.stdout


def test_the_command_wants_one_thing_to_read(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["evaluate"]).exit_code == 1
    result = CliRunner().invoke(app, ["evaluate", str(tmp_path)])
    assert result.exit_code == 1
    assert "truth.csv" in result.stderr
