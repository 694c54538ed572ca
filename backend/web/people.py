"""The admin's page of people: who there is, inviting, letting out and in. What anybody keeps here is not shown."""

from typing import Literal

from fastapi import APIRouter
from fastapi.responses import Response

from backend.core.errors import BadRequest, Conflict, VintedBotError
from backend.users import service
from backend.web.page import AdminPageDep, Page

router = APIRouter(include_in_schema=False)

Verb = Literal["suspend", "resume", "admin", "member", "reset", "delete"]
CHANGES: dict[str, dict[str, str]] = {
    "suspend": {"state": "suspended"},
    "resume": {"state": "active"},
    "admin": {"role": "admin"},
    "member": {"role": "member"},
}


@router.get("/people")
async def show_people(page: AdminPageDep) -> Response:
    return await people_page(page)


@router.post("/people/invites")
async def invite(page: AdminPageDep) -> Response:
    """The link is on the answer, this once: no redirect."""
    form = await page.form()
    try:
        secret = await page.runtime.people.invite(page.user_id, str(form.get("role", "member")))
    except VintedBotError as error:
        return await people_page(page, error)
    return await people_page(page, link=f"{page.request.base_url}register?invite={secret}")


@router.post("/people/{user_id}/{verb}")
async def act(page: AdminPageDep, user_id: str, verb: Verb) -> Response:
    """What an admin does with a user."""
    form = await page.form()
    try:
        user = await page.runtime.database.run(service.find, user_id)
        if verb == "reset":
            secret = await page.runtime.people.reset_link(user_id)
            return await people_page(page, link=f"{page.request.base_url}reset?link={secret}")
        if verb in CHANGES:
            await page.runtime.people.change(user_id, **CHANGES[verb])
            return page.go("/people", "user_changed", anchor=user_id)
        if user_id == page.user_id:
            raise Conflict("You can leave on your own page.", code="yourself")
        if str(form.get("name", "")).strip().lower() != user.name:
            raise BadRequest("Type their name to say that you mean it.", code="name_mismatch")
        await page.runtime.remove_user(user_id)
    except VintedBotError as error:
        if error.code == "not_found":
            raise
        return await people_page(page, error)
    return page.go("/people", "user_deleted")


async def people_page(page: Page, error: VintedBotError | None = None, link: str | None = None) -> Response:
    return page.render(
        "people.html",
        here="/people",
        status=error.status if error else 200,
        users=await page.runtime.database.run(service.everybody),
        reader=page.reader,
        invites=page.runtime.people.registration != "closed",
        link=link,
        error=page.words.error(error) if error else None,
    )
