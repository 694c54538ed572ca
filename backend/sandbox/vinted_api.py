"""The sandbox marketplace's web API: what its form reads and posts, and the account's own wardrobe.

Owns the JSON in and out. Does not own the rules (`validation.py`) or what is kept (`state.py`).
"""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, HTTPException, Query, Request, Response, UploadFile
from pydantic import BaseModel

from backend.core import catalog
from backend.sandbox import brands, names, views
from backend.sandbox.labels import labels
from backend.sandbox.state import Account, SandboxState, StoredItem
from backend.sandbox.validation import PHOTO_BYTES_MAX, FieldError, ItemBody, Submission, check, leaves_by_id
from backend.sandbox.visitor import ACCESS, REFRESH, refusal, signed_in, uploading, visitor_of

SIZE_GROUP_IDS = {name: place for place, name in enumerate(catalog.size_groups(), start=11)}
IMAGE_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")

router = APIRouter()
SignedIn = Annotated[Account, Depends(signed_in)]
Uploading = Annotated[Account, Depends(uploading)]


class Question(BaseModel):
    code: str
    value: list[int]


class AttributesQuestion(BaseModel):
    attributes: list[Question]


def state_of(request: Request) -> SandboxState:
    state = request.app.state.sandbox
    assert isinstance(state, SandboxState)
    return state


State = Annotated[SandboxState, Depends(state_of)]


@router.get("/api/v2/users/current")
def current_user(account: SignedIn) -> dict[str, Any]:
    return {"user": {"id": account.id, "login": account.username}, "code": 0}


@router.post("/web/api/auth/refresh")
def refresh(request: Request, response: Response, state: State) -> dict[str, Any]:
    session = state.renew_session(request.cookies.get(REFRESH))
    if session is None:
        raise refusal(401, 100, "invalid_authentication_token")
    set_session_cookies(response, session.access, session.refresh)
    return {"code": 0}


def set_session_cookies(response: Response, access: str, refresh_token: str) -> None:
    response.set_cookie(ACCESS, access, httponly=True, samesite="lax")
    response.set_cookie(REFRESH, refresh_token, httponly=True, samesite="lax")


@router.get("/api/v2/item_upload/catalogs")
def catalogs(account: SignedIn, state: State) -> dict[str, Any]:
    return {"catalogs": names.tree(state.options.language), "code": 0}


@router.get("/api/v2/item_upload/colors")
def colors(account: SignedIn, state: State) -> dict[str, Any]:
    found = names.terms("colours", state.options.language)
    return {"colors": [{"id": c.id, "title": title, "code": c.slug} for c, title in found], "code": 0}


@router.get("/api/v2/item_upload/brands")
def find_brands(account: SignedIn, keyword: str = "") -> dict[str, Any]:
    return {"brands": [{"id": b.id, "title": b.title} for b in brands.search(keyword)], "code": 0}


@router.get("/api/v2/item_upload/size_groups")
def size_groups(account: SignedIn, state: State, catalog_ids: int | None = None) -> dict[str, Any]:
    leaf = leaves_by_id().get(catalog_ids or 0)
    groups = [leaf.size_group] if leaf else list(catalog.size_groups())
    return {"size_groups": [_size_group(name, state.options.language) for name in groups if name], "code": 0}


@router.post("/api/v2/item_upload/attributes")
def attributes(account: SignedIn, question: AttributesQuestion, state: State) -> dict[str, Any]:
    """What a leaf category asks for; nothing for anything else."""
    ids = next((q.value for q in question.attributes if q.code == "category"), [])
    leaf = leaves_by_id().get(ids[0] if ids else 0)
    if leaf is None:
        return {"attributes": [], "code": 0}
    language = state.options.language
    found = [
        {"code": "brand", "configuration": {"required": True, "options": []}},
        _options("condition", "conditions", language, required=True, limit=1),
        _options("color", "colours", language, required=False, limit=2),
        _options("material", "materials", language, required=False, limit=3),
        _options("package_size", "parcels", language, required=True, limit=1),
    ]
    if leaf.size_group:
        group = _size_group(leaf.size_group, language)
        settings = {"required": True, "selection_limit": 1, "options": group["sizes"], "size_group_id": group["id"]}
        found.insert(1, {"code": "size", "configuration": settings})
    return {"attributes": found, "code": 0}


def _size_group(name: str, language: str) -> dict[str, Any]:
    sizes = [{"id": o.id, "title": names.size(o, language)} for o in catalog.size_groups()[name]]
    return {"id": SIZE_GROUP_IDS[name], "title": name, "sizes": sizes}


def _options(code: str, vocabulary: catalog.Vocabulary, language: str, *, required: bool, limit: int) -> dict[str, Any]:
    options = [{"id": term.id, "title": title} for term, title in names.terms(vocabulary, language)]
    return {"code": code, "configuration": {"required": required, "selection_limit": limit, "options": options}}


