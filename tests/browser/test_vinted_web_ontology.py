"""The form's options, listened to while a real browser loads it: nothing is asked twice and nothing is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from backend.core import catalog
from backend.core.catalog import Leaf
from backend.core.ontology import match_leaf, match_term
from backend.sandbox import names
from backend.sandbox.server import Sandbox

if TYPE_CHECKING:
    from conftest import Attempts

pytestmark = pytest.mark.asyncio(loop_scope="module")


def leaves(*kinds: str) -> list[Leaf]:
    found = [catalog.find_leaf("women", kind) for kind in kinds]
    return [leaf for leaf in found if leaf is not None]


@pytest.mark.parametrize(("widgets", "language", "unknown"), [("new", "fr", None), ("old", "de", 9191)])
async def test_what_the_form_offers_is_learned_by_listening(
    widgets: Any, language: Any, unknown: int | None, sandbox: Sandbox, attempts: Attempts
) -> None:
    """The German stand-in has one category that no name of ours is: it is told so, not guessed."""
    sandbox.state.options = replace(sandbox.state.options, widgets=widgets, language=language)
    account = replace(attempts.account, language=language)
    dress, jeans = leaves("dress", "jeans")
    nowhere = replace(dress, id=1, ids=(1, 2), kind="hat", paths={"en": ("Women", "Kilts"), "fr": ("Femmes", "Kilts")})
    offered = await attempts.route.site_catalog(account, [dress, nowhere, jeans])
    assert len(offered.leaves) == len(catalog.leaves())
    for leaf in catalog.leaves().values():
        found = match_leaf(leaf, offered, language).option
        assert (found and found.id) == (None if leaf.id == unknown else leaf.id)
    assert {dress.id, jeans.id} <= set(offered.sizes)
    assert [option.title for option in offered.sizes[dress.id]] == [
        names.size(option, language) for option in catalog.size_groups()[dress.size_group or ""]
    ]
    for field, terms in (
        ("colours", names.terms("colours", language)),
        ("condition", names.terms("conditions", language)),
    ):
        for term, title in terms:
            option = match_term(term, offered.options[field], language).option
            assert (option and option.title) == title
    assert sandbox.received()["items"] == []
