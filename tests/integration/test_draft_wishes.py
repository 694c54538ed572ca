"""A seller's wishes at work on drafts in real tables: tone, templates, price rule, own prices, one field anew."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session
from typer.testing import CliRunner

from backend.cli import app as command_line
from backend.core.errors import BadRequest, Conflict, NotFound
from backend.core.listing import Evidence, Field
from backend.core.ontology import Category, Ontology, Option
from backend.core.pricing import PriceRule
from backend.db.engine import Database
from backend.db.models import Account, Batch, Draft, Publication, User, UserSettings
from backend.drafts import service as drafts
from backend.drafts.own_prices import own_items
from backend.drafts.site_catalogs import catalog_at, keep_catalog
from backend.preferences import Preferences, keep_preferences, preferences_of, with_changes

COAT = {"category": "coat", "brand": "Zara", "condition": "very-good", "audience": "women", "size": "M"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    built = Database(f"sqlite:///{tmp_path_factory.mktemp('wishes') / 'test.db'}")
    built.migrate()
    yield built
    built.close()


@pytest.fixture
def session(tables: Database) -> Iterator[Session]:
    """A transaction that leaves nothing behind."""
    with Session(tables.engine, expire_on_commit=False) as opened:
        yield opened
        opened.rollback()


def seller(session: Session, name: str = "marie") -> User:
    user = User(name=name)
    session.add(user)
    session.flush()
    return user


def draft_of(session: Session, user: User, defaults: dict[str, Any] | None = None, **read: Any) -> Draft:
    """A draft read as these values, in a batch of its own."""
    batch = Batch(user_id=user.id, defaults=defaults or {})
    session.add(batch)
    session.flush()
    [draft_id] = drafts.open_items(session, batch, [((), {})])
    fields = {name: Field(value, 0.9, evidence=(Evidence("image", "p1"),)) for name, value in (read or COAT).items()}
    return drafts.fill(session, draft_id, fields, ())


def value(draft: Draft, name: str) -> Any:
    return draft.fields[name]["value"]


def test_wishes_shape_new_drafts_and_leave_old_ones(session: Session) -> None:
    user = seller(session)
    before = draft_of(session, user)
    keep_preferences(
        session,
        user.id,
        Preferences(
            tone="minimal",
            title_template="{{ kind }} {{ brand }} en {{ size }}",
            hashtags=["#zara"],
            price_rule=PriceRule(rounding="ninety"),
        ),
    )
    after = draft_of(session, user)
    assert value(before, "title") == "Manteau Zara taille M"
    assert value(after, "title") == "Manteau Zara en M"
    assert value(after, "description").startswith("Manteau Zara, taille M")
    assert value(after, "description").endswith("#zara")
    assert value(after, "price").endswith(".90")


def test_a_batch_s_price_rule_goes_before_the_seller_s(session: Session) -> None:
    user = seller(session)
    keep_preferences(session, user.id, Preferences(price_rule=PriceRule(rounding="ninety")))
    batch_rule = {"price_rule": {"aim": "low", "rounding": "whole", "floor": "1"}}
    assert not value(draft_of(session, user, batch_rule), "price").endswith(".90")


def test_a_bad_template_is_refused_and_a_stored_one_that_went_bad_stops_nothing(session: Session) -> None:
    user = seller(session)
    with pytest.raises(BadRequest, match=r"Line 1: there is no \{\{ prix \}\}"):
        keep_preferences(session, user.id, Preferences(title_template="{{ prix }}"))
    session.add(UserSettings(user_id=user.id, drafts={"title_template": "{{ prix }}", "tone": "minimal"}))
    session.flush()
    assert preferences_of(session, user.id) == Preferences()
    assert value(draft_of(session, user), "title") == "Manteau Zara taille M"


def test_one_field_is_written_anew_and_every_edit_stays(session: Session) -> None:
    user = seller(session)
    draft = draft_of(session, user)
    edits = {"title": "Mon manteau", "description": "Ma description.", "price": "99", "size": "L"}
    draft = drafts.edit(session, user.id, draft.id, 1, edits)
    draft = drafts.rewrite(session, user.id, draft.id, 2, "title")
    assert value(draft, "title") == "Manteau Zara taille L"
    assert draft.fields["title"]["alternatives"] == [{"value": "Mon manteau", "confidence": 1.0}]
    assert (value(draft, "description"), value(draft, "price"), value(draft, "size")) == ("Ma description.", "99", "L")
    assert (draft.revision, draft.state) == (3, "open")
    draft = drafts.rewrite(session, user.id, draft.id, 3, "description", tone="friendly")
    assert value(draft, "description").startswith("Bonjour")
    assert value(draft, "price") == "99"


def test_what_cannot_be_written_anew(session: Session) -> None:
    user, other = seller(session), seller(session, "paul")
    draft = draft_of(session, user)
    with pytest.raises(BadRequest, match="title, description, price"):
        drafts.rewrite(session, user.id, draft.id, 1, "brand")
    with pytest.raises(Conflict):
        drafts.rewrite(session, user.id, draft.id, 7, "title")
    with pytest.raises(NotFound):
        drafts.rewrite(session, other.id, draft.id, 1, "title")
    unknown = draft_of(session, user, brand="Zara")
    with pytest.raises(Conflict, match="category"):
        drafts.rewrite(session, user.id, unknown.id, 1, "title")


def test_a_price_the_seller_set_is_never_overwritten(session: Session) -> None:
    user = seller(session)
    draft = drafts.edit(session, user.id, draft_of(session, user).id, 1, {"price": "20"})
    draft = drafts.edit(session, user.id, draft.id, 2, {"purchase_cost": "80", "brand": "Dior"})
    assert (value(draft, "price"), draft.purchase_cost) == ("20", "80")
    draft = drafts.edit(session, user.id, draft.id, 3, {"price": None})
    assert float(value(draft, "price")) > 80


def test_a_derived_price_keeps_above_what_the_item_cost(session: Session) -> None:
    user = seller(session)
    keep_preferences(session, user.id, Preferences(price_rule=PriceRule(margin=Decimal(20))))
    draft = drafts.edit(session, user.id, draft_of(session, user).id, 1, {"purchase_cost": "60"})
    assert value(draft, "price") == "72"
    assert "prix d’achat 60, marge 20 %" in draft.fields["price"]["evidence"][0]["detail"]


def publish(session: Session, user: User, draft: Draft, price: str, **given: Any) -> None:
    account = Account(user_id=user.id, username=f"m-{draft.id}", base_url="http://127.0.0.1:9")
    session.add(account)
    session.flush()
    row = {"route": "web", "mode": "draft", "state": "confirmed", "sheet": {"price": price}, **given}
    session.add(
        Publication(
            user_id=user.id, draft_id=draft.id, draft_revision=1, account_id=account.id, live_key=draft.id, **row
        )
    )
    session.flush()


def test_own_prices_are_those_published_or_stated_and_nothing_else(session: Session) -> None:
    user, other = seller(session), seller(session, "paul")
    published, rehearsed, failed, stated, derived, edited = (draft_of(session, user) for _ in range(6))
    publish(session, user, published, "61.00")
    publish(session, user, rehearsed, "62.00", mode="dry_run")
    publish(session, user, failed, "63.00", state="failed")
    drafts.edit(session, user.id, stated.id, 1, {"price": "64"})
    drafts.edit(session, user.id, edited.id, 1, {"size": "L"})
    publish(session, other, draft_of(session, other), "65.00")
    assert derived.publish_ready is not None
    assert sorted(str(item.price) for item in own_items(session, user.id, but="")) == ["61.00", "64"]
    assert [str(item.price) for item in own_items(session, user.id, but=stated.id)] == ["61.00"]


def test_a_new_draft_s_price_follows_the_seller_s_own(session: Session) -> None:
    user = seller(session)
    before = float(value(draft_of(session, user), "price"))
    for price in ("80.00", "90.00", "100.00"):
        publish(session, user, draft_of(session, user), price)
    draft = draft_of(session, user)
    assert float(value(draft, "price")) > before * 1.5
    assert (
        "vos 3 articles comparables, 90 en médiane, comptent pour 50 %"
        in draft.fields["price"]["evidence"][0]["detail"]
    )


def test_some_wishes_are_changed_and_others_stay() -> None:
    wishes = with_changes(Preferences(tone="friendly"), {"rounding": "half", "hashtags": ["a1", "#b2"]})
    assert (wishes.tone, wishes.price_rule.rounding, wishes.hashtags) == ("friendly", "half", ("a1", "b2"))
    for bad in ({"tone": "shouting"}, {"aim": "sky"}, {"floor": "0"}, {"colour": "red"}):
        with pytest.raises(BadRequest):
            with_changes(Preferences(), bad)


def test_wishes_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("{{ kind }}\nTaille {{ size }}")

    def invoke(*words: str, code: int = 0) -> dict[str, Any]:
        result = CliRunner().invoke(command_line, ["preferences", *words, "--json"])
        assert result.exit_code == code, result.output + result.stderr
        told: dict[str, Any] = json.loads(result.stdout)
        return told

    wishes = invoke(
        "tone=friendly", "rounding=ninety", "hashtags=vinted,mode", f"description_template=@{tmp_path}/mine.txt"
    )
    assert wishes["description_template"] == "{{ kind }}\nTaille {{ size }}"
    assert (wishes["tone"], wishes["hashtags"]) == ("friendly", ["vinted", "mode"])
    assert invoke("tone=")["tone"] == "plain"
    assert invoke()["price_rule"]["rounding"] == "ninety"
    assert invoke("title_template={{ nom }}", code=1)["error"]["code"] == "bad_template"
    assert invoke("volume=11", code=1)["error"]["code"] == "bad_preferences"


def test_a_site_s_catalog_is_kept_by_version_and_checked_against(session: Session) -> None:
    user = seller(session)
    site = Ontology(
        (Category((1, 2), ("Femmes", "Manteaux")),), {"colours": (Option(1, "Noir"),)}, {2: (Option(5, "M"),)}
    )
    ready = {**COAT, "colours": ["red"]}
    assert not any(p.code == "unmapped" for p in drafts.problems(draft_of(session, user, **ready)))
    row = keep_catalog(session, user.id, "https://www.vinted.fr", site)
    assert row.version == 1
    assert keep_catalog(session, user.id, "https://www.vinted.fr", Ontology(site.leaves)).version == 1
    told = [p for p in drafts.problems(draft_of(session, user, **ready)) if p.code == "unmapped"]
    assert [(p.field, p.detail) for p in told] == [("colours", {"name": "Rouge", "nearest": "–"})]
    assert not any(
        p.code == "unmapped" for p in drafts.problems(draft_of(session, user, **{**COAT, "colours": ["black"]}))
    )
    more = Ontology(site.leaves, {"colours": (Option(1, "Noir"), Option(7, "Rouge"))})
    assert keep_catalog(session, user.id, "https://www.vinted.fr", more).version == 2
    assert not any(p.code == "unmapped" for p in drafts.problems(draft_of(session, user, **ready)))
    kept = catalog_at(session, user.id, "https://www.vinted.fr")
    assert kept is not None
    assert kept.sizes == site.sizes, "what was not looked at this time stays"
    other = seller(session, "paul")
    assert catalog_at(session, other.id, "https://www.vinted.fr") is None
    assert not any(p.code == "unmapped" for p in drafts.problems(draft_of(session, other, **ready)))
