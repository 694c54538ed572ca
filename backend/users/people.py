"""What a person does at the door: signing in and out, coming by an invitation, changing a password; and the check of
who asks, at each request.

Owns the order of steps where a password is hashed or compared between two transactions. Owns no table and no HTTP.
"""

import time
from collections.abc import Callable
from typing import Literal

from sqlmodel import Session

from backend.core.caller import Caller, Origin
from backend.core.errors import Conflict, Forbidden, PermanentError, SignInNeeded
from backend.db import audit
from backend.db.engine import Database, clock
from backend.db.models import AuthSession, User
from backend.users import keys, links, passwords, service, sign_in
from backend.users.access import Credentials, identify, local_caller, note_use
from backend.users.sign_in import Kind, TokenPair
from backend.users.tokens import KeyRing

Registration = Literal["open", "invite", "closed"]
NOTED_EVERY = 60.0
"""Seconds between two notes that somebody uses their session or key."""
REMEMBERED = 10_000


class People:
    """The people of this server. `alone` is whether this machine's own person gets in without signing in."""

    def __init__(self, database: Database, ring: KeyRing, *, registration: Registration, alone: bool) -> None:
        self.database, self.ring, self.registration, self.alone = database, ring, registration, alone
        self._noted: dict[str, float] = {}

    async def identify(self, given: Credentials) -> Caller | None:
        """Who asks, or None. Raises SignInNeeded and Forbidden as `access.identify` does.

        That they came is written down once in a while, not at each request."""
        who = await self.database.look(lambda session: identify(session, self.ring, given, clock(session)))
        if who is None and given.local:
            return local_caller(await self.database.run(service.local_user), "local", given.origin)
        if who is not None and self._is_to_be_noted(who.sign_in or who.user_id):
            await self.database.run(lambda session: note_use(session, who, clock(session)))
        return who

    def _is_to_be_noted(self, sign_in_id: str) -> bool:
        at = time.monotonic()
        if at - self._noted.get(sign_in_id, -NOTED_EVERY) < NOTED_EVERY:
            return False
        if len(self._noted) >= REMEMBERED:
            self._noted.clear()
        self._noted[sign_in_id] = at
        return True

    async def sign_in(self, name: str, password: str, kind: Kind, origin: Origin) -> tuple[AuthSession, str]:
        """A session and its secret. Raises SignInNeeded (`wrong_password`), the same for a name nobody has."""
        while (started := await self._try_sign_in(name, password, kind, origin)) is None:
            pass  # the password was changed or hashed anew meanwhile: it is compared with what holds now
        return started

    async def _try_sign_in(
        self, name: str, password: str, kind: Kind, origin: Origin
    ) -> tuple[AuthSession, str] | None:
        """None where the hash that was compared with is not the user's any more."""
        user = await self.database.run(service.lookup, name)
        hashed = user.password_hash if user else None
        right = await passwords.matches(password, hashed)
        if user is None or not right:
            about = user.id if user else None
            await self.database.run(audit.record, "session.refused", about, origin=origin)
            raise SignInNeeded("The name or the password is wrong.", code="wrong_password")
        anew = await passwords.hash_password(password) if passwords.is_outdated(hashed or "") else None

        def work(session: Session) -> tuple[AuthSession, str] | None:
            known = service.find(session, user.id, lock=True)
            if known.password_hash != hashed:
                return None
            known.password_hash = anew or hashed
            return sign_in.start(session, known, kind, origin, clock(session))

        return await self.database.run(work)

    async def tokens(self, name: str, password: str, origin: Origin) -> TokenPair:
        row, refresh = await self.sign_in(name, password, "token", origin)
        return sign_in.pair(self.ring, row, refresh, row.created_at)

    async def refresh(self, given: str, origin: Origin) -> TokenPair:
        """The next pair. Raises SignInNeeded: `token_reused` where the given one was used before."""

        def work(session: Session) -> TokenPair | None:
            at = clock(session)
            rotated = sign_in.rotate(session, given, origin, at)
            if rotated is None:
                return None
            service.check_active(service.find(session, rotated[0].user_id))
            return sign_in.pair(self.ring, *rotated, at)

        found = await self.database.run(work)
        if found is None:
            raise SignInNeeded(
                "This refresh token was used before, so somebody may have copied it: everything signed in with it is "
                "ended. Sign in again.",
                code="token_reused",
            )
        return found

    async def sign_out(self, who: Caller) -> None:
        """Ends the session the caller came with; one without (an API key, this machine) has none to end."""
        if who.sign_in is not None and who.way in ("page", "token"):
            await self.database.run(lambda s: sign_in.end_one(s, who.user_id, str(who.sign_in), clock(s)))

    async def register(
        self,
        name: str,
        password: str,
        *,
        email: str | None,
        invite: str | None,
        near: bool = False,
        keep_email: bool = True,
    ) -> User:
        """A user who comes by themselves; the very first only from this machine (`near`). Without `keep_email` their
        address is only looked at: it is to be confirmed first.

        Raises Forbidden (`registration_closed`), NotFound (`link_over`), or what the name, the address or the password
        is refused for."""
        await self.database.run(self._check_may_register, invite, near)
        await passwords.check_strength(password, [name, email or ""])
        hashed = await passwords.hash_password(password)

        def work(session: Session) -> User:
            self._check_may_register(session, invite, near)
            role = links.use(session, "invite", invite, clock(session)).role if invite else "member"
            wanted = service.checked_email(email)
            return service.add(session, name, password_hash=hashed, email=wanted if keep_email else None, role=role)

        return await self.database.run(work)

    async def add(self, name: str, password: str, *, email: str | None = None, role: str = "member") -> User:
        """A user the admin makes."""
        await passwords.check_strength(password, [name, email or ""])
        hashed = await passwords.hash_password(password)
        return await self.database.run(service.add, name, password_hash=hashed, email=email, role=role)

    async def check_password(self, user_id: str, password: str) -> None:
        """Before something grave. Raises Forbidden (`wrong_password`); a user without a password has none to give."""
        await self._verified(user_id, password)

    async def _verified(self, user_id: str, password: str) -> str | None:
        """The hash this is the password of."""
        user = await self.database.run(service.find, user_id)
        if user.password_hash is not None and not await passwords.matches(password, user.password_hash):
            raise _wrong_password()
        return user.password_hash

    async def change_password(self, who: Caller, current: str, new: str) -> None:
        """Signs out everywhere but here. Raises Forbidden (`wrong_password`), also where it was changed meanwhile."""
        verified = await self._verified(who.user_id, current)

        def still_so(session: Session, user: User) -> None:
            if user.password_hash != verified:
                raise _wrong_password()

        await self.set_password(who.user_id, new, but=who.sign_in, first=still_so)

    async def reset(self, link: str, new: str) -> User:
        """A new password by a link. Raises NotFound (`link_over`)."""
        row = await self.database.run(lambda s: links.look(s, "reset", link, clock(s)))
        return await self.set_password(row.user_id, new, first=lambda s, _: links.use(s, "reset", link, clock(s)))

    async def set_password(
        self, user_id: str, new: str, *, but: str | None = None, first: Callable[[Session, User], object] | None = None
    ) -> User:
        """Ends every session `but` this one, and every link to the password or address. Where `first`, looked at in
        the same transaction, raises, nothing happens."""
        user = await self.database.run(service.find, user_id)
        await passwords.check_strength(new, [user.name, user.email or ""])
        hashed = await passwords.hash_password(new)

        def work(session: Session) -> User:
            at = clock(session)
            changed = service.find(session, user_id, lock=True)
            if first is not None:
                first(session, changed)
            links.withdraw(session, user_id, at)
            service.set_password(session, changed, hashed)
            sign_in.end_all(session, user_id, at, but=but, why="password_changed")
            return changed

        return await self.database.run(work)

    async def change_email(self, user_id: str, email: str | None) -> User:
        def work(session: Session) -> User:
            user = service.find(session, user_id)
            service.set_email(session, user, email)
            return user

        return await self.database.run(work)

    async def confirm_email(self, link: str) -> User:
        """The address the link was sent to is the user's. Raises NotFound (`link_over`), Conflict (`name_taken`)."""

        def work(session: Session) -> User:
            at = clock(session)
            row = links.use(session, "email", link, at)
            user = service.find(session, row.user_id)
            service.set_email(session, user, row.email)
            links.withdraw(session, user.id, at)  # a reset that lies in the old address's letters
            return user

        return await self.database.run(work)

    async def change(self, user_id: str, *, role: str | None = None, state: str | None = None) -> User:
        """What an admin decides. Who is suspended is out at once, everywhere, and their keys are good for nothing.

        Raises NotFound, Conflict (`last_admin`)."""

        def work(session: Session) -> User:
            user = service.find(session, user_id)
            if role is not None:
                service.set_role(session, user, role)
            if state == "suspended" and user.state != state:
                at = clock(session)
                service.suspend(session, user)
                links.withdraw(session, user_id, at)
                sign_in.end_all(session, user_id, at, why="suspended")
            elif state == "active" and user.state != state:
                service.resume(session, user)
            return user

        return await self.database.run(work)

    async def end_everything(self, user_id: str, *, but: str | None = None) -> int:
        """Signs the user out everywhere `but` here, revokes their keys and withdraws links to their password or
        address."""

        def work(session: Session) -> int:
            at = clock(session)
            keys.revoke_all(session, user_id, at)
            links.withdraw(session, user_id, at)
            return sign_in.end_all(session, user_id, at, but=but)

        return await self.database.run(work)

    async def invite(self, by: str, role: str = "member") -> str:
        """A new invitation's secret. Raises Conflict (`registration_closed`) where none would be taken."""
        if self.registration == "closed":
            raise Conflict(
                "Nobody may register here, invited or not. Set VINTEDBOT_REGISTRATION=invite, or add the user yourself "
                "with vintedbot user add.",
                code="registration_closed",
            )
        secret, _ = await self.database.run(lambda s: links.make(s, by, "invite", clock(s), role=role))
        return secret

    async def reset_link(self, user_id: str) -> str:
        """A new link's secret, by which this user may choose a new password."""

        def work(session: Session) -> str:
            user = service.find(session, user_id)
            return links.make(session, user.id, "reset", clock(session))[0]

        return await self.database.run(work)

    async def may_register(self, invite: str | None, *, near: bool) -> bool:
        """Whether the page to register on is of any use."""
        try:
            await self.database.run(self._check_may_register, invite, near)
        except PermanentError:
            return False
        return True

    def _check_may_register(self, session: Session, invite: str | None, near: bool) -> None:
        """`near` is whether they sit at this machine. Raises Forbidden or NotFound as `register` does."""
        if near and not service.somebody_signs_in(session):
            return
        if invite and self.registration != "closed":
            links.look(session, "invite", invite, clock(session))
        elif self.registration != "open":
            raise Forbidden("New people are let in by the admin, by invitation.", code="registration_closed")


def _wrong_password() -> Forbidden:
    return Forbidden("The password is wrong.", code="wrong_password")
