"""Begin, list, verify and remove backups. Copying is in `making`, restoring in `restoring`."""

import shlex
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.backups import repository
from fluxtune.backups.making import Stopped, make_backup
from fluxtune.backups.schemas import Backup, Backups, Damage, Manifest, Origin
from fluxtune.backups.tables import BackupRow
from fluxtune.backups.vault import BackupMissing, BackupRunning, Progress, Vault
from fluxtune.backups.verifying import verify
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import FluxtuneError, Problem
from fluxtune.core.ids import new_id
from fluxtune.db import Database
from fluxtune.jobs import service as jobs
from fluxtune.jobs.schemas import Job
from fluxtune.storage import Blobs

ALIVE = timedelta(minutes=2)
"""A backup that gave no sign of life for so long is not under way any more: its program was killed."""
_BEAT_S = 15.0
_SOON = timedelta(minutes=15)

log = structlog.get_logger(__name__)


def is_under_way(session: Session) -> bool:
    """Return whether a backup is being made: until it is, no file may be removed for good."""
    return bool(repository.list_running(session, now() - ALIVE))


def list_(session: Session, settings: Settings) -> Backups:
    """Return what backups there are: those that are whole stand in the folder, also those another studio made."""
    folder = settings.backup_folder
    rows = {row.id: row for row in repository.list_(session)}
    made = [_made(manifest, rows.pop(manifest.id, None)) for manifest in Vault(folder).list_()]
    others = [_unmade(row) for row in rows.values() if row.state != "done"]  # a done one that is gone was removed
    shown = sorted([*made, *others], key=lambda each: each.created_at, reverse=True)
    return Backups(
        folder=str(folder),
        is_beside_data=folder.is_relative_to(settings.data),
        every_hours=settings.backups.every_hours,
        keep=settings.backups.keep,
        next_at=_next_at(session, settings),
        free_bytes=_free_bytes(folder),
        restore_command=f"fluxtune admin restore --from {shlex.quote(str(folder))} --data EMPTY-FOLDER",
        backups=shown,
    )


def start(session: Session, origin: Origin, *, with_bases: bool = False, slot: str | None = None) -> Job | None:
    """Queue a backup. Raises `BackupRunning` if one waits or runs; returns None if its slot is taken."""
    at = now()
    if jobs.list_(session, active=True, kind="backup"):
        raise BackupRunning("One waits or runs already.")
    row = BackupRow(id=new_id(), origin=origin, slot=slot, state="waiting", heartbeat_at=at, created_at=at)
    if not repository.add(session, row):
        return None
    job = jobs.enqueue(session, "backup", row.id, "Backup", {"what": "make", "with_bases": with_bases}, lane="network")
    row.job_id = job.id
    audit.record(session, "backup.started", "backup", row.id, after={"origin": origin})
    return job


def origin_of(session: Session, backup_id: str) -> Origin:
    """Return who wanted a backup; one that nothing is known of any more was asked for."""
    row = repository.find(session, backup_id)
    return row.origin if row is not None else "asked"  # type: ignore[return-value]


def start_if_due(session: Session, settings: Settings, at: datetime) -> Job | None:
    """Queue the scheduled backup if it is time; of several workers one does."""
    if not settings.backups.every_hours:
        return None
    last = repository.newest_begun(session)
    if last is not None and at < last + timedelta(hours=settings.backups.every_hours):
        return None
    failed = next((row for row in repository.list_(session) if row.state == "failed"), None)
    if failed is not None and at < failed.created_at + min(_SOON, timedelta(hours=settings.backups.every_hours)):
        return None  # a full disk is not tried every minute
    step_s = min(settings.backups.every_hours * 3600, _SOON.total_seconds())
    try:
        slot = f"{int(at.timestamp() // step_s)}"
        return start(session, "scheduled", with_bases=settings.backups.with_bases, slot=slot)
    except BackupRunning:
        return None


