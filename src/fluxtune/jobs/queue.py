"""The durable queue: the only module that knows DBOS.

A job's row is the truth: it says whose turn it is and who has it. DBOS remembers which steps of a taken job are done,
and after a crash of anything goes on with the first that is not. There are two lanes: of the jobs that need the device
a worker takes one at a time, of those that only talk to other servers many. So nothing waits inside DBOS, whose queues
are polled with several queries each time. The workflow's id is made from the job's id and attempt, and a job that was
taken without getting that far is given back.
"""

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID

from fluxtune.config import Settings
from fluxtune.db import ChangeWatch, Database, open_queue_engine
from fluxtune.jobs import repository
from fluxtune.jobs.repository import Taken
from fluxtune.jobs.runner import Begun, JobRunner
from fluxtune.jobs.schemas import BACKGROUND_KINDS, ROOM
from fluxtune.jobs.tables import JobRow
from fluxtune.jobs.tasks import Task

log = structlog.get_logger(__name__)

# Pinned: the default is a hash of the code, and jobs waiting across an upgrade would never be taken up again.
APPLICATION_VERSION = "1"
# Every restart of the computer in the middle of a long run counts as one.
MAX_RECOVERIES = 10_000
_LIVE = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
# DBOS takes up interrupted workflows within a second or two of its start.
_TAKE_UP_S = 60.0
_LOOK_AROUND_S = 1.0
_BREATH_S = 0.02
# Kinds whose work over the network is written down elsewhere before it happens: hosted images have their ledger.
_WITH_RECORDS = frozenset({"generation"})
# For schedules, which we have none of.
_RARELY_S = 3600.0


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
    """Takes jobs from the table, as many as their lanes have room for, and runs them to their end whatever happens."""

    def __init__(
        self, settings: Settings, database: Database, tasks: Sequence[Task], is_leaving: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._database = database
        self._is_leaving = is_leaving
        self._watch = ChangeWatch(database)
        # By workflow id: what runs in this process, and whether a quiet time begins when it ends.
        self._at_work: dict[str, bool] = {}
        # What this worker has taken and nothing here runs, since when: DBOS is about to take it up.
        self._missing: dict[str, float] = {}
        self._looked_at = self._look_around_at = 0.0
        self._quiet_until = 0.0
        self._holds_back = False
        self._worker_id = ""
        self._lock = threading.Lock()
        self._direct = ThreadPoolExecutor(ROOM["network"], thread_name_prefix="network")
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
            "scheduler_polling_interval_sec": _RARELY_S,
        }
        self._worker_id = worker_id
        self.runner.hello(worker_id)
        DBOS(config=config)
        # Our handlers print what matters; its own would print everything twice.
        logging.getLogger("dbos").handlers.clear()

        @DBOS.workflow(name="run_job", max_recovery_attempts=MAX_RECOVERIES)
        def run_job(job_id: str, attempt: int) -> None:
            self._run(job_id, attempt)

        self._workflow = run_job
        DBOS.launch()
        self._reconcile()

    def stop(self) -> None:
        """Close the queue. A step that still runs is interrupted; the next worker repeats it."""
        self._direct.shutdown(wait=False, cancel_futures=True)
        DBOS.destroy(destroy_registry=True)

    @property
    def active_count(self) -> int:
        """How many jobs run in this process now."""
        with self._lock:
            return len(self._at_work)

    def take_next(self, called: Collection[str] = ()) -> bool:
        """Take the jobs whose turn it is in lanes that have room; return whether any was taken.

        `called` are lanes for which the bell was rung. On the device, what nobody waits for is held back for a while
        after other work: whoever has just made an image makes another.
        """
        not_now = BACKGROUND_KINDS if self._is_quiet() else ()
        lanes = self._room_called(called) or self._look(not_now, is_called=bool(called))
        if not lanes:
            return False
        begun: list[Begun] = []
        others: list[JobRow] = []
        with self._database.transaction() as session:
            for lane, most in lanes.items():
                for row in repository.take_next(session, self._worker_id, lane=lane, most=most, except_kinds=not_now):
                    if row.lane == "network" and row.kind in _WITH_RECORDS:
                        begun.append(self.runner.begin_taken(session, row))
                    else:
                        others.append(row)
        for each in begun:
            self._start_directly(each)
        for row in others:
            self._start(row.id, row.attempt, begins_quiet=row.lane == "device" and row.kind not in BACKGROUND_KINDS)
        return bool(begun or others)

    def _is_quiet(self) -> bool:
        """Return whether work has ended a while ago or is about to: a job is over in its row a moment before here."""
        with self._lock:
            return any(self._at_work.values()) or time.monotonic() < self._quiet_until

    def _room_called(self, called: Collection[str]) -> dict[str, int]:
        """Return the room of the network's lane if just that was called and it surely has some: nothing is asked."""
        if set(called) != {"network"}:
            return {}
        with self._lock:
            room = ROOM["network"] - len(self._at_work) - len(self._missing)
        return {"network": room} if room > 0 else {}

    def _look(self, not_now: Collection[str], *, is_called: bool) -> dict[str, int]:
        """Return the lanes that have both room and jobs that wait, and how much room; ask only if there is news."""
        may_start = self._holds_back and not not_now
        at = time.monotonic()
        is_time = at > self._look_around_at
        # Most changes are of what runs here already, and each look takes the processor from that.
        if self._at_work and at < self._looked_at + _BREATH_S and not is_called:
            return {}
        if not self._watch.has_changed() and not (is_time or may_start or is_called):
            return {}
        self._looked_at = at
        with self._database.reading() as session:
            waiting = repository.list_waiting(session)
            taken = repository.list_taken(session, self._worker_id) if waiting or is_time else []
        if waiting or is_time:
            self._look_around_at = time.monotonic() + _LOOK_AROUND_S
            self._seek_missing(taken)
        self._holds_back = any(kind in not_now for _, kind in waiting)
        used = Counter(job.lane for job in taken)
        room = {lane: ROOM[lane] - used[lane] for lane in ROOM if _has_any(waiting, lane, not_now)}
        return {lane: most for lane, most in room.items() if most > 0}

    def _start(self, job_id: str, attempt: int, *, begins_quiet: bool) -> None:
        workflow_id = _workflow_id(job_id, attempt)
        with self._lock:
            self._at_work[workflow_id] = begins_quiet
        try:
            with SetWorkflowID(workflow_id):
                DBOS.start_workflow(self._workflow, job_id, attempt)
        except Exception:
            with self._lock:
                self._at_work.pop(workflow_id, None)
            raise

    def _start_directly(self, begun: Begun) -> None:
        """Run a job whose task keeps a record of its own for every step that must not be repeated.

        A second one would cost processor time and keep nothing more. What is interrupted is queued again: by the
        next start, which finds it taken and unknown to DBOS, or after a while by `_seek_missing`.
        """
        with self._lock:
            self._at_work[_workflow_id(begun.context.job_id, begun.attempt)] = False
        self._direct.submit(self._run_directly, begun)

    def _run_directly(self, begun: Begun) -> None:
        job_id = begun.context.job_id
        with self._working(_workflow_id(job_id, begun.attempt)):
            try:
                if self._is_leaving():
                    self.runner.give_back([job_id])
                else:
                    self.runner.run_begun(begun)
            except Exception:
                log.exception("job broke; it is queued again", job_id=job_id)
                self.runner.give_back([job_id])

    def _seek_missing(self, taken: Sequence[Taken]) -> None:
        """Let DBOS go on with what was interrupted; what it does not find after a long while is queued again."""
        now = time.monotonic()
        with self._lock:
            idle = {job.job_id for job in taken if _workflow_id(job.job_id, job.attempt) not in self._at_work}
        self._missing = {job_id: self._missing.get(job_id, now) for job_id in idle}
        lost = [job_id for job_id, since in self._missing.items() if now - since > _TAKE_UP_S]
        if lost:
            log.warning("queueing jobs again that nobody runs", jobs=lost)
            self.runner.give_back(lost)

    def _run(self, job_id: str, attempt: int) -> None:
        with self._working(_workflow_id(job_id, attempt)):
            if self._is_leaving():
                # Started in the moment of leaving: end without touching anything.
                self.runner.give_back([job_id])
                return
            # Not a recorded step: after a crash the new owner must take the job up again.
            names = self.runner.begin(job_id, attempt)
            end: dict[str, Any] | None = None
            for name in names:
                end = DBOS.run_step({"name": name}, self.runner.run_step, job_id, name, attempt)
                if end["state"] != "done":
                    break
            if end is not None:
                DBOS.run_step({"name": "finish"}, self.runner.finish, job_id, attempt, end)

    @contextmanager
    def _working(self, workflow_id: str) -> Iterator[None]:
        with self._lock:
            # What DBOS takes up by itself after a restart is not there yet.
            self._at_work.setdefault(workflow_id, True)
        try:
            yield
        finally:
            with self._lock:
                if self._at_work.pop(workflow_id, False):
                    self._quiet_until = time.monotonic() + self._settings.worker.quiet_seconds

    def _reconcile(self) -> None:
        """Give back what was taken and DBOS does not know: the crash came before it did, or its file was lost."""
        with self._database.reading() as session:
            taken = repository.list_taken(session, self._worker_id)
        lost: list[str] = []
        for job in taken:
            status = DBOS.get_workflow_status(_workflow_id(job.job_id, job.attempt))
            if status is None or status.status not in _LIVE:
                lost.append(job.job_id)
        if lost:
            log.warning("queueing jobs again that were taken and not run", jobs=lost)
            self.runner.give_back(lost)


def _workflow_id(job_id: str, attempt: int) -> str:
    return f"{job_id}-{attempt}"


def _has_any(waiting: Collection[tuple[str, str]], lane: str, except_kinds: Collection[str]) -> bool:
    return any(each == lane and kind not in except_kinds for each, kind in waiting)
