"""Choosing the reader of photos, for admins: what holds and by whose word, another choice, a test of it first."""

from fastapi import APIRouter
from pydantic import BaseModel

from backend.api.deps import AdminDep, RuntimeDep
from backend.api.errors import RESPONSES
from backend.api.v1.routers.ai import Tried, shown_trial
from backend.model_choice import Name, Shown, Wanted
from backend.vision.presets import PRESETS, Preset

router = APIRouter(prefix="/model", tags=["ai"], responses=RESPONSES)


class ModelOut(Shown):
    """`presets` are usual services, to begin from."""

    presets: tuple[Preset, ...] = PRESETS


class Chosen(BaseModel):
    """`changed` are the fields that are others than before; none: it was so already."""

    changed: tuple[Name, ...]
    model: Shown


@router.get("")
async def show_model(runtime: RuntimeDep, who: AdminDep) -> ModelOut:
    return ModelOut(**(await runtime.chosen.shown()).model_dump())


@router.put("")
async def choose_model(wanted: Wanted, runtime: RuntimeDep, who: AdminDep) -> Chosen:
    """All of it at once; in every process, from the next batch on. 409 `set_by_environment`."""
    changed = await runtime.chosen.choose(wanted)
    return Chosen(changed=changed, model=await runtime.chosen.shown())


@router.delete("")
async def forget_model(runtime: RuntimeDep, who: AdminDep) -> Shown:
    """Forgets the choice and its key: back to what the environment says."""
    await runtime.chosen.forget()
    return await runtime.chosen.shown()


@router.post("/test")
async def test_model(wanted: Wanted, runtime: RuntimeDep, who: AdminDep) -> Tried:
    """Has it read a small picture, and keeps nothing of it: one real call, counted like any other."""
    return shown_trial(*await runtime.chosen.try_out(who.user_id, wanted))
