"""What a publication's failures left to look at: listed, one file, or all of it as a ZIP; for its owner alone.

Owns who may read it and how it is packed. The bundles themselves are `core/bundles`'s; the route writes them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlmodel import Session

from backend.core import bundles
from backend.core.bundles import Bundle
from backend.core.errors import NotFound
from backend.core.zips import zip_stream
from backend.db.models import Publication
from backend.db.scope import get_owned


def folder_of(root: Path, publication_id: str) -> Path:
    """Where the bundles of this publication are kept, below the folder of all evidence."""
    return root / publication_id


def bundles_of(session: Session, user_id: str, root: Path, publication_id: str) -> list[Bundle]:
    """Newest first. Raises NotFound for a publication that isn't the user's."""
    publication = get_owned(session, Publication, user_id, publication_id)
    return bundles.bundles_in(folder_of(root, publication.id))


def newest(root: Path, publications: Sequence[Publication]) -> dict[str, Bundle]:
    """The newest bundle of each of these publications that has one, by the publication's id."""
    found = ((p.id, bundles.bundles_in(folder_of(root, p.id))) for p in publications)
    return {publication_id: of[0] for publication_id, of in found if of}


def file_of(session: Session, user_id: str, root: Path, publication_id: str, bundle: str, name: str) -> Path:
    """One file of a bundle. Raises NotFound."""
    publication = get_owned(session, Publication, user_id, publication_id)
    found = bundles.find_file(folder_of(root, publication.id), bundle, name)
    if found is None:
        raise NotFound(f"There is no {name!r} in such a bundle of this publication.")
    return found


def zip_of(found: list[Bundle]) -> Iterator[bytes]:
    """The bundles as one ZIP, in pieces. What was cleared away meanwhile is left out."""
    return zip_stream((f"{bundle.name}/{name}", bundle.folder / name) for bundle in found for name in bundle.files)
