"""What each marketplace's form offers a user, kept by address and versioned by content.

Owns the `site_catalogs` table. Does not own how it is fetched (the runtime, through the browser route) nor what is
matched how (`core/ontology.py`).
"""

import hashlib
import json

from pydantic import TypeAdapter
from sqlmodel import Session, col

from backend.core.ontology import Ontology
from backend.db.models import SiteCatalog, now
from backend.db.scope import own_row, owned

_SHAPE = TypeAdapter(Ontology)
_PARSED: dict[str, Ontology] = {}
_PARSED_MOST = 8


def keep_catalog(session: Session, user_id: str, base_url: str, found: Ontology) -> SiteCatalog:
    """Keeps it; leaves not looked at this time keep the sizes known from before. A changed content is a new version."""
    row = own_row(session, SiteCatalog, user_id, base_url)
    if row is not None:
        before = _SHAPE.validate_python(row.content)
        found = Ontology(found.leaves, {**before.options, **found.options}, {**before.sizes, **found.sizes})
    content = _SHAPE.dump_python(found, mode="json")
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    if row is None:
        row = SiteCatalog(user_id=user_id, base_url=base_url, digest=digest, content=content)
    elif row.digest != digest:
        row.version, row.digest, row.content = row.version + 1, digest, content
    row.fetched_at = now()
    session.add(row)
    session.flush()
    return row


def catalog_in_use(session: Session, user_id: str) -> tuple[str, Ontology] | None:
    """The address and content of the user's latest fetched catalog: what drafts are checked against."""
    row = session.exec(owned(SiteCatalog, user_id).order_by(col(SiteCatalog.fetched_at).desc()).limit(1)).first()
    return None if row is None else (row.base_url, _parsed(row))


def catalog_at(session: Session, user_id: str, base_url: str) -> Ontology | None:
    """What the marketplace at this address was last seen to offer the user."""
    row = own_row(session, SiteCatalog, user_id, base_url)
    return None if row is None else _parsed(row)


def _parsed(row: SiteCatalog) -> Ontology:
    if row.digest not in _PARSED:
        while len(_PARSED) >= _PARSED_MOST:
            _PARSED.pop(next(iter(_PARSED)), None)
        _PARSED[row.digest] = _SHAPE.validate_python(row.content)
    return _PARSED[row.digest]
