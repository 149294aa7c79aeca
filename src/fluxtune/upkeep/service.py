"""Clean by hand: begun as a job, so that it can be watched."""

import shutil
from collections.abc import Callable

from sqlalchemy.orm import Session

from fluxtune.audit import service as audit
from fluxtune.backups import service as backups
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict
from fluxtune.core.ids import new_id
from fluxtune.db import Database
from fluxtune.finetunes import retention
from fluxtune.jobs import service as jobs
from fluxtune.jobs.schemas import Job
from fluxtune.storage import Blobs
from fluxtune.trash import service as leftovers
from fluxtune.upkeep.retention import Retention
from fluxtune.upkeep.room import idle_caches
from fluxtune.upkeep.schemas import Cleaning
from fluxtune.upkeep.trash import Trash

TITLES: dict[Cleaning, str] = {
    "trash": "Emptying the trash",
    "checkpoints": "Removing early checkpoints",
    "samples": "Removing early samples",
    "caches": "Removing prepared images",
}


class CleaningRunning(Conflict):
    """One cleaning at a time."""

    title = "Something is being cleaned already"
    action = "Wait for its end."


def start(session: Session, what: Cleaning) -> Job:
    """Queue a cleaning; raises `CleaningRunning`."""
    if jobs.list_(session, active=True, kind="cleaning"):
        raise CleaningRunning("It waits or runs still.")
    job = jobs.enqueue(session, "cleaning", new_id(), TITLES[what], {"what": what}, lane="network")
    audit.record(session, "storage.cleaned", "storage", what)
    return job


def clean(settings: Settings, database: Database, blobs: Blobs, what: Cleaning) -> int:
    """Remove for good; return how many things that were. Files go at once unless a backup is under way."""
    at = now()
    if what == "trash":
        return Trash(settings, database, blobs).empty(at, all_of_it=True)
    kept = Retention(settings, database)
    removers: dict[Cleaning, Callable[[], int]] = {
        "checkpoints": lambda: kept.drop_checkpoints(at),
        "samples": lambda: kept.drop_samples(at),
        "caches": lambda: _drop_caches(settings, database),
    }
    count = removers[what]()
    leftovers.sweep(database, blobs, settings.paths.data, at, backups.is_under_way)
    return count


def _drop_caches(settings: Settings, database: Database) -> int:
    with database.reading() as session:
        folders = idle_caches(settings, retention.list_ended(session, now()))
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return len(folders)