def what_is_wrong(session: Session, settings: Settings, at: datetime) -> tuple[str, str] | None:
    """Return what is wrong with the scheduled backups, as a title and why; None where all is well or none are wanted.

    Wrong is that the newest has failed, or that the last good one is so old that two were missed.
    """
    every = timedelta(hours=settings.backups.every_hours)
    if not every:
        return None
    rows = repository.list_(session)
    good = next((row for row in rows if row.state == "done"), None)
    failed = next((row for row in rows if row.state == "failed" and row.origin == "scheduled"), None)
    since = (
        f"The last good backup is of {good.created_at:%-d %B %Y, %H:%M} UTC." if good else "There is no good one yet."
    )
    if failed is not None and (good is None or good.created_at < failed.created_at):
        error = failed.error or {}
        reason = " ".join(str(error[part]) for part in ("title", "detail", "action") if error.get(part))
        return "A scheduled backup failed", f"{_sentence(reason)} {since}".strip()
    is_trying = any(row.state in ("waiting", "running") for row in rows)
    if good is not None and not is_trying and at - good.created_at > 2 * every:
        return "The last good backup is too old", f"{since} One is wanted every {settings.backups.every_hours:g} hours."
    return None


def start_verification(session: Session, settings: Settings, backup_id: str) -> Job:
    """Queue the check of a backup; raises `BackupMissing`, `BackupRunning`."""
    manifest = Vault(settings.backup_folder).find(backup_id)
    if jobs.list_(session, active=True, kind="backup"):
        raise BackupRunning("A backup is being made or checked.")
    return jobs.enqueue(session, "backup", manifest.id, "Check of a backup", {"what": "verify"}, lane="network")


