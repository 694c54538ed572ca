"""People: who they are, their role and state.

Owns the `users` table. Owns no password rule (`passwords.py`), no session (`sign_in.py`) and no query of anybody's
things: `db.scope` keeps everybody to their own rows.
"""

import re

from sqlalchemy import func
from sqlmodel import Session, col, select

from backend.core.caller import ROLES
from backend.core.errors import BadRequest, Conflict, Forbidden, NotFound
from backend.core.mail_address import parse_address
from backend.db import audit
from backend.db.models import User

LOCAL_USER = "local"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}\.[^@\s.]{2,60}")


def local_user(session: Session) -> User:
    """Whom a server on this machine alone acts for, made at first need."""
    user = known_local_user(session)
    if user is None:
        user = User(name=LOCAL_USER, role="admin", local=True)
        session.add(user)
        session.flush()
    return user


def known_local_user(session: Session) -> User | None:
    return session.exec(select(User).where(col(User.local))).first()


def find(session: Session, user_id: str, *, lock: bool = False) -> User:
    """With `lock` as it is now, and nobody else changes it before this transaction ends. Raises NotFound."""
    user = session.get(User, user_id, with_for_update=lock)
    if user is None:
        raise NotFound(f"There is no user {user_id!r}.")
    return user


def find_by_name(session: Session, name: str) -> User:
    """By name or e-mail address. Raises NotFound."""
    user = lookup(session, name)
    if user is None:
        raise NotFound(f"There is no user {name!r}. See: vintedbot user list.")
    return user


def lookup(session: Session, name: str) -> User | None:
    """By name or e-mail address, however it is written."""
    name = name.strip().lower()
    return session.exec(select(User).where((User.name == name) | (User.email == name))).first()


def everybody(session: Session) -> list[User]:
    return list(session.exec(select(User).order_by(col(User.created_at), col(User.id))))


def somebody_signs_in(session: Session) -> bool:
    """Whether anybody has a password yet: without, there is nobody a public server could let in."""
    query = select(func.count()).select_from(User).where(col(User.password_hash).is_not(None))
    return session.exec(query).one() > 0


def add(
    session: Session, name: str, *, password_hash: str | None, email: str | None = None, role: str = "member"
) -> User:
    """A new user. The first is an admin, and takes over what the local user has gathered so far.

    Raises BadRequest for a name that can't be used, Conflict (`name_taken`) for one somebody has."""
    name, email = checked_name(name), checked_email(email)
    _free(session, name, email)
    if role not in ROLES:
        raise BadRequest(f"A role is one of: {', '.join(ROLES)}.", code="bad_role")
    if somebody_signs_in(session):
        user = User(name=name, role=role)
    else:
        user = local_user(session)
        user.name, user.role = name, "admin"
    user.email, user.password_hash = email, password_hash
    session.add(user)
    session.flush()
    audit.record(session, "user.added", user.id, user.id, role=user.role)
    return user


def set_password(session: Session, user: User, password_hash: str) -> None:
    user.password_hash = password_hash
    audit.record(session, "user.password_changed", user.id, user.id)


def set_email(session: Session, user: User, email: str | None) -> None:
    """Raises BadRequest, or Conflict (`name_taken`)."""
    email = checked_email(email)
    if email != user.email:
        _free(session, None, email)
        user.email = email
        audit.record(session, "user.email_changed", user.id, user.id)


def set_role(session: Session, user: User, role: str) -> None:
    """Raises BadRequest, or Conflict (`last_admin`)."""
    if role not in ROLES:
        raise BadRequest(f"A role is one of: {', '.join(ROLES)}.", code="bad_role")
    if role != "admin":
        check_not_last_admin(session, user)
    if role != user.role:
        user.role = role
        audit.record(session, "user.role_changed", user.id, user.id, role=role)


def suspend(session: Session, user: User) -> None:
    """Nothing of theirs is lost, but they get in no more. Raises Conflict (`last_admin`)."""
    check_not_last_admin(session, user)
    user.state = "suspended"
    audit.record(session, "user.suspended", user.id, user.id)


def resume(session: Session, user: User) -> None:
    user.state = "active"
    audit.record(session, "user.resumed", user.id, user.id)


def check_active(user: User) -> User:
    """The same user. Raises Forbidden (`suspended`)."""
    if user.state != "active":
        raise Forbidden("This user is suspended. Ask the admin.", code="suspended")
    return user


def check_not_last_admin(session: Session, user: User) -> None:
    """Raises Conflict (`last_admin`) where nobody would be left to look after the others."""
    others = select(func.count()).select_from(User).where(
        User.id != user.id, User.role == "admin", User.state == "active"
    )  # fmt: skip
    if user.role == "admin" and user.state == "active" and session.exec(others).one() == 0:
        raise Conflict("This is the only admin. Make somebody else one first.", code="last_admin")


def checked_name(name: str) -> str:
    name = name.strip().lower()
    if not NAME.fullmatch(name) or name == LOCAL_USER:
        raise BadRequest(
            "A name has 2 to 40 small letters, digits, dots, dashes and underscores, and is not “local”.",
            code="bad_name",
        )
    return name


def checked_email(email: str | None) -> str | None:
    email = (email or "").strip().lower()
    if not email:
        return None
    try:
        parse_address(email)
    except ValueError as error:
        raise BadRequest("This is no e-mail address.", code="bad_email") from error
    if not EMAIL.fullmatch(email):
        raise BadRequest("This is no e-mail address.", code="bad_email")
    return email


def _free(session: Session, name: str | None, email: str | None) -> None:
    for wanted in (name, email):
        if wanted is not None and lookup(session, wanted) is not None:
            raise Conflict("Somebody has this name or address already.", code="name_taken")