@router.post("/api/v2/photos")
async def receive_photo(
    account: Uploading,
    state: State,
    file: Annotated[UploadFile, File(alias="photo[file]")],
    temp_uuid: Annotated[str, Form(alias="photo[temp_uuid]")],
    kind: Annotated[str, Form(alias="photo[type]")] = "item",
) -> dict[str, Any]:
    content = await file.read()
    if len(content) >= PHOTO_BYTES_MAX or not content.startswith(IMAGE_STARTS):
        state.count("refused", account.id)
        raise rejection([FieldError(field="photos", value=labels(state.options.language)["error_photos"])])
    media_type = file.content_type or "image/jpeg"
    photo = state.add_photo(account.id, file.filename or "", media_type, content, temp_uuid)
    return {"id": photo.id, "temp_uuid": temp_uuid, "url": f"/photos/{photo.id}"}


@router.post("/api/v2/item_upload/items")
def publish(request: Request, account: Uploading, body: Submission, state: State) -> dict[str, Any]:
    item = _accepted(request, account, body, state, draft=False)
    return _stored(state.add_item(item, "published"))


@router.post("/api/v2/item_upload/drafts")
def save_draft(request: Request, account: Uploading, body: Submission, state: State) -> dict[str, Any]:
    item = _accepted(request, account, body, state, draft=True)
    return _stored(state.add_item(item, "drafts"))


@router.put("/api/v2/item_upload/drafts/{item_id}")
def update_draft(request: Request, account: Uploading, item_id: int, body: Submission, state: State) -> dict[str, Any]:
    own_item(state, account, item_id, draft=True)
    item = replace(_accepted(request, account, body, state, draft=True), id=item_id)
    return _stored(state.update_item(item, "drafts_updated"))


@router.post("/api/v2/item_upload/drafts/{item_id}/completion")
def complete(request: Request, account: Uploading, item_id: int, body: Submission, state: State) -> dict[str, Any]:
    own_item(state, account, item_id, draft=True)
    item = replace(_accepted(request, account, body, state, draft=False), id=item_id)
    return _stored(state.update_item(item, "completed"))


@router.put("/api/v2/item_upload/items/{item_id}")
def update_item(request: Request, account: Uploading, item_id: int, body: Submission, state: State) -> dict[str, Any]:
    own_item(state, account, item_id, draft=False)
    item = replace(_accepted(request, account, body, state, draft=False), id=item_id)
    return _stored(state.update_item(item, "items_updated"))


@router.get("/api/v2/wardrobe/{user_id}/items")
def wardrobe(
    request: Request,
    user_id: int,
    state: State,
    page: Annotated[int, Query(ge=1)] = 1,
    per_page: Annotated[int, Query(ge=1, le=96)] = 96,
    order: str = "newest_first",
) -> dict[str, Any]:
    """Drafts are shown to their owner only."""
    if user_id not in state.accounts:
        raise refusal(404, 104, "not_found")
    visitor = visitor_of(request).account
    items = state.items_of(user_id, drafts=visitor is not None and visitor.id == user_id)
    pages = -(-len(items) // per_page)
    shown = items[(page - 1) * per_page : page * per_page]
    counts = {"current_page": page, "total_pages": pages, "per_page": per_page, "total_entries": len(items)}
    return {"items": [views.card(item, state) for item in shown], "pagination": counts, "code": 0}


def own_item(state: SandboxState, account: Account, item_id: int, *, draft: bool) -> StoredItem:
    item = state.items.get(item_id)
    if item is None or item.account_id != account.id or item.is_draft != draft:
        raise refusal(404, 104, "not_found")
    return item


def rejection(errors: list[FieldError]) -> HTTPException:
    listed = [error.model_dump() for error in errors]
    return HTTPException(400, {"code": 99, "message_code": "validation_error", "errors": listed})


def _accepted(request: Request, account: Account, body: Submission, state: SandboxState, *, draft: bool) -> StoredItem:
    """The listing to store, or the form's validation error."""
    if errors := check(body.item, state.photo_ids_of(account.id), labels(state.options.language), draft=draft):
        state.count("refused", account.id)
        raise rejection(errors)
    zero = visitor_of(request).met("price_stored_zero") is not None
    return _to_store(body.item, account, body.upload_session_id, draft=draft, zero=zero)


def _to_store(body: ItemBody, account: Account, upload_session_id: str, *, draft: bool, zero: bool) -> StoredItem:
    price = 0 if zero or body.price is None else body.price
    return StoredItem(
        id=0,
        account_id=account.id,
        is_draft=draft,
        title=body.title,
        description=body.description,
        catalog_id=body.catalog_id,
        brand_id=body.brand_id,
        brand=body.brand,
        size_id=next(iter(body.attribute("size")), None),
        condition_id=next(iter(body.attribute("condition")), None),
        color_ids=tuple(body.color_ids),
        material_ids=tuple(body.attribute("material")),
        price=f"{price:.2f}",
        currency=body.currency,
        package_size_id=body.package_size_id,
        is_unisex=body.is_unisex,
        photo_ids=tuple(photo.id for photo in body.assigned_photos),
        temp_uuid=body.temp_uuid,
        upload_session_id=upload_session_id,
    )


def _stored(item: StoredItem) -> dict[str, Any]:
    return {"item": {"id": item.id}, "after_upload_actions": [], "code": 0}
