"""Every query about somebody's things starts here: nothing is found that isn't the user's own."""

from typing import Any, TypeVar

from sqlalchemy import func
from sqlmodel import Session, SQLModel, select
from sqlmodel.sql.expression import SelectOfScalar

from backend.core.errors import BadRequest, NotFound

Row = TypeVar("Row", bound=SQLModel)


def owned(model: type[Row], user_id: str) -> SelectOfScalar[Row]:
    """A select of the user's own rows, to be narrowed further."""
    table: Any = model
    return select(model).where(table.user_id == user_id)


def get_owned(session: Session, model: type[Row], user_id: str, row_id: str, *, lock: bool = False) -> Row:
    """The user's row with this id, with `lock` so that nobody else changes it meanwhile. Raises NotFound, also for
    another user's row: ids tell nothing."""
    table: Any = model
    query = owned(model, user_id).where(table.id == row_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.exec(query).first()
    if row is None:
        raise NotFound(f"There is no {model.__name__.lower()} {row_id!r} of yours.")
    return row


def find_by_prefix(session: Session, model: type[Row], user_id: str, prefix: str) -> Row:
    """The user's only row whose id begins so: what a person types. Raises NotFound, or BadRequest for several."""
    table: Any = model
    found = session.exec(owned(model, user_id).where(table.id.startswith(prefix, autoescape=True)).limit(2)).all()
    if not found:
        raise NotFound(f"There is no {model.__name__.lower()} {prefix!r} of yours.")
    if len(found) > 1:
        raise BadRequest(f"Several ids begin with {prefix!r}; give more of it.", code="ambiguous_id")
    return found[0]


def own_row(session: Session, model: type[Row], user_id: str, *more: str) -> Row | None:
    """The user's row of a table whose primary key begins with whose it is; `more` is the rest of the key."""
    return session.get(model, (user_id, *more))


def count_owned(session: Session, model: type[Row], user_id: str, *narrowed: Any) -> int:
    """How many of the user's own rows there are, narrowed by these clauses."""
    table: Any = model
    query = select(func.count()).select_from(table).where(table.user_id == user_id, *narrowed)
    return session.exec(query).one()
