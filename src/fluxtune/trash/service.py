"""Remove files after their rows, over any crash.

Rows go first, and with them, in the same transaction, every file they alone referred to is written down as a leftover;
files go after that. The other way round a crash would leave rows whose files are gone: pictures that can't be shown and
runs that can't go on. This way it leaves files that nobody sees, and the next sweep removes them.
"""

import shutil
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from fluxtune.core.clock import now
from fluxtune.db import Database
from fluxtune.storage import Blobs
from fluxtune.trash import repository
from fluxtune.trash.tables import LeftoverRow

log = structlog.get_logger(__name__)

# An upload writes its blobs first and its row a moment later: what was written lately may be about to get one.
FRESH = timedelta(hours=1)


def leave_blobs(session: Session, keys: Iterable[str], sha256: str) -> None:
    """Write down blobs of a content that nothing refers to any more."""
    for key in keys:
        repository.add(session, LeftoverRow(path=key, place="blobs", sha256=sha256, since=now()))


def leave_file(session: Session, data: Path, path: Path) -> None:
    """Write down a file or folder of the data folder whose row is gone."""
    relative = path.relative_to(data)
    if not relative.parts or ".." in relative.parts:
        raise ValueError(f"{path} is not something within {data}.")
    repository.add(session, LeftoverRow(path=relative.as_posix(), place="data", since=now()))


def keep_content(session: Session, sha256: str) -> None:
    """Keep the blobs of a content that is being stored again."""
    repository.remove_of_content(session, sha256)


def sweep(
    database: Database,
    blobs: Blobs,
    data: Path,
    at: datetime,
    is_held: Callable[[Session], bool] = lambda _session: False,
) -> int:
    """Remove what was written down; return how many were removed. What can't be removed is tried again next time.

    Nothing is removed while `is_held`. It is asked after the list was read: a backup that begins later copies rows that
    don't refer to what stands in it.
    """
    with database.reading() as session:
        waiting = repository.list_paths(session)
    with database.reading() as session:
        if is_held(session):
            return 0
    count = 0
    for place, path in waiting:
        try:
            if place == "data":
                _remove_file(data / path)  # ids are never used twice, so nobody may want it meanwhile
            with database.transaction() as session:
                row = repository.find(session, path)
                if row is None or (place == "blobs" and not _remove_blob(blobs, path, at)):
                    continue
                repository.remove(session, row)
            count += 1
        except Exception:
            log.exception("a leftover could not be removed; trying again later", place=place, path=path)
    return count


def _remove_blob(blobs: Blobs, key: str, at: datetime) -> bool:
    """Remove a blob; return False for one that was written lately. Called in a transaction that writes.

    Whoever stores the same content again writes its blobs anew and then, in a transaction of its own, calls
    `keep_content`: either that came first and there is no leftover any more, or the blob is fresh.
    """
    written_at = blobs.written_at(key)
    if written_at is not None and at - written_at < FRESH:
        return False
    blobs.delete(key)
    return True


def _remove_file(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
