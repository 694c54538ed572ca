"""The installation as the settings name it, as a backup is made of it and put back into it; without running it.

Owns which folders and keys these are, and that nothing runs on them meanwhile. Owns no backup (`backend/backup`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.accounts import keys
from backend.accounts.vault import Vault
from backend.backup.installation import Installation
from backend.backup.making import Progress
from backend.backup.restoring import Restored, restore
from backend.building import KEY_FILE, SIGNING_FILE, secret_key
from backend.core.errors import Conflict
from backend.db.engine import Database
from backend.settings import Settings, prepare_data_folder
from backend.users.service import LOCAL_USER
from backend.workflows.executors import executors_of


@contextmanager
def installation(settings: Settings) -> Iterator[Installation]:
    """Everything that is kept, as a backup sees it. Nothing is made or migrated."""
    database = Database(settings.database)
    folders = {
        "photos": settings.photo_folder, "evidence": settings.evidence_folder, "incoming": settings.incoming_folder,
    }  # fmt: skip
    try:
        yield Installation(
            database, settings.data, folders, {name: settings.data / name for name in (KEY_FILE, SIGNING_FILE)}
        )
    finally:
        database.close()


async def restore_backup(settings: Settings, file: Path, *, passphrase: str | None, progress: Progress) -> Restored:
    """Puts the backup into this empty installation. Raises Conflict (`in_use`) while a process runs jobs on it."""
    prepare_data_folder(settings)
    executors = executors_of(settings.database, settings.data / "executors")
    if await asyncio.to_thread(executors.any_alive):
        raise Conflict("A server or worker runs on this installation. Stop it, then restore.", code="in_use")
    executors.release()
    with installation(settings) as place:
        done = await asyncio.to_thread(
            restore, place, file, lone_user=LOCAL_USER, passphrase=passphrase, progress=progress
        )
        vault = Vault(secret_key(settings))
        done.aftermath.unreadable_sessions = await place.database.run(keys.count_unreadable, vault)
    return done
