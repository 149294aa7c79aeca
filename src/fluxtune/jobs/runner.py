"""What happens to a job inside a worker: taken up, run step by step, ended. Every method may be repeated safely."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from fluxtune.core.actor import LOCAL_ID, LOCAL_OWNER, Actor, acting_as
from fluxtune.core.clock import now
from fluxtune.core.errors import DiskFull, FluxtuneError, JobFailed, Problem
from fluxtune.db import Database, announce, is_disk_full
from fluxtune.jobs import repository
from fluxtune.jobs.asked import AskedBoard
from fluxtune.jobs.liveness import is_alive, owner_name
from fluxtune.jobs.schemas import JobEventType
from fluxtune.jobs.service import record
from fluxtune.jobs.tables import JobRow, WorkerRow
from fluxtune.jobs.tasks import JobContext, StepEnd, Task, TaskStep

KEEP_PROGRESS = timedelta(days=7)
"""Loss, samples and log of a run are kept elsewhere; its live progress is of use while somebody watches."""
_FLEETING: tuple[JobEventType, ...] = ("job.progressed", "job.phase")

log = structlog.get_logger(__name__)


class TaskBroke(JobFailed):
    """A task raised something nobody foresaw."""

    title = "Something went wrong in fluxtune"
    action = "Try again. If it happens again, report it with the technical detail."


@dataclass(frozen=True, slots=True)
class Begun:
    """A job that was taken and begun in one transaction: what its task needs is known already."""

    context: JobContext
    task: Task
    attempt: int


class JobRunner:
    """Runs the tasks of jobs and keeps their rows true."""

    def __init__(self, database: Database, tasks: Sequence[Task], is_leaving: Callable[[], bool]) -> None:
        self._database = database
        self._tasks = {task.kind: task for task in tasks}
        self._is_leaving = is_leaving
        self._asked = AskedBoard(database)
        self._worker_id: str | None = None
        self.owner = owner_name()

    def hello(self, worker_id: str) -> None:
        """Say that this worker is there, and that what its predecessor ran goes on."""
        at, self._worker_id = now(), worker_id
        with self._database.transaction() as session:
            row = WorkerRow(id=worker_id, owner=self.owner, started_at=at, heartbeat_at=at)
            repository.replace_worker(session, row)
        with self._database.reading() as session:
            left = [job.id for job in repository.list_running(session) if self._is_left(job)]
        if not left:
            return
        with self._database.transaction() as session:
            # All rows first, in one order, then what happened to them: a first event would hold up everybody who
            # changes one of the other jobs at this moment, while we waited for that job.
            for job in repository.find_jobs(session, left, lock=True):
                if self._is_left(job):
                    _recover(session, job)

    def _is_left(self, job: JobRow) -> bool:
        """Return whether a job is what a predecessor of this worker, which is gone, was running."""
        is_ours = job.worker_id in (None, self._worker_id) and job.owner != self.owner
        return job.state == "running" and is_ours and not is_alive(job.owner, job.heartbeat_at)

    def take_over(self) -> int:
        """Put back into the queue what other workers had that are gone; return how many jobs that were.

        Whoever takes such a job next goes on from its last checkpoint. It is put back once: rows are locked here, and
        a worker that comes back finds that its jobs are not its own any more.
        """
        worker_id = self._worker_id or ""
        with self._database.reading() as session:
            if not repository.is_any_taken_by_others(session, worker_id):
                return 0
        with self._database.transaction() as session:
            alive = {each.id for each in repository.list_workers(session) if is_alive(each.owner, each.heartbeat_at)}
            lost = [
                job
                for job in repository.list_taken_by_others(session, worker_id)
                if job.worker_id not in alive and not is_alive(job.owner, job.heartbeat_at)
            ]
            for job in lost:
                log.warning("its worker is gone; queueing it again", job_id=job.id, worker=job.worker_id)
                job.worker_id = None
                _recover(session, job)
        return len(lost)

    def beat(self) -> None:
        """Renew the sign of life of this worker and of what it runs."""
        with self._database.transaction() as session:
            repository.beat(session, self.owner, now())

    def tidy(self) -> None:
        """Forget the progress of jobs that ended long ago: what they made and how they ended stays."""
        with self._database.transaction() as session:
            count = repository.prune_events(session, _FLEETING, now() - KEEP_PROGRESS)
        if count:
            log.info("removed events of jobs that ended long ago", count=count)

    def goodbye(self) -> None:
        """Say that this worker is gone."""
        with self._database.transaction() as session:
            repository.remove_worker(session, self.owner)

    def is_busy(self) -> bool:
        """Return whether anything waits or runs."""
        with self._database.reading() as session:
            return repository.count_unfinished(session) > 0

    def begin(self, job_id: str, attempt: int) -> list[str]:
        """Take a job up; return the names of its steps, none if there is nothing to do any more."""
        with self._database.transaction() as session:
            row = repository.find_job(session, job_id, lock=True)
            if row is None or row.state not in ("queued", "running") or row.attempt > attempt:
                return []
            if self._worker_id is not None and row.worker_id != self._worker_id:
                return []  # taken over while we were away
            task = self._tasks.get(row.kind)  # type: ignore[call-overload]
            self._begin(session, row, attempt)
        return [name for name, _ in task.steps()] if task is not None else []

    def begin_taken(self, session: Session, row: JobRow) -> Begun:
        """Take up a job in the transaction in which it is taken: it can't belong to anybody else."""
        self._begin(session, row, row.attempt)
        task = self._tasks[row.kind]  # type: ignore[index]
        return Begun(self._context_of(row, row.attempt), task, row.attempt)

    def _begin(self, session: Session, row: JobRow, attempt: int) -> None:
        at = now()
        row.state, row.phase, row.owner, row.attempt = "running", "starting", self.owner, attempt
        row.started_at = row.started_at or at
        row.heartbeat_at = at
        record(session, row, "job.started", {})

    def give_back(self, job_ids: Sequence[str]) -> None:
        """Return jobs that were taken to the queue; they keep their turn. What another worker has by now stays its."""
        with self._database.transaction() as session:
            for row in repository.find_jobs(session, job_ids, lock=True):
                if row.state in ("queued", "running") and self._worker_id in (None, row.worker_id):
                    row.state, row.worker_id, row.owner = "queued", None, None
                    announce(session, row.lane)

    def run_step(self, job_id: str, name: str, attempt: int | None = None) -> dict[str, Any]:
        """Run one step in the name of whose job it is; whatever happens becomes an ordinary result.

        Of an attempt that another worker has taken over nothing more is told.
        """
        with structlog.contextvars.bound_contextvars(job_id=job_id, step=name):
            end = self._run_step(name, *self._context(job_id, attempt))
        return {"state": end.state, "data": end.data, "error": end.error.model_dump(mode="json") if end.error else None}

    def run_begun(self, begun: Begun) -> None:
        """Run a job of `begin_taken` from its first step to its end."""
        job_id, end = begun.context.job_id, StepEnd("done")
        with structlog.contextvars.bound_contextvars(job_id=job_id):
            for name, _ in begun.task.steps():
                with structlog.contextvars.bound_contextvars(step=name):
                    end = self._run_step(name, begun.context, begun.task)
                if end.state != "done":
                    break
            self._end(job_id, begun.attempt, end)

    def _run_step(self, name: str, context: JobContext, task: Task) -> StepEnd:
        try:
            step: TaskStep = dict(task.steps())[name]
            with acting_as(context.actor):
                return step(context) or StepEnd("done")
        except FluxtuneError as error:
            log.warning("job failed", error=str(error), technical=error.technical)
            return StepEnd("failed", error=error.problem())
        except Exception as error:
            if is_disk_full(error):
                return _disk_full(task)
            log.exception("step broke")
            return StepEnd("failed", error=_broken(error))

    def finish(self, job_id: str, attempt: int, end: dict[str, Any]) -> None:
        """End a job, once: what its task stores, its state and its last event, all or nothing."""
        step_end = StepEnd(end["state"], end["data"], Problem.model_validate(end["error"]) if end["error"] else None)
        with structlog.contextvars.bound_contextvars(job_id=job_id):
            self._end(job_id, attempt, step_end)

    def _end(self, job_id: str, attempt: int, end: StepEnd) -> None:
        try:
            self._finish(job_id, attempt, end)
        except Exception as error:
            log.exception("job could not be ended as it should")
            problem = error.problem() if isinstance(error, FluxtuneError) else _broken(error)
            self._finish(job_id, attempt, StepEnd("failed", error=problem), with_task=False)

    def _finish(self, job_id: str, attempt: int, end: StepEnd, *, with_task: bool = True) -> None:
        with self._database.transaction() as session:
            row = repository.find_job(session, job_id, lock=True)
            if row is None or row.state != "running" or row.attempt != attempt:
                return
            extra: dict[str, Any] = {}
            announce(session, row.lane)  # there is room for another
            if with_task:
                context, task = self._context_of(row, attempt), self._tasks[row.kind]  # type: ignore[index]
                with acting_as(context.actor):
                    extra = task.finish(session, context, end)
            row.owner, row.heartbeat_at, row.eta_s = None, None, None
            if end.state == "handed_back":
                row.state, row.phase, row.worker_id = "queued", end.data.get("phase", "recovering"), None
                record(session, row, "job.queued", {})
                return
            row.request, row.worker_id, row.phase = None, None, ""
            row.error = end.error.model_dump(mode="json") if end.error else None
            event_type, row.state, data = _last_event(end)
            if row.state != "paused":
                row.finished_at = now()
            if row.state == "succeeded" and row.steps and not end.data.get("stopped_early"):
                row.step = row.steps
            record(session, row, event_type, {**data, **extra})
            log.info("job ended", job_id=job_id, state=row.state)

    def _context(self, job_id: str, attempt: int | None = None) -> tuple[JobContext, Task]:
        with self._database.reading() as session:
            row = repository.find_job(session, job_id)
            if row is None:
                raise TaskBroke("The job is gone from the database.")
            return self._context_of(row, attempt), self._tasks[row.kind]  # type: ignore[index]

    def _context_of(self, row: JobRow, attempt: int | None) -> JobContext:
        return JobContext(
            self._database,
            job_id=row.id,
            target_id=row.target_id,
            payload=dict(row.payload),
            is_leaving=self._is_leaving,
            attempt=attempt,
            asked=self._asked,
            actor=LOCAL_OWNER if row.actor_id == LOCAL_ID else Actor("a job of theirs", id=row.actor_id),
        )


def _recover(session: Session, job: JobRow) -> None:
    job.state, job.phase, job.owner = "queued", "recovering", None
    record(session, job, "job.phase", {"phase": "recovering", "done": 0, "total": 0})


def _disk_full(task: Task) -> StepEnd:
    """Pause what can be resumed, fail what can't."""
    if task.kind == "finetune":
        return StepEnd("paused", {"reason": "disk-full"})
    error = DiskFull("What it makes found no room.", action="Free some room, then start it again.")
    return StepEnd("failed", error=error.problem())


def _last_event(end: StepEnd) -> tuple[JobEventType, str, dict[str, Any]]:
    if end.state == "done":
        return "job.succeeded", "succeeded", {}
    if end.state == "paused":
        return "job.paused", "paused", {"reason": end.data.get("reason", "user")}
    if end.state == "cancelled":
        return "job.cancelled", "cancelled", {}
    error = end.error or TaskBroke("The task did not say why.").problem()
    return "job.failed", "failed", {"error": error.model_dump(mode="json")}


def _broken(error: Exception) -> Problem:
    where = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" at {where[0].name}:{where[0].lineno}" if where else ""
    return TaskBroke("An error nobody foresaw.", technical=f"{type(error).__name__}: {error}{place}").problem()
