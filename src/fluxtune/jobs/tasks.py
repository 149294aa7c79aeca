"""What a worker runs for a job: the task protocol, and what a task gets.

A domain package declares one class per kind of job in its `tasks.py`:

    class FinetuneTask:
        kind: JobKind = "finetune"

        def steps(self) -> Sequence[tuple[str, TaskStep]]:
            return [("prepare", self._prepare), ("train", self._train), ("package", self._package)]

        def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
            return {"model_id": …}

Steps run in order, each at least once: a step that was interrupted is run again from its start after a restart, so it
must be safe to repeat. A step that returns None or `StepEnd("done")` leads to the next; any other end ends the job. A
step that raises `FluxtuneError` fails the job with that error.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sqlalchemy.orm import Session

from fluxtune.core.actor import LOCAL_OWNER, Actor
from fluxtune.core.errors import Problem
from fluxtune.db import Database
from fluxtune.jobs import repository
from fluxtune.jobs.asked import AskedBoard
from fluxtune.jobs.schemas import JobEventType, JobKind
from fluxtune.jobs.service import JobRequest, Wish, record
from fluxtune.jobs.tables import JobRow

PROGRESS_INTERVAL_S = 0.1
# Events that come in long rows, and what in them tells how far the row is.
_FREQUENT: dict[JobEventType, tuple[str, str]] = {"job.progressed": ("step", "steps"), "job.phase": ("done", "total")}


@dataclass(frozen=True)
class StepEnd:
    """How a step ended. `handed_back`: the worker is leaving, the next one goes on with this very step."""

    state: Literal["done", "paused", "cancelled", "failed", "handed_back"]
    data: dict[str, Any] = field(default_factory=dict)
    error: Problem | None = None


class JobContext:
    """A job as its task sees it: transactions, events out, requests in."""

    def __init__(
        self,
        database: Database,
        *,
        job_id: str,
        target_id: str,
        payload: dict[str, Any],
        is_leaving: Callable[[], bool] = lambda: False,
        attempt: int | None = None,
        actor: Actor = LOCAL_OWNER,
        asked: AskedBoard | None = None,
    ) -> None:
        """Describe a job; `attempt` is the one this is, whose events count until another worker takes the job over.

        `asked` is where the jobs of a process look together for what is asked of them.
        """
        self.job_id = job_id
        self.target_id = target_id
        self.payload = payload
        self.actor = actor
        self._database = database
        self._attempt = attempt
        self._is_leaving = is_leaving
        self._progress_at = 0.0
        self._asked = asked or AskedBoard(database)

    def transaction(self, *, durable: bool = False) -> AbstractContextManager[Session]:
        """Open a session that is committed when the block ends well. Keep it short: nobody else writes meanwhile.

        `durable`: what is committed survives a power cut too.
        """
        return self._database.transaction(durable=durable)

    def reading(self) -> AbstractContextManager[Session]:
        """Open a session that only reads."""
        return self._database.reading()

    def emit(self, session: Session, event_type: JobEventType, data: dict[str, Any]) -> None:
        """Append an event, and keep the job's own phase, step and remaining time in line with it.

        Progress is passed on at most ten times a second; the first and the last always are.
        """
        # The row before the lock on events, as everywhere: two in the opposite order would wait for each other.
        row = repository.find_job(session, self.job_id, lock=True)
        if row is None or self._is_taken_over(row):
            return
        if self._is_too_soon(event_type, data):
            return
        if event_type in _FREQUENT:
            self._progress_at = time.monotonic()
        if event_type == "job.progressed":
            row.step = int(data.get("step", row.step))
            row.steps = int(data.get("steps", row.steps))
            row.eta_s = data.get("eta_s")
        elif event_type == "job.phase":
            row.phase = str(data.get("phase", ""))
        record(session, row, event_type, data)

    def tell(self, event_type: JobEventType, data: dict[str, Any]) -> None:
        """Append one event in a transaction of its own."""
        if self._is_too_soon(event_type, data):
            return
        with self.transaction() as session:
            self.emit(session, event_type, data)

    def _is_too_soon(self, event_type: JobEventType, data: dict[str, Any]) -> bool:
        """Return whether the event is one of many alike, and the last of them was a moment ago."""
        if event_type not in _FREQUENT:
            return False
        done, total = (data.get(name) for name in _FREQUENT[event_type])
        is_in_between = bool(done) and bool(total) and done != total
        return is_in_between and time.monotonic() - self._progress_at < PROGRESS_INTERVAL_S

    def request(self) -> JobRequest | None:
        """Return what the user asks of this job and it has not obeyed yet. Cheap enough for every step."""
        asked = self._asked.look(self.job_id)
        return asked.request if asked is not None else "cancel"  # type: ignore[return-value]

    def wishes(self) -> Sequence[Wish]:
        """Return what the user wants besides, and what has not been passed on yet. As cheap."""
        asked = self._asked.look(self.job_id)
        return list(asked.wishes) if asked is not None else []  # type: ignore[arg-type]

    def passed_on(self, wishes: Sequence[Wish]) -> None:
        """Forget wishes that have reached the run."""
        with self.transaction() as session:
            row = repository.find_job(session, self.job_id)
            if row is not None:
                row.wishes = [wish for wish in row.wishes if wish not in wishes]
        self._asked.forget(self.job_id)

    def is_leaving(self) -> bool:
        """Return whether to save what there is and end the step as `handed_back`.

        The worker is shutting down, or was silent for so long that another one has taken the job over.
        """
        if self._is_leaving():
            return True
        asked = self._asked.look(self.job_id)
        return asked is not None and self._attempt is not None and asked.attempt != self._attempt

    def _is_taken_over(self, row: JobRow) -> bool:
        return self._attempt is not None and row.attempt != self._attempt


TaskStep = Callable[[JobContext], StepEnd | None]


class Task(Protocol):
    """What a worker does for one kind of job."""

    kind: JobKind

    def steps(self) -> Sequence[tuple[str, TaskStep]]:
        """Return the named steps, in order."""
        ...

    def finish(self, session: Session, job: JobContext, end: StepEnd) -> dict[str, Any]:
        """Store how the job ended, in the transaction that ends it; return what its last event should carry."""
        ...
