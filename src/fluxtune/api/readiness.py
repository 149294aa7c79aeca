"""Can this server do its work now? What it needs is tried, not remembered."""

import os
from typing import Literal

import structlog

from fluxtune.api.schemas import Readiness
from fluxtune.db import Database
from fluxtune.db.migrate import current_revision, newest_revision
from fluxtune.jobs import service as jobs
from fluxtune.storage import Blobs

log = structlog.get_logger(__name__)

_NOBODYS_KEY = "readiness"


def look_around(database: Database, blobs: Blobs) -> Readiness:
    """Return what answers. Errors are logged and not told: anybody may ask."""
    revision = current_revision(database)
    state: Literal["ready", "behind", "not answering"]
    state = "ready" if revision == newest_revision() else "not answering" if revision is None else "behind"
    storage: Literal["ready", "not answering"] = "ready" if _is_storage_there(blobs) else "not answering"
    worker = _worker(database) if state == "ready" else "unknown"
    return Readiness(is_ready=state == storage == "ready", database=state, storage=storage, worker=worker)


def _is_storage_there(blobs: Blobs) -> bool:
    try:
        blobs.has(_NOBODYS_KEY)
        # A disk that was taken out has no such file either.
        file = blobs.path(_NOBODYS_KEY)
        if file is not None and not os.access(file.parent, os.W_OK | os.X_OK):
            raise OSError(f"{file.parent} is gone or can't be written to")
    except Exception as error:
        log.warning("the storage does not answer", error=str(error))
        return False
    return True


def _worker(database: Database) -> Literal["ready", "none", "unknown"]:
    try:
        with database.reading() as session:
            return "ready" if jobs.is_worker_alive(session) else "none"
    except Exception as error:
        log.warning("the database does not answer", error=str(error))
        return "unknown"