def run(
    settings: Settings,
    database: Database,
    blobs: Blobs,
    backup_id: str,
    origin: Origin,
    *,
    with_bases: bool = False,
    progress: Progress = lambda _done, _total: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Manifest:
    """Make a backup now, then remove those beyond `backups.keep`. Raises what `make_backup` raises."""
    with _under_way(database, backup_id, origin):
        manifest = make_backup(
            settings,
            database,
            blobs,
            backup_id,
            origin,
            with_bases=with_bases,
            progress=progress,
            is_stopped=is_stopped,
        )
    vault = Vault(settings.backup_folder)
    old = [each.id for each in vault.list_()[settings.backups.keep :]]
    if old:
        _remove(vault, old)
    with database.transaction() as session:
        repository.remove(session, old)
        audit.record(
            session,
            "backup.made",
            "backup",
            backup_id,
            after={"origin": origin, "files": manifest.file_count, "bytes": manifest.byte_count, "removed": old},
        )
    return manifest


def check(
    settings: Settings,
    database: Database,
    backup_id: str,
    progress: Progress = lambda _done, _total: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Damage:
    """Read all of a backup, note what is wrong with it, and return that. Raises `BackupMissing`, `Stopped`."""
    vault = Vault(settings.backup_folder)
    manifest = vault.find(backup_id)
    damage = verify(vault, manifest, progress, is_stopped)
    with database.transaction() as session:
        row = repository.find(session, manifest.id)
        if row is None:  # made by another studio, or before this one was restored
            row = BackupRow(
                id=manifest.id,
                origin=manifest.origin,
                state="done",
                heartbeat_at=manifest.made_at,
                created_at=manifest.made_at,
                finished_at=manifest.made_at,
            )
            repository.add(session, row)
        row.verified_at, row.damage = now(), damage.problems
    return damage


def remove(session: Session, settings: Settings, backup_id: str) -> int:
    """Remove a backup for good and return how many bytes that freed; raises `BackupMissing`, `BackupRunning`."""
    row = repository.find(session, backup_id)
    vault = Vault(settings.backup_folder)
    is_made = any(each.id == backup_id for each in vault.list_())
    if not is_made and (row is None or row.state not in ("failed", "done")):
        raise BackupMissing(f"There is no backup “{backup_id[:64]}”.")
    freed = _remove(vault, [backup_id]) if is_made else 0
    repository.remove(session, [backup_id])
    audit.record(session, "backup.removed", "backup", backup_id, after={"freed_bytes": freed})
    return freed


def _remove(vault: Vault, ids: list[str]) -> int:
    lock = vault.lock()
    try:
        return vault.remove(ids)
    finally:
        lock.release()


@contextmanager
def _under_way(database: Database, backup_id: str, origin: Origin) -> Iterator[None]:
    """Keep the row of a backup true: it says that it lives, and how it ended."""
    _begin(database, backup_id, origin)
    ended = threading.Event()
    heart = threading.Thread(target=_beat, args=(database, backup_id, ended), name="backup heartbeat", daemon=True)
    heart.start()
    problem: Problem | None = None
    state = "failed"
    try:
        yield
        state = "done"
    except Stopped:
        raise
    except FluxtuneError as error:
        problem = error.problem()
        raise
    except Exception as error:
        problem = FluxtuneError("The backup could not be made.", technical=repr(error)).problem()
        raise
    finally:
        ended.set()
        heart.join()
        with database.transaction() as session:
            row = repository.find(session, backup_id)
            if row is not None and state == "failed" and problem is None:
                repository.remove(session, [backup_id])  # stopped by hand, or made anew by the next worker
            elif row is not None:
                row.state, row.finished_at = state, now()
                row.error = problem.model_dump(mode="json") if problem else None


def _begin(database: Database, backup_id: str, origin: Origin) -> None:
    with database.transaction(durable=True) as session:
        row = repository.find(session, backup_id)
        if row is None:
            row = BackupRow(id=backup_id, origin=origin, state="running", heartbeat_at=now(), created_at=now())
            repository.add(session, row)
        row.state, row.heartbeat_at = "running", now()


def _beat(database: Database, backup_id: str, ended: threading.Event) -> None:
    while not ended.wait(_BEAT_S):
        try:
            with database.transaction() as session:
                row = repository.find(session, backup_id)
                if row is not None:
                    row.heartbeat_at = now()
        except Exception:
            log.exception("a backup could not say that it lives")


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _next_at(session: Session, settings: Settings) -> datetime | None:
    if not settings.backups.every_hours:
        return None
    last = repository.newest_begun(session)
    return max(now(), last + timedelta(hours=settings.backups.every_hours)) if last else now()


def _free_bytes(folder: Path) -> int | None:
    there = next((each for each in (folder, *folder.parents) if each.exists()), None)
    return shutil.disk_usage(there).free if there else None


def _made(manifest: Manifest, row: BackupRow | None) -> Backup:
    return Backup(
        id=manifest.id,
        origin=manifest.origin,
        state="done",
        job_id=row.job_id if row else None,
        created_at=manifest.made_at,
        finished_at=row.finished_at if row else None,
        error=None,
        byte_count=manifest.byte_count,
        new_bytes=manifest.new_bytes,
        file_count=manifest.file_count,
        row_count=sum(table.row_count for table in manifest.tables),
        version=manifest.version,
        lacks_key=manifest.lacks_key,
        verified_at=row.verified_at if row else None,
        damage=row.damage if row else [],
    )


def _unmade(row: BackupRow) -> Backup:
    is_lost = row.state == "running" and row.heartbeat_at < now() - ALIVE and row.job_id is None
    return Backup.model_validate(
        {
            "id": row.id,
            "origin": row.origin,
            "state": "failed" if is_lost else row.state,
            "job_id": row.job_id,
            "created_at": row.created_at,
            "finished_at": row.finished_at,
            "error": row.error,
            "byte_count": None,
            "new_bytes": None,
            "file_count": None,
            "row_count": None,
            "version": None,
            "lacks_key": None,
            "verified_at": None,
            "damage": [],
        }
    )
