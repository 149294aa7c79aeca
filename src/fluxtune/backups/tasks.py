"""What the worker runs for backups: make one, or check one."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from sqlalchemy.orm import Session

from fluxtune.backups import service
from fluxtune.backups.making import Stopped
from fluxtune.backups.vault import BackupDamaged, Progress
from fluxtune.config import Settings
from fluxtune.db import Database
from fluxtune.jobs.schemas import JobKind
from fluxtune.jobs.tasks import JobContext, StepEnd, TaskStep
from fluxtune.storage import Blobs

_MEGA = 1_000_000

log = structlog.get_logger(__name__)


class BackupTask:
    """One backup, made or checked. Interrupted, it begins again; what was copied already is not written twice."""

    kind: JobKind = "backup"

    def __init__(self, settings: Settings, database: Database, blobs: Blobs) -> None:
        self._settings = settings
        self._database = database
        self._blobs = blobs

    def steps(self) -> Sequence[tuple[str, TaskStep]]:
        """Return the steps, in order."""
        return [("copy", self._run)]

    def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
        """Nothing to store: the backup's own row and folder say how it went."""
        return {}

    def _run(self, job: JobContext) -> StepEnd | None:
        is_check = job.payload.get("what") == "verify"
        job.tell("job.phase", {"phase": "checking" if is_check else "copying", "done": None, "total": None})
        try:
            self._check(job) if is_check else self._make(job)
        except Stopped:
            return StepEnd("handed_back" if job.is_leaving() else "cancelled")
        return None

    def _make(self, job: JobContext) -> None:
        with job.reading() as session:
            origin = service.origin_of(session, job.target_id)
        manifest = service.run(
            self._settings,
            self._database,
            self._blobs,
            job.target_id,
            origin,
            with_bases=bool(job.payload.get("with_bases")),
            progress=_teller(job),
            is_stopped=_stopper(job),
        )
        log.info("made a backup", id=manifest.id, bytes=manifest.byte_count, new_bytes=manifest.new_bytes)

    def _check(self, job: JobContext) -> None:
        damage = service.check(self._settings, self._database, job.target_id, _teller(job), _stopper(job))
        if damage.problems:
            raise BackupDamaged(f"{len(damage.problems)} problems; the first: {damage.problems[0]}")


def _stopper(job: JobContext) -> Callable[[], bool]:
    return lambda: job.is_leaving() or job.request() == "cancel"


def _teller(job: JobContext) -> Progress:
    """Return what passes progress on, in megabytes, with the time that is left."""
    started = time.monotonic()

    def tell(done: int, total: int) -> None:
        seconds = time.monotonic() - started
        eta_s = seconds * (total - done) / done if done else None
        steps = max(1, round(total / _MEGA))
        job.tell("job.progressed", {"step": min(steps, round(done / _MEGA)), "steps": steps, "eta_s": eta_s})

    return tell
