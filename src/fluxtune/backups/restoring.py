"""Make a studio from a backup, in a data folder and a database that are empty. Nothing is ever overwritten.

Files come first and the database last, all of it in one transaction: stopped half-way there is no studio yet, and
restoring again goes on.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from pydantic import BaseModel

from fluxtune.audit import service as audit
from fluxtune.backups.schemas import Manifest, StoredFile
from fluxtune.backups.vault import BackupDamaged, Progress, Vault
from fluxtune.config import Settings
from fluxtune.config.settings import SETTINGS_FILE
from fluxtune.core.errors import Conflict
from fluxtune.db import Database
from fluxtune.db.copying import NotEmpty, load
from fluxtune.db.migrate import DatabaseTooNew, current_revision, newest_revision
from fluxtune.jobs.restoring import hold_all
from fluxtune.storage import Blobs, is_locked


class StudioRunning(Conflict):
    """A studio runs on the folder."""

    title = "A studio runs on this data folder"
    action = "Stop it, and choose an empty data folder."


class Restored(BaseModel):
    """What was restored."""

    backup_id: str
    data: str
    file_count: int
    row_count: int
    byte_count: int
    lacks_key: bool
    paused_count: int
    cancelled_count: int


def restore_settings_file(vault: Vault, manifest: Manifest, data: Path) -> bool:
    """Write the settings file of a backup, unless one is there; return whether it was written.

    Before anything else: it may say where database and images belong.
    """
    file = next((each for each in vault.files(manifest) if each.place == "data" and each.path == SETTINGS_FILE), None)
    if file is None or (data / SETTINGS_FILE).exists():
        return False
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_file(vault, file, data)
    return True


def restore(
    vault: Vault, manifest: Manifest, settings: Settings, progress: Progress = lambda _done, _total: None
) -> Restored:
    """Restore a backup to the data folder, the database and the store that the settings name.

    Raises `NotEmpty`, `StudioRunning`, `DatabaseTooNew`, or `BackupDamaged` before there is a database.
    """
    _check_empty(settings, manifest)
    settings.paths.create()
    blobs = Blobs.at(settings.paths.blobs, settings.storage_url)
    done = 0
    for file in vault.files(manifest):
        _restore_file(vault, file, settings.data, blobs)
        done += file.byte_count
        progress(min(done, manifest.byte_count), manifest.byte_count)
    os.sync()
    if settings.database_url is not None:
        paused, cancelled = _restore_database(vault, manifest, settings, Database(settings.database_url))
    else:
        # Under another name until it is whole: who finds the file finds a studio.
        draft = settings.paths.database.with_suffix(".part")
        draft.unlink(missing_ok=True)
        paused, cancelled = _restore_database(vault, manifest, settings, Database.at(draft))
        draft.replace(settings.paths.database)
    progress(manifest.byte_count, manifest.byte_count)
    return Restored(
        backup_id=manifest.id,
        data=str(settings.data),
        file_count=manifest.file_count,
        row_count=sum(table.row_count for table in manifest.tables),
        byte_count=manifest.byte_count,
        lacks_key=manifest.lacks_key,
        paused_count=paused,
        cancelled_count=cancelled,
    )


def _check_empty(settings: Settings, manifest: Manifest) -> None:
    if is_locked(settings.paths.server_lock) or is_locked(settings.paths.worker_lock):
        raise StudioRunning(f"It works on {settings.data}.")
    if settings.database_url is None:
        if settings.paths.database.exists():
            raise NotEmpty(f"There is a studio in {settings.data} already.")
    else:
        database = Database(settings.database_url)
        if current_revision(database) is not None:
            raise NotEmpty("There is a studio in the database already.")
        database.close()
    if manifest.revision > newest_revision():
        raise DatabaseTooNew(f"Its schema is {manifest.revision}; this version knows up to {newest_revision()}.")


def _restore_database(vault: Vault, manifest: Manifest, settings: Settings, database: Database) -> tuple[int, int]:
    tables = {table.name: table for table in manifest.tables}
    try:
        load(
            database,
            manifest.revision,
            {table.name: table.columns for table in manifest.tables},
            manifest.sequences,
            lambda name: vault.lines(tables[name].sha256),
            settings.paths.migration_lock,
        )
        with database.transaction(durable=True) as session:
            held = hold_all(session)
            audit.record(session, "backup.restored", "backup", manifest.id, after={"made_at": str(manifest.made_at)})
        return held
    finally:
        database.close()


def _restore_file(vault: Vault, file: StoredFile, data: Path, blobs: Blobs) -> None:
    if file.place == "blobs":
        blobs.put(file.path, b"".join(vault.chunks(file.sha256)))
    elif file.path != SETTINGS_FILE:
        _write_file(vault, file, data)


def _write_file(vault: Vault, file: StoredFile, data: Path) -> None:
    relative = PurePosixPath(file.path)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise BackupDamaged(f"It names a file outside the data folder: {file.path[:200]}.")
    target = data.joinpath(*relative.parts)
    if _is_there(target, file):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.part")
    _write(draft, lambda: vault.chunks(file.sha256))
    os.utime(draft, ns=(file.changed_ns, file.changed_ns))  # so that the next backup knows that nothing changed
    draft.replace(target)


def _write(draft: Path, chunks: Callable[[], object]) -> None:
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            out.writelines(chunks())  # type: ignore[arg-type]
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _is_there(target: Path, file: StoredFile) -> bool:
    """Return whether an earlier, interrupted restore wrote the file already."""
    if not target.is_file() or target.stat().st_size != file.byte_count:
        return False
    with target.open("rb") as there:
        return hashlib.file_digest(there, "sha256").hexdigest() == file.sha256
