"""Tables of the command line."""

from typing import Any

from rich.console import Console

from backend.cli.tables import show_drafts


def row(title: str | None, *guesses: str) -> dict[str, Any]:
    fields = {
        "title": {"value": title},
        "price": {"value": None},
        "category": {"alternatives": [{"value": guess} for guess in guesses]},
    }
    return {"id": "0123456789", "photos": [], "confidence": 0.5, "fields": fields, "publish_ready": True, "state": ""}


def test_a_title_is_shown_as_it_is_and_a_guess_by_its_name() -> None:
    console = Console(width=120)
    with console.capture() as shown:
        show_drafts(console, [row("Robe [red]rouge[/red]"), row(None, "outwear", "longsleeve"), row(None)])
    assert "Robe [red]rouge[/red]" in shown.get()
    assert "coat or jacket or long-sleeved top?" in shown.get()
    assert "unknown" in shown.get()
