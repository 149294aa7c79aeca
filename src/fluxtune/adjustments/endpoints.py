"""Settings: look, change, undo, export, import."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import PlainTextResponse
from sqlalchemy.orm import Session

from fluxtune.adjustments import showing
from fluxtune.adjustments.live import LiveSettings
from fluxtune.adjustments.schemas import (
    AllSettings,
    SettingsChange,
    SettingsImport,
    SettingsImported,
    SettingsUpdate,
    SettingsUpdated,
)
from fluxtune.adjustments.service import AdjustmentService
from fluxtune.config import Settings, get_settings
from fluxtune.config.defaults import DefaultsSettings
from fluxtune.core.errors import Problem
from fluxtune.db import Database, get_database, get_session

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
SettingsDep = Annotated[Settings, Depends(get_settings)]
DatabaseDep = Annotated[Database, Depends(get_database)]

Responses = dict[int | str, dict[str, Any]]

NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such change."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "It was changed again, or undone already."}}
INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}

router = APIRouter(prefix="/api/settings", tags=["settings"], responses=INVALID)


def get_live(request: Request) -> LiveSettings:
    """Return what makes changes hold in this process."""
    live: LiveSettings = request.app.state.live_settings
    return live


Live = Annotated[LiveSettings, Depends(get_live)]


@router.get("")
def list_settings(session: SessionDep, settings: SettingsDep) -> AllSettings:
    """List every setting with its value and where that comes from. Secrets are not shown."""
    return showing.list_settings(session, settings)


@router.get("/defaults")
def get_defaults(settings: SettingsDep) -> DefaultsSettings:
    """Return what finetunes and images of each mode start from."""
    return settings.defaults


@router.patch("")
def update_settings(
    update: SettingsUpdate, database: DatabaseDep, settings: SettingsDep, live: Live
) -> SettingsUpdated:
    """Change settings, all of them or none; they hold when the answer is sent, unless they wait for a start."""
    with database.transaction() as session:
        change = AdjustmentService(session, settings).update_settings(update)
    return _now(database, settings, live, change)


@router.get("/changes")
def list_changes(
    session: SessionDep,
    settings: SettingsDep,
    before: Annotated[int | None, Query(ge=1, description="The number of the last change seen.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[SettingsChange]:
    """List what was changed, newest first."""
    return AdjustmentService(session, settings).list_changes(before, limit)


@router.post("/changes/{change_id}/undo", responses={**NOT_FOUND, **CONFLICT})
def undo_change(change_id: int, database: DatabaseDep, settings: SettingsDep, live: Live) -> SettingsUpdated:
    """Give the settings of a change the values they had before; that can be undone, too."""
    with database.transaction() as session:
        change = AdjustmentService(session, settings).undo_change(change_id)
    return _now(database, settings, live, change)


@router.get(
    "/export",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def export_settings(session: SessionDep, settings: SettingsDep) -> PlainTextResponse:
    """Return what differs from the usual as a TOML file, without secrets."""
    text = AdjustmentService(session, settings).export_settings()
    return PlainTextResponse(text, headers={"content-disposition": 'attachment; filename="fluxtune-settings.toml"'})


@router.post("/import")
def import_settings(wish: SettingsImport, database: DatabaseDep, settings: SettingsDep, live: Live) -> SettingsImported:
    """Change what a file names, or say what it would change; settings it does not name stay."""
    if wish.is_trial:
        with database.reading() as session:
            return AdjustmentService(session, settings).import_settings(wish)
    with database.transaction() as session:
        done = AdjustmentService(session, settings).import_settings(wish)
    live.refresh()
    return done


def _now(database: Database, settings: Settings, live: LiveSettings, change: SettingsChange | None) -> SettingsUpdated:
    live.refresh()
    with database.reading() as session:
        return SettingsUpdated(change=change, settings=showing.list_settings(session, settings))
