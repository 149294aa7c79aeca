"""What the worker runs when something is cleaned by hand."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from fluxtune.config import Settings
from fluxtune.db import Database
from fluxtune.jobs.schemas import JobKind
from fluxtune.jobs.tasks import JobContext, StepEnd, TaskStep
from fluxtune.storage import Blobs
from fluxtune.upkeep import service


class CleaningTask:
    """One cleaning. Interrupted, it begins again: what is gone is gone."""

    kind: JobKind = "cleaning"

    def __init__(self, settings: Settings, database: Database, blobs: Blobs) -> None:
        self._settings = settings
        self._database = database
        self._blobs = blobs

    def steps(self) -> Sequence[tuple[str, TaskStep]]:
        """Return the steps, in order."""
        return [("clean", self._clean)]

    def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
        """Nothing to store."""
        return {}

    def _clean(self, job: JobContext) -> StepEnd | None:
        job.tell("job.phase", {"phase": "removing", "done": None, "total": None})
        service.clean(self._settings, self._database, self._blobs, job.payload["what"])
        return None
