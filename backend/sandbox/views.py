"""Stored listings in words: what item pages, the wardrobe and the sandbox's own record show of them.

Owns the way from ids back to names. Owns no storage and no page.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from backend.core import catalog
from backend.core.catalog import Term
from backend.sandbox import brands, names
from backend.sandbox.labels import labels
from backend.sandbox.state import SandboxState, StoredItem
from backend.sandbox.validation import leaves_by_id


def describe(item: StoredItem, state: SandboxState) -> dict[str, Any]:
    """All that is stored of a listing, by name: our slugs, the marketplace's ids, photos in order."""
    leaf = leaves_by_id().get(item.catalog_id or 0)
    size = size_option(item)
    return {
        "id": item.id,
        "is_draft": item.is_draft,
        "closed": item.closed,
        "account": state.accounts[item.account_id].username,
        "title": item.title,
        "description": item.description,
        "category_path": names.path(leaf, state.options.language) if leaf else [],
        "category": leaf.kind if leaf else None,
        "audience": leaf.audience if leaf else None,
        "catalog_id": item.catalog_id,
        "brand": brand_name(item),
        "brand_id": item.brand_id,
        "size": size.value if size else None,
        "size_id": item.size_id,
        "condition": slug(catalog.conditions().values(), item.condition_id),
        "condition_id": item.condition_id,
        "colours": [slug(catalog.colours().values(), i) for i in item.color_ids],
        "color_ids": list(item.color_ids),
        "materials": [slug(catalog.materials().values(), i) for i in item.material_ids],
        "material_ids": list(item.material_ids),
        "price": item.price,
        "currency": item.currency,
        "parcel": slug(catalog.parcels().values(), item.package_size_id),
        "package_size_id": item.package_size_id,
        "is_unisex": item.is_unisex,
        "photos": [_photo(state, photo_id) for photo_id in item.photo_ids],
        "temp_uuid": item.temp_uuid,
        "upload_session_id": item.upload_session_id,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
    }


def card(item: StoredItem, state: SandboxState) -> dict[str, Any]:
    """A listing as the wardrobe's web API shows it."""
    size = size_option(item)
    return {
        "id": item.id,
        "title": item.title,
        "is_draft": item.is_draft,
        "is_closed": item.closed == "sold",
        "is_hidden": item.closed == "hidden",
        "is_reserved": False,
        "item_closing_action": "sold" if item.closed == "sold" else None,
        "price": {"amount": item.price, "currency_code": item.currency},
        "brand": brand_name(item),
        "size": names.size(size, state.options.language) if size else "",
        "status": names.name("conditions", item.condition_id, state.options.language),
        "path": path(item),
        "photos": [{"id": i, "url": f"/photos/{i}"} for i in item.photo_ids],
        "user": {"id": item.account_id, "login": state.accounts[item.account_id].username},
    }


def attributes(item: StoredItem, state: SandboxState) -> list[tuple[str, str, str]]:
    """(field, label, text) of what an item page lists, in the country's language."""
    language = state.options.language
    words = labels(language)
    leaf = leaves_by_id().get(item.catalog_id or 0)
    size = size_option(item)
    brand = brand_name(item)
    texts = {
        "category": " > ".join(names.path(leaf, language)) if leaf else "",
        "brand": words["no_brand"] if brand == "" else brand or "",
        "size": names.size(size, language) if size else "",
        "condition": names.name("conditions", item.condition_id, language),
        "color": ", ".join(names.name("colours", i, language) for i in item.color_ids),
        "material": ", ".join(names.name("materials", i, language) for i in item.material_ids),
        "package_size": names.name("parcels", item.package_size_id, language),
        "unisex": words["yes"] if item.is_unisex else "",
    }
    return [(field, words[field], text) for field, text in texts.items() if text]


def path(item: StoredItem) -> str:
    """`/items/<id>-<slug>`."""
    plain = unicodedata.normalize("NFKD", item.title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return f"/items/{item.id}-{words}" if words else f"/items/{item.id}"


def price_text(price: str, language: str) -> str:
    """As the form shows it: a decimal comma, but in English."""
    return price if language == "en" else price.replace(".", ",")


def brand_name(item: StoredItem) -> str | None:
    known = brands.find(item.brand_id)
    return known.title if known else item.brand


def size_option(item: StoredItem) -> catalog.SizeOption | None:
    leaf = leaves_by_id().get(item.catalog_id or 0)
    options = catalog.size_groups()[leaf.size_group] if leaf and leaf.size_group else ()
    return next((option for option in options if option.id == item.size_id), None)


def slug(terms: Iterable[Term], term_id: int | None) -> str | None:
    return next((term.slug for term in terms if term.id == term_id), None)


def _photo(state: SandboxState, photo_id: int) -> dict[str, Any]:
    photo = state.photos[photo_id]
    return {"id": photo.id, "name": photo.name, "sha256": photo.sha256, "size": photo.size, "order": photo.order}
