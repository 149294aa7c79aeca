"""The durable queue: the only module that knows DBOS.

A job's row is the truth; DBOS remembers which steps are done and goes on with the first that is not, after a crash of
anything. A row that is queued and not dispatched is put into DBOS by the worker. The workflow's id is made from the
job's id and attempt, so doing that twice does no harm, and a crash in between loses nothing.
"""

import json
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID

from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.db import Database, open_queue_engine
from fluxtune.jobs import repository
from fluxtune.jobs.runner import JobRunner
from fluxtune.jobs.tasks import Task

log = structlog.get_logger(__name__)

DEVICE_QUEUE = "device"
# Pinned: the default is a hash of the code, and jobs waiting across an upgrade would never be taken up again.
APPLICATION_VERSION = "1"
# Every restart of the computer in the middle of a long run counts as one.
MAX_RECOVERIES = 10_000
_LIVE = frozenset({"PENDING", "ENQUEUED", "DELAYED"})


class JsonSerializer(Serializer):
    """Stores plain JSON instead of pickles, so that reading the database never runs code."""

    def serialize(self, data: Any) -> str:
        """Return JSON; of an exception, its text."""
        return json.dumps({"error": repr(data)} if isinstance(data, BaseException) else {"value": data})

    def deserialize(self, serialized_data: str) -> Any:
        """Return what was stored."""
        stored = json.loads(serialized_data)
        return RuntimeError(stored["error"]) if "error" in stored else stored["value"]

    def name(self) -> str:
        """Return the name stored beside each value."""
        return "fluxtune_json"


class JobQueue:
    """Takes jobs from the table, one at a time, and runs them to their end whatever happens in between."""

    def __init__(
        self, settings: Settings, database: Database, tasks: Sequence[Task], is_leaving: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._database = database
        self._is_leaving = is_leaving
        self._active = 0
        self._lock = threading.Lock()
        self.runner = JobRunner(database, tasks, is_leaving)

    def start(self, worker_id: str) -> None:
        """Open the queue and go on with what was interrupted. At most one process per worker id may do this."""
        url = self._settings.jobs_database_url or f"sqlite:///{self._settings.paths.jobs_database}"
        if self._settings.jobs_database_url is None and not self._settings.is_local:
            url = self._database.url
        config: DBOSConfig = {
            "name": "fluxtune",
            "system_database_url": url,
            "system_database_engine": open_queue_engine(url),
            "serializer": JsonSerializer(),
            "application_version": APPLICATION_VERSION,
            "executor_id": worker_id,
            "log_level": "WARNING",
            "enable_otlp": False,
            "notification_listener_polling_interval_sec": 1.0,
            "scheduler_polling_interval_sec": 3600.0,
        }
        self.runner.hello(worker_id)
        DBOS(config=config)
        # Our handlers print what matters; its own would print everything twice.
        logging.getLogger("dbos").handlers.clear()

        @DBOS.workflow(name="run_job", max_recovery_attempts=MAX_RECOVERIES)
        def run_job(job_id: str, attempt: int) -> None:
            self._run(job_id, attempt)

        self._workflow = run_job
        DBOS.launch()
        DBOS.register_queue(
            DEVICE_QUEUE,
            worker_concurrency=1,
            polling_interval_sec=self._settings.worker.poll_seconds,
            on_conflict="always_update",
        )
        self._reconcile()

    def stop(self) -> None:
        """Close the queue. A step that still runs is interrupted; the next worker repeats it."""
        DBOS.destroy(destroy_registry=True)

    @property
    def active_count(self) -> int:
        """How many jobs run in this process now."""
        with self._lock:
            return self._active

    def dispatch(self) -> int:
        """Put new jobs into the queue; return how many there were."""
        with self._database.reading() as session:
            waiting = [(row.id, row.attempt + 1) for row in repository.list_undispatched(session)]
        for job_id, attempt in waiting:
            with SetWorkflowID(f"{job_id}-{attempt}"):
                DBOS.enqueue_workflow(DEVICE_QUEUE, self._workflow, job_id, attempt)
            with self._database.transaction() as session:
                row = repository.find_job(session, job_id)
                if row is not None and row.dispatched_at is None and row.state == "queued":
                    row.attempt, row.dispatched_at = attempt, now()
        return len(waiting)

    def _run(self, job_id: str, attempt: int) -> None:
        with self._lock:
            self._active += 1
        try:
            if self._is_leaving():
                # Started in the moment of leaving: end as handed back without touching anything.
                self.runner.hand_back(job_id)
                return
            # Not a recorded step: after a crash the new owner must take the job up again.
            names = self.runner.begin(job_id, attempt)
            end: dict[str, Any] | None = None
            for name in names:
                end = DBOS.run_step({"name": name}, self.runner.run_step, job_id, name)
                if end["state"] != "done":
                    break
            if end is not None:
                DBOS.run_step({"name": "finish"}, self.runner.finish, job_id, attempt, end)
        finally:
            with self._lock:
                self._active -= 1

    def _reconcile(self) -> None:
        """Queue again what the table holds as waiting and DBOS does not know (its file was lost, or restored)."""
        with self._database.reading() as session:
            rows = repository.list_in_turn(session)
            known = [(row.id, row.attempt) for row in rows if row.dispatched_at is not None]
        lost: list[str] = []
        for job_id, attempt in known:
            status = DBOS.get_workflow_status(f"{job_id}-{attempt}")
            if status is None or status.status not in _LIVE:
                lost.append(job_id)
        if not lost:
            return
        log.warning("queueing jobs again that the queue lost", jobs=lost)
        with self._database.transaction() as session:
            for row in repository.find_jobs(session, lost):
                if row.state in ("queued", "running"):
                    row.state, row.phase, row.owner, row.dispatched_at = "queued", "recovering", None, None
