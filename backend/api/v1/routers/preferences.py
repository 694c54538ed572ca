"""How a seller wants drafts written and priced."""

from fastapi import APIRouter

from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import RESPONSES
from backend.preferences import Preferences, keep_preferences, preferences_of

router = APIRouter(prefix="/preferences", tags=["drafts"], responses=RESPONSES)


@router.get("")
async def show_preferences(runtime: RuntimeDep, user_id: UserId) -> Preferences:
    return await runtime.database.run(preferences_of, user_id)


@router.put("")
async def change_preferences(wishes: Preferences, runtime: RuntimeDep, user_id: UserId) -> Preferences:
    """All of them at once; what is left out goes back to its default. 422 `bad_template` names the line at fault."""
    return await runtime.database.run(keep_preferences, user_id, wishes)
