"""Who owns what. Today one local user; registration and sign-in come with the users issue.

Owns the `users` table. Owns no permission rule: `db.scope` keeps everybody to their own rows."""

from sqlmodel import Session, select

from backend.db.models import User

LOCAL_USER = "local"


def local_user(session: Session) -> User:
    """The single user of a server that listens on this machine only, made at first need."""
    user = session.exec(select(User).where(User.name == LOCAL_USER)).first()
    if user is None:
        user = User(name=LOCAL_USER)
        session.add(user)
        session.flush()
    return user
