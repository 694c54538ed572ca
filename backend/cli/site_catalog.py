"""`accounts catalog`: what a marketplace's own form offers, and which of our options it has under another name."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from sqlmodel import Session

from backend.cli.terminal import AsJson, out, show_json, with_runtime
from backend.core import catalog, site_names
from backend.core.catalog import Leaf
from backend.core.ontology import Match, Ontology, match_leaf, match_term
from backend.drafts import service as drafts
from backend.drafts.site_catalogs import catalog_in_use
from backend.runtime import Runtime


def show_catalog(
    account: Annotated[str | None, typer.Argument(help="Account's name or id, when there are several.")] = None,
    leaves: Annotated[int, typer.Option(min=0, max=100, help="Look at the sizes of so many of your categories.")] = 12,
    as_json: AsJson = False,
) -> None:
    """Opens the marketplace's form with the kept session, listens to what it loads, and keeps it for checking drafts.

    Stores nothing there. Example: `vintedbot accounts catalog`"""

    async def act(runtime: Runtime) -> dict[str, Any]:
        looked_at = await runtime.database.look(leaves_in_use, runtime.user_id, leaves)
        row = await runtime.accounts.fetch_catalog(runtime.user_id, account, looked_at)
        in_use = await runtime.database.look(catalog_in_use, runtime.user_id)
        assert in_use is not None, "it was kept just now"
        language = catalog.language_of(row.base_url, default=runtime.settings.told_in)
        return {"marketplace": row.base_url, "version": row.version, **summary(in_use[1], language)}

    found = with_runtime(act, as_json=as_json)
    if as_json:
        show_json(found)
        return
    counts = f"{found['categories']} categories, sizes of {found['sized_categories']}"
    out.print(f"{found['marketplace']}: {counts}, version {found['version']}")
    for row in found["unmapped"]:
        nearest = ", ".join(row["nearest"]) or "nothing like it"
        out.print(escape(f"Not offered under our name: {row['field']} {row['name']} (nearest: {nearest})"))


def summary(offered: Ontology, language: str) -> dict[str, Any]:
    """What the site offers in numbers, and each of our options that has no counterpart there."""
    language = offered.spoken(language)
    terms = {
        "condition": catalog.conditions(),
        "colours": catalog.colours(),
        "materials": catalog.materials(),
        "parcel": catalog.parcels(),
    }
    matches: list[tuple[str, str, Match]] = [
        ("category", " > ".join(site_names.path(leaf, language)), match_leaf(leaf, offered, language))
        for leaf in catalog.leaves().values()
    ]
    for name, known in terms.items():
        if options := offered.options.get(name):
            matches += [
                (name, site_names.of(term, language)[0], match_term(term, options, language)) for term in known.values()
            ]
    return {
        "categories": len(offered.leaves),
        "sized_categories": len(offered.sizes),
        "options": {name: len(options) for name, options in offered.options.items()},
        "unmapped": [
            {"field": field, "name": name, "nearest": list(match.suggestions)}
            for field, name, match in matches
            if match.option is None
        ],
    }


def leaves_in_use(session: Session, user_id: str, most: int) -> list[Leaf]:
    """The categories of the user's drafts, the latest first."""
    listings = [drafts.listing_of(session, draft) for draft in reversed(drafts.drafts_of(session, user_id))]
    found = [catalog.find_leaf(listing.value("audience"), listing.value("category")) for listing in listings]
    return list({leaf.id: leaf for leaf in found if leaf is not None}.values())[:most]
