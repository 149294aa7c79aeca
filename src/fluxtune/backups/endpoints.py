"""Backups: list, make, check, remove. Restoring is a command: it needs a folder without a studio."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from fluxtune.backups import service
from fluxtune.backups.schemas import Backups, BackupStart, Freed
from fluxtune.backups.vault import BackupRunning
from fluxtune.config import Settings, get_settings
from fluxtune.core.errors import Problem
from fluxtune.db import get_session
from fluxtune.jobs.schemas import Job

SessionDep = Annotated[Session, Depends(get_session, scope="function")]
SettingsDep = Annotated[Settings, Depends(get_settings)]
Responses = dict[int | str, dict[str, Any]]

INVALID: Responses = {422: {"model": Problem, "description": "Something given is not acceptable."}}
NOT_FOUND: Responses = {404: {"model": Problem, "description": "There is no such backup."}}
CONFLICT: Responses = {409: {"model": Problem, "description": "A backup is being made or checked already."}}

router = APIRouter(prefix="/api/backups", tags=["backups"], responses=INVALID)


@router.get("", summary="Backups")
def list_backups(session: SessionDep, settings: SettingsDep) -> Backups:
    """List the backups, newest first, where they are, and when the next is due."""
    return service.list_(session, settings)


@router.post("", status_code=202, responses=CONFLICT, summary="Back up now")
def start_backup(wanted: BackupStart, session: SessionDep) -> Job:
    """Begin a backup; its job tells how far it is."""
    job = service.start(session, "asked", with_bases=wanted.with_bases)
    if job is None:
        raise BackupRunning("One was begun a moment ago.")
    return job


@router.post(
    "/{backup_id}/verification", status_code=202, responses=NOT_FOUND | CONFLICT, summary="Check that a backup is whole"
)
def start_verification(backup_id: str, session: SessionDep, settings: SettingsDep) -> Job:
    """Begin to read every file of a backup and to compare it with its hash."""
    return service.start_verification(session, settings, backup_id)


@router.delete("/{backup_id}", responses=NOT_FOUND | CONFLICT, summary="Remove a backup for good")
def remove_backup(backup_id: str, session: SessionDep, settings: SettingsDep) -> Freed:
    """Remove a backup and all that no other backup holds; there is no undo."""
    return Freed(freed_bytes=service.remove(session, settings, backup_id))
