"""The sandbox's own controls under `/__sandbox__/`: accounts, sessions, faults, what was received, challenges.

Owns nothing of the marketplace; a real one has none of this.
"""

import secrets
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from backend.core.errors import BadRequest
from backend.sandbox import views
from backend.sandbox.faults import Fault, FaultPlan, make_fault
from backend.sandbox.labels import labels
from backend.sandbox.options import Language
from backend.sandbox.pages import render
from backend.sandbox.state import SandboxState
from backend.sandbox.vinted_api import State
from backend.sandbox.visitor import ACCESS, ANON, CLEARANCE, REFRESH

router = APIRouter(prefix="/__sandbox__")
TOKEN_START = "P1_"  # noqa: S105 - how an hCaptcha token begins; any such token is correct here


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class FaultRequest(Strict):
    kind: str
    where: str | None = None
    times: int = 1
    skip: int = 0
    account: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)


class AccountRequest(Strict):
    username: str
    password: str = "sandbox"  # noqa: S105 - of an account that exists nowhere else


class ExpireRequest(Strict):
    username: str | None = None
    refresh_too: bool = True


class OptionsRequest(Strict):
    language: Language | None = None
    widgets: Literal["new", "old"] | None = None
    banner: bool | None = None


class ItemRequest(Strict):
    state: Literal["live", "sold", "hidden", "deleted"]


class TokenRequest(Strict):
    token: str


def plan_of(request: Request) -> FaultPlan:
    plan = request.app.state.faults
    assert isinstance(plan, FaultPlan)
    return plan


Plan = Annotated[FaultPlan, Depends(plan_of)]


@router.get("/faults")
def get_faults(plan: Plan) -> list[dict[str, Any]]:
    return [asdict(fault) for fault in plan.in_force()]


@router.put("/faults")
def put_faults(wanted: list[FaultRequest], plan: Plan) -> list[dict[str, Any]]:
    """These faults and no others are in force from now on; an empty list ends them all."""
    plan.replace([_fault(one) for one in wanted])
    return get_faults(plan)


@router.get("/received")
def get_received(state: State) -> dict[str, Any]:
    return received(state)


@router.post("/reset")
def reset(state: State, plan: Plan, keep_accounts: bool = False) -> dict[str, Any]:
    plan.replace([])
    state.reset(keep_accounts=keep_accounts)
    return received(state)


@router.post("/accounts")
def create_account(request: Request, wanted: AccountRequest, state: State) -> dict[str, Any]:
    return storage_state(state, wanted.username, wanted.password, request.url.hostname or "127.0.0.1")


@router.post("/sessions/expire")
def expire_sessions(wanted: ExpireRequest, state: State) -> dict[str, int]:
    account = state.account_named(wanted.username) if wanted.username is not None else None
    if wanted.username is not None and account is None:
        raise HTTPException(404, {"detail": f"There is no account {wanted.username!r}."})
    return {"expired": state.expire_sessions(account.id if account else None, refresh_too=wanted.refresh_too)}


@router.get("/options")
def get_options(state: State) -> dict[str, Any]:
    options = state.options
    return {"language": options.language, "widgets": options.widgets, "banner": options.banner}


@router.put("/options")
def put_options(wanted: OptionsRequest, state: State) -> dict[str, Any]:
    state.options = replace(state.options, **wanted.model_dump(exclude_none=True))
    return get_options(state)


@router.put("/items/{item_id}")
def put_item(item_id: int, wanted: ItemRequest, state: State) -> dict[str, Any]:
    """What becomes of a listing: somebody buys it, its seller hides, shows or deletes it."""
    if item_id not in state.items:
        raise HTTPException(404, {"detail": f"There is no listing {item_id}."})
    if wanted.state == "deleted":
        state.delete_item(item_id)
    else:
        state.close_item(item_id, "" if wanted.state == "live" else wanted.state)
    return received(state)


@router.get("/geo.captcha-delivery.com/captcha/")
def captcha_frame(state: State, t: str = "fe") -> HTMLResponse:
    return HTMLResponse(render("captcha_frame.html", banned=t == "bv", t=labels(state.options.language)))


@router.get("/hcaptcha.com/captcha/v1")
def hcaptcha_frame(state: State) -> HTMLResponse:
    return HTMLResponse(render("captcha_frame.html", banned=False, t=labels(state.options.language)))


@router.post("/challenge/token")
def challenge_token() -> dict[str, str]:
    """What the widget hands to its page when a person has ticked the box."""
    return {"token": TOKEN_START + secrets.token_hex(24)}


@router.post("/challenge/verify")
def verify_challenge(answer: TokenRequest, response: Response, state: State) -> dict[str, bool]:
    """A correct answer clears its visitor."""
    solved = answer.token.startswith(TOKEN_START)
    if solved:
        with state.change():
            clearance = secrets.token_hex(16)
            state.cleared_challenges.add(clearance)
        response.set_cookie(CLEARANCE, clearance, samesite="lax")
    return {"solved": solved}


def received(state: SandboxState) -> dict[str, Any]:
    """Everything the marketplace got: counts of events, in all and by account, of requests by endpoint, and
    every stored listing with all its fields."""
    with state.lock:
        by_account = {
            account.username: dict(state.events_by_account.get(account.id, {})) for account in state.accounts.values()
        }
        return {
            "counts": {
                "submissions": state.events["published"] + state.events["completed"],
                **{
                    name: state.events[name]
                    for name in ("published", "drafts", "drafts_updated", "completed", "items_updated", "photos")
                },
                "refused": state.events["refused"],
            },
            "by_account": by_account,
            "requests": dict(state.requests),
            "items": [views.describe(item, state) for item in state.items.values()],
        }


def storage_state(state: SandboxState, username: str, password: str, host: str) -> dict[str, Any]:
    """The account (made if new) and a fresh session of it, as Playwright's storage state."""
    session = state.open_session(state.add_account(username, password))
    cookies = {ACCESS: session.access, REFRESH: session.refresh, ANON: secrets.token_hex(16)}
    return {"cookies": [_cookie(name, value, host) for name, value in cookies.items()], "origins": []}


def _cookie(name: str, value: str, host: str) -> dict[str, Any]:
    readable = name == ANON  # the form's script sends it back in a header
    return {
        "name": name,
        "value": value,
        "domain": host,
        "path": "/",
        "expires": -1,
        "httpOnly": not readable,
        "secure": False,
        "sameSite": "Lax",
    }


def _fault(wanted: FaultRequest) -> Fault:
    try:
        return make_fault(wanted.kind, wanted.where, wanted.times, wanted.skip, wanted.account, **wanted.params)
    except BadRequest as refused:
        raise HTTPException(422, {"detail": str(refused)}) from refused
