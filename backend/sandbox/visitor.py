"""Who is asking: the account behind a request, and the faults it carries. Owns cookies' names."""

from dataclasses import dataclass, field

from fastapi import HTTPException, Request

from backend.sandbox.faults import Fault
from backend.sandbox.state import Account, SandboxState, Session

ACCESS, REFRESH, ANON, CLEARANCE, CONSENT = (
    "access_token_web",
    "refresh_token_web",
    "anon_id",
    "datadome",
    "OptanonAlertBoxClosed",
)


@dataclass
class Visitor:
    """`account` is who the site takes the visitor for; under the fault `wrong_account` it is somebody else."""

    session: Session | None
    account: Account | None
    faults: list[Fault] = field(default_factory=list)

    def met(self, kind: str) -> Fault | None:
        return next((fault for fault in self.faults if fault.kind == kind), None)


def identify(request: Request, state: SandboxState) -> Visitor:
    session = state.find_session(request.cookies.get(ACCESS))
    return Visitor(session, state.accounts[session.account_id] if session else None)


def visitor_of(request: Request) -> Visitor:
    visitor = request.scope["sandbox.visitor"]
    assert isinstance(visitor, Visitor)
    return visitor


def signed_in(request: Request) -> Account:
    """The account, or the web API's refusal."""
    visitor = visitor_of(request)
    if visitor.account is not None:
        return visitor.account
    if request.cookies.get(ACCESS):
        raise refusal(401, 100, "invalid_authentication_token")
    raise refusal(401, 21, "user_login_required")


def uploading(request: Request) -> Account:
    """The account behind a write, which the site takes from its own form only: it carries the form's headers."""
    account = signed_in(request)
    session = visitor_of(request).session
    assert session is not None
    headers = request.headers
    from_the_form = (
        headers.get("x-csrf-token") == session.csrf
        and headers.get("x-anon-id") == request.cookies.get(ANON, "")
        and headers.get("x-upload-form") == "true"
    )
    if not from_the_form:
        raise refusal(403, 106, "access_denied")
    return account


def refusal(status: int, code: int, message_code: str) -> HTTPException:
    return HTTPException(status, {"code": code, "message_code": message_code, "errors": []})
