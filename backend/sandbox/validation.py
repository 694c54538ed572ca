"""What the form posts, and what the sandbox marketplace has to say against it.

Owns the shape of a submission and the marketplace's own rules (a publication must be complete, a draft need
only be well-formed). The rules follow `validation_error` of the site's web API and its unconfirmed limits; the
field names in `errors` are the form's own. Does not own the product's readiness rules (`core/readiness.py`).
"""

from decimal import Decimal
from functools import cache

from pydantic import BaseModel, Field

from backend.core import catalog
from backend.core.catalog import Leaf
from backend.sandbox.labels import Labels

TITLE_MAX, DESCRIPTION_MAX, PHOTOS_MAX = 100, 2000, 20
PHOTO_BYTES_MAX = 9 * 1024 * 1024
PRICE_MIN, PRICE_MAX = Decimal(1), Decimal(30_000)
COLOURS_MAX, MATERIALS_MAX = 2, 3


class AssignedPhoto(BaseModel):
    id: int
    orientation: int = 0


class ItemAttribute(BaseModel):
    code: str
    ids: list[int] = Field(default_factory=list)


class ItemBody(BaseModel):
    """The `item` of a submission. `brand` is "" for an explicit "no brand" and null when nobody chose."""

    id: int | None = None
    currency: str = "EUR"
    temp_uuid: str = ""
    title: str = ""
    description: str = ""
    brand_id: int | None = None
    brand: str | None = None
    catalog_id: int | None = None
    price: Decimal | None = None
    package_size_id: int | None = None
    is_unisex: bool = False
    color_ids: list[int] = Field(default_factory=list)
    assigned_photos: list[AssignedPhoto] = Field(default_factory=list)
    item_attributes: list[ItemAttribute] = Field(default_factory=list)

    def attribute(self, code: str) -> list[int]:
        return next((a.ids for a in self.item_attributes if a.code == code), [])


class Submission(BaseModel):
    item: ItemBody
    push_up: bool = False
    parcel: None = None
    upload_session_id: str = ""


class FieldError(BaseModel):
    field: str
    value: str


@cache
def leaves_by_id() -> dict[int, Leaf]:
    return {leaf.id: leaf for leaf in catalog.leaves().values()}


def check(body: ItemBody, own_photos: set[int], labels: Labels, *, draft: bool) -> list[FieldError]:
    """Everything against this submission, in the form's order; empty when it is fine."""
    refused = _malformed(body, own_photos)
    if not draft:
        refused = {**_missing(body), **refused}
    return [FieldError(field=name, value=labels[message]) for name, message in refused.items()]


def _missing(body: ItemBody) -> dict[str, str]:
    leaf = leaves_by_id().get(body.catalog_id or 0)
    rules = {
        "photos": bool(body.assigned_photos),
        "title": bool(body.title.strip()),
        "description": bool(body.description.strip()),
        "category": body.catalog_id is not None,
        "brand": body.brand is not None or body.brand_id is not None,
        "size": leaf is None or leaf.size_group is None or bool(body.attribute("size")),
        "condition": bool(body.attribute("condition")),
        "price": body.price is not None,
        "package_size": body.package_size_id is not None,
    }
    return {name: "error_required" for name, given in rules.items() if not given}


def _malformed(body: ItemBody, own_photos: set[int]) -> dict[str, str]:
    leaf = leaves_by_id().get(body.catalog_id or 0)
    sizes = {o.id for o in catalog.size_groups()[leaf.size_group]} if leaf and leaf.size_group else set()
    photos, size = [p.id for p in body.assigned_photos], body.attribute("size")
    rules = {
        "photos": ("error_photos", len(photos) <= PHOTOS_MAX and set(photos) <= own_photos),
        "title": ("error_too_long", len(body.title) <= TITLE_MAX),
        "description": ("error_too_long", len(body.description) <= DESCRIPTION_MAX),
        "category": ("error_unknown", body.catalog_id is None or leaf is not None),
        "size": ("error_unknown", leaf is None or (set(size) <= sizes and len(size) <= 1)),
        "condition": ("error_unknown", set(body.attribute("condition")) <= _ids("conditions")),
        "color": ("error_unknown", set(body.color_ids) <= _ids("colours") and len(body.color_ids) <= COLOURS_MAX),
        "material": (
            "error_unknown",
            set(body.attribute("material")) <= _ids("materials") and len(body.attribute("material")) <= MATERIALS_MAX,
        ),
        "price": ("error_price", body.price is None or PRICE_MIN <= body.price <= PRICE_MAX),
        "package_size": ("error_unknown", {body.package_size_id} <= {None, *_ids("parcels")}),
    }
    return {name: message for name, (message, fine) in rules.items() if not fine}


@cache
def _ids(vocabulary: str) -> frozenset[int]:
    return frozenset(term["id"] for term in catalog.raw()[vocabulary])
