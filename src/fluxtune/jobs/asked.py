"""What is asked of the jobs at work in this process: one look at the database for all of them."""

import threading
import time
from dataclasses import dataclass

from fluxtune.db import Database
from fluxtune.jobs import repository
from fluxtune.jobs.repository import Asked

LOOK_EVERY_S = 0.2
_FORGET_AFTER_S = 2.0


@dataclass
class _Known:
    """What was read of one job, when, and when somebody last wanted to know."""

    wanted_at: float
    read_at: float | None = None
    asked: Asked | None = None


class AskedBoard:
    """Thread-safe. Dozens of jobs that each look five times a second would be what a database mostly does."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}

    def look(self, job_id: str) -> Asked | None:
        """Return what is asked of a job as it was a moment ago; None if there is no such job."""
        at = time.monotonic()
        with self._lock:
            known = self._known.setdefault(job_id, _Known(at))
            known.wanted_at = at
            if known.read_at is None or at - known.read_at >= LOOK_EVERY_S:
                self._read(at)
            return known.asked

    def forget(self, job_id: str) -> None:
        """Read anew at the next look: what is asked was changed from here."""
        with self._lock:
            self._known.pop(job_id, None)

    def _read(self, at: float) -> None:
        self._known = {key: each for key, each in self._known.items() if at - each.wanted_at < _FORGET_AFTER_S}
        with self._database.reading() as session:
            found = repository.find_asked(session, list(self._known))
        read_at = time.monotonic()
        for key, each in self._known.items():
            each.asked, each.read_at = found.get(key), read_at
