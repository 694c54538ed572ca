"""The documents tell the truth: routes and error codes are all there, links lead somewhere, both READMEs agree."""

import re
from pathlib import Path

import pytest

from backend.app import create_app
from backend.core.errors import BadRequest, LimitReached
from backend.core.texts import LANGUAGES
from backend.settings import Settings
from backend.web.language import Words, words

ROOT = Path(__file__).parents[2]
API = (ROOT / "docs" / "api.md").read_text()
OURS = [p for p in (ROOT / "backend").rglob("*.py") if "sandbox" not in p.parts]


def test_every_route_is_documented_and_no_other(settings: Settings) -> None:
    paths = create_app(settings).openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert set(re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)` \|", API, re.M)) == routes


def test_every_error_code_is_documented() -> None:
    codes = {code for path in OURS for code in re.findall(r'\bcode(?:: str)? ?= ?"([a-z_]+)"', path.read_text())}
    assert len(codes) > 30
    assert codes - set(re.findall(r"`([a-z_]+)`", API)) <= {"error"}, "the root's own code is never shown"


NO_PAGES = ("cli", "backup", "sandbox", "key_rotation.py", "whole_installation.py", "pacing.py", "ends.py", "keys.py")
"""What is told on a command line alone, to a program, or no error."""


def test_every_error_a_page_can_show_has_words() -> None:
    told = [path for path in OURS if not set(path.parts) & set(NO_PAGES)]
    found = {code for path in told for code in re.findall(r'\bcode(?:: str)? ?= ?"([a-z_]+)"', path.read_text())}
    internal = {"error", "backup_refused", "not_its_turn"}
    for language in LANGUAGES:
        assert {code for code in found if f"error.{code}" not in words(language)} == internal, language
    french, error = Words("fr"), LimitReached("Too much.", code="photo_quota", retry_after=5400)
    assert french.error(error).endswith("dans 1\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}30.")
    assert french.error(BadRequest("Days are numbers.")) == "Cette demande ne convient pas : Days are numbers."


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")], ids=lambda p: p.name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_both_readmes_give_the_same_figures_and_commands() -> None:
    english, french = ((ROOT / name).read_text() for name in ("README.md", "README.fr.md"))

    def numbers(text: str) -> list[str]:
        table = text.split("|---|---|")[1].split("\n\n", maxsplit=1)[0]
        return sorted(re.findall(r"\d+(?:[.,]\d+)?", table.replace(",", ".")))

    assert numbers(english) == numbers(french)
    commands = [re.findall(r"^(?:make|vintedbot) [a-z-]+", text, re.M) for text in (english, french)]
    assert commands[0] == commands[1]
