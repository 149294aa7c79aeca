"""What the worker runs for a health check: measure, then store the report and its images."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.orm import Session

from fluxtune.backends.base import HealthSink, Request, RunEnd, Steering, Wish
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.core.errors import EngineCrashed
from fluxtune.engine.reports import REPORT_FILE, HealthEvent, HealthReport
from fluxtune.health import repository
from fluxtune.health.service import ReportMissing
from fluxtune.images.service import ImageService, StoredContent, store_content
from fluxtune.jobs import service as jobs
from fluxtune.jobs.schemas import JobKind
from fluxtune.jobs.tasks import JobContext, StepEnd, TaskStep
from fluxtune.storage import Blobs

LOOK_EVERY_S = 0.5


class Checker(Protocol):
    """A backend that measures."""

    def check(self, run_dir: Path, sink: HealthSink, steering: Steering) -> RunEnd:
        """Measure the checkpoints of a finished run."""
        ...


class HealthTask:
    """One check from queued to the stored report. However it ends, the model it looks at stays as it is."""

    kind: JobKind = "health"

    def __init__(self, settings: Settings, blobs: Blobs, backend: Checker) -> None:
        self._paths = settings.paths
        self._blobs = blobs
        self._backend = backend

    def steps(self) -> Sequence[tuple[str, TaskStep]]:
        """Return the steps, in order."""
        return [("measure", self._measure), ("store", self._store)]

    def _measure(self, job: JobContext) -> StepEnd | None:
        job.tell("job.phase", {"phase": "measuring", "done": None, "total": None})
        steering = GivingWay(job)
        end = self._backend.check(self._paths.run(job.target_id), HealthRecorder(job), steering)
        if end.state == "succeeded":
            return None
        return StepEnd(end.state, {"phase": "waiting"} if steering.gave_way else {}, end.error)

    def _store(self, job: JobContext) -> StepEnd | None:
        """Store images first, so that the transaction is short; repeated, it stores the same again."""
        run_dir = self._paths.run(job.target_id)
        report = HealthReport.model_validate_json((run_dir / REPORT_FILE).read_bytes())
        if not report.is_complete:
            raise EngineCrashed("The health check ended well, but its report is not whole.")
        stored = {file: self._content(run_dir / file) for file in files_of(report)}
        with job.transaction() as session:
            row = repository.find_report(session, job.target_id)
            if row is None:
                raise ReportMissing("The finetune it belongs to is gone.")
            images = ImageService(session, self._blobs)
            known = {file: images.create_image(content, "sample").id for file, content in stored.items()}
            repository.replace_images(session, job.target_id, known)
            row.report, row.measured_at = report.model_dump(mode="json"), now()
        return None

    def _content(self, file: Path) -> StoredContent:
        return store_content(self._blobs, file.read_bytes())

    def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
        """Say with the last event whose report it was; a check that gave way runs after what waits."""
        if end.state == "handed_back":
            jobs.go_last(session, job.job_id)
        return {"finetune_id": job.target_id}


class GivingWay:
    """Steers a check; when anybody waits for something else, it shall end as if the worker left, and go on later.

    Nobody should wait for an image because the studio measures something by itself. What is measured stays.
    """

    def __init__(self, job: JobContext) -> None:
        self._job = job
        self._looked_at = time.monotonic()
        self.gave_way = False

    def request(self) -> Request | None:
        """Return what the user asks."""
        return self._job.request()

    def wishes(self) -> Sequence[Wish]:
        """Return nothing: a check has no wishes to obey."""
        return ()

    def passed_on(self, wishes: Sequence[Wish]) -> None:
        """Do nothing, as there are none."""

    def is_leaving(self) -> bool:
        """Return whether the check shall end for now."""
        if self._job.is_leaving():
            return True
        if not self.gave_way and time.monotonic() - self._looked_at > LOOK_EVERY_S:
            self._looked_at = time.monotonic()
            with self._job.reading() as session:
                self.gave_way = jobs.is_other_waiting(session, "health")
        return self.gave_way


class HealthRecorder:
    """Passes progress on; the sink of its backend."""

    def __init__(self, job: JobContext) -> None:
        self._job = job
        self._first: tuple[float, int] | None = None
        self._what = ""

    def receive(self, event: HealthEvent) -> None:
        """Store one event."""
        done, total, what = int(event.data["done"]), int(event.data["total"]), str(event.data["what"])
        if what != self._what:
            self._what = what
            self._job.tell("job.phase", {"phase": what, "done": None, "total": None})
        self._job.tell("job.progressed", {"step": done, "steps": total, "eta_s": self._eta(done, total)})

    def _eta(self, done: int, total: int) -> float | None:
        if self._first is None:
            self._first = (time.monotonic(), done)
            return None
        at, first = self._first
        return round((time.monotonic() - at) / (done - first) * (total - done), 1) if done > first else None


def files_of(report: HealthReport) -> list[str]:
    """Return the files a report names, relative to the run's folder."""
    nearest = [each.file for checkpoint in report.checkpoints for each in checkpoint.nearest]
    cells = [cell.file for cell in report.sheet.cells] if report.sheet else []
    return sorted({*nearest, *cells})
