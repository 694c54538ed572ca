"""New keys in place of old ones: those that sign sign-in tokens, and those that encrypt marketplace sessions and a
model's key.

Owns what is done where the keys lie in the data folder, and what an operator does where they are a setting. Owns no
encryption (`accounts/keys.py`, `accounts/vault.py`) and no token (`users/tokens.py`).
"""

import asyncio
import secrets
from collections.abc import Callable

from backend.accounts import keys
from backend.accounts.vault import Vault, parse_keys
from backend.building import KEY_FILE, SIGNING_FILE
from backend.core.errors import SetupError
from backend.db.engine import Database
from backend.settings import Settings

SIGNING_KEYS = 3


async def rotate_signing_key(settings: Settings) -> int:
    """Puts a new signing key first and keeps those before it, for what they signed; says how many there are.

    Raises SetupError where the keys are a setting."""
    if settings.jwt_secret_key is not None:
        raise SetupError(
            "The key comes from JWT_SECRET_KEY, which only you can change. Put a new key before the present one, "
            "separated by a comma (NEW,PRESENT), and restart every process; take the old one out a day later.",
            code="key_is_a_setting",
        )
    file = keys.KeyFile(settings.data / SIGNING_FILE)
    with file.locked():
        kept = [secrets.token_urlsafe(48), *file.read()][:SIGNING_KEYS]
        await asyncio.to_thread(file.write, kept)
    return len(kept)


async def rotate_key(
    settings: Settings, database: Database, vault: Vault, after: Callable[[keys.Step], None] = lambda _: None
) -> keys.Rotation:
    """Changes the key sessions are encrypted with. Raises SetupError with what to do where it is a setting."""
    if settings.secret_key is None:
        file = keys.KeyFile(settings.data / KEY_FILE)
        return await asyncio.to_thread(keys.rotate, database, file, after=after)
    given = parse_keys(settings.secret_key.get_secret_value())
    if len(given) == 1:
        raise SetupError(
            "The key comes from VINTEDBOT_SECRET_KEY, which only you can change. Put a new key before the present "
            "one, separated by a comma (NEW,PRESENT), and restart every process. Then run this again: it encrypts "
            "every session with the new key, after which the old one may be taken out.",
            code="key_is_a_setting",
        )
    resealed, unreadable = await database.run(keys.reseal, vault)
    return keys.Rotation(resealed, unreadable, 0)
