"""Brings the lines of one ledger target to their end: sends what was not sent, asks, fetches, hands over.

One thread a line, at most as many as the account may have unfinished tasks. Every change of a line is committed before
the next thing happens, so that a process may be killed between any two of them; `ledger.take_up` says what then.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from sqlalchemy.orm import Session

from fluxtune.backends.base import RunEnd, Steering
from fluxtune.backends.bfl.answers import TaskState
from fluxtune.backends.bfl.client import BflClient, LinkExpired
from fluxtune.backends.bfl.endpoints import ACTIVE_TASKS, Endpoint
from fluxtune.backends.bfl.errors import (
    AcceptanceUnknown,
    DeliveryFailed,
    HostedDown,
    HostUnreachable,
    TaskUnfinished,
    TooManyTasks,
)
from fluxtune.backends.bfl.pace import Pace
from fluxtune.core.clock import now
from fluxtune.core.errors import FileRefused, FluxtuneError, Problem
from fluxtune.hosted import ledger
from fluxtune.hosted.tables import LedgerRow

log = structlog.get_logger(__name__)

FETCH_TRIES = 4
SENDING_AT_ONCE = 6
"""Requests under way whose answer has not come: as many as a crash could leave unknown."""
_STEP_S = 0.1
_LOST_AFTER_S = 20.0
"""A task just accepted may not be known everywhere at once."""
_MOST_BACK_OFF_S = 15.0
PACE = Pace()
"""What this process has learned of how long images take."""


class Delivery(Protocol):
    """Where images go."""

    def body_of(self, slot: int) -> Mapping[str, Any]:
        """Return the request of an image."""
        ...

    def progressed(self, slot: int, fraction: float | None, status: str) -> None:
        """Tell how far an image is."""
        ...

    def deliver(self, line_id: str, slot: int, content: bytes, state: TaskState) -> None:
        """Keep an image, and in the same transaction mark its line as delivered. Raise FileRefused for a broken one."""
        ...


@dataclass(frozen=True)
class Limits:
    """How long to be patient, in seconds."""

    deadline_s: float
    patience_s: float


@dataclass
class _Course:
    """What the threads of one run share."""

    is_stopped: threading.Event = field(default_factory=threading.Event)
    is_leaving: threading.Event = field(default_factory=threading.Event)
    problems: dict[int, Problem] = field(default_factory=dict)
    sending: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(SENDING_AT_ONCE))


class _Stopped(Exception):
    """The user has cancelled, or the worker leaves; whatever is committed stays."""


class HostedRunner:
    """Runs lines of one endpoint with one client."""

    def __init__(
        self,
        client: BflClient,
        endpoint: Endpoint,
        transaction: Callable[[], AbstractContextManager[Session]],
        limits: Limits,
        pace: Pace = PACE,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._transaction = transaction
        self._limits = limits
        self._pace = pace

    def run(self, lines: Sequence[LedgerRow], delivery: Delivery, steering: Steering) -> RunEnd:
        """Bring all lines to an end. After a cancel nothing more is sent; what was sent is paid, so it is fetched."""
        course = _Course()
        width = max(1, min(self._endpoint.active_tasks, ACTIVE_TASKS, len(lines)))
        with ThreadPoolExecutor(width, thread_name_prefix="hosted") as pool:
            # What is made already comes first: its link expires.
            order = sorted(lines, key=lambda row: (row.state == "reserved", row.slot))
            waiting = [pool.submit(self._bring, row, delivery, course) for row in order]
            while not all(each.done() for each in waiting):
                if steering.is_leaving():
                    course.is_leaving.set()
                    course.is_stopped.set()
                elif not course.is_stopped.is_set() and steering.request() in ("cancel", "stop"):
                    course.is_stopped.set()
                wait(waiting, timeout=_STEP_S / 2)
        for each in waiting:
            each.result()
        return self._end(lines, course)

    def _end(self, lines: Sequence[LedgerRow], course: _Course) -> RunEnd:
        if course.is_leaving.is_set():
            return RunEnd("handed_back")
        if course.is_stopped.is_set():
            return RunEnd("cancelled")
        if course.problems:
            return RunEnd("failed", error=_summary(course.problems, len(lines)))
        return RunEnd("succeeded")

    def _bring(self, row: LedgerRow, delivery: Delivery, course: _Course) -> None:
        """Bring one line to its end; whatever goes wrong is in the ledger before it is told."""
        try:
            if row.state == "reserved":
                row = self._send(row, delivery, course)
                self._sleep(self._pace.first_wait(self._endpoint.name, self._endpoint.typical_s), course)
            state = self._wait(row, delivery, course)
            self._fetch(row, state, delivery, course)
        except _Stopped:
            return
        except FluxtuneError as error:
            log.warning("no hosted image", line=row.id, error=str(error), technical=error.technical)
            course.problems[row.slot] = error.problem()

    def _send(self, row: LedgerRow, delivery: Delivery, course: _Course) -> LedgerRow:
        body = delivery.body_of(row.slot)
        until = time.monotonic() + self._limits.patience_s
        back_off = 0.5
        while True:
            try:
                with course.sending:
                    self._wait_for_place(row, course)
                    accepted = self._client.submit(self._endpoint.path, body)
                    with self._transaction() as session:
                        ledger.was_accepted(session, row.id, accepted)
                        return ledger.get_line(session, row.id)
            except AcceptanceUnknown as error:
                self._lose(row, error.problem())
                raise
            except (TooManyTasks, HostUnreachable) as error:
                self._put_back(row)
                # Other programs may use the account for long; an address nobody answers at is not waited for.
                if isinstance(error, HostUnreachable) and time.monotonic() + back_off > until:
                    self._fail(row, error.problem(), was_charged=False)
                    raise
                self._sleep(back_off, course, is_sent=False)
                back_off = min(back_off * 2, _MOST_BACK_OFF_S)
            except FluxtuneError as error:
                self._fail(row, error.problem(), was_charged=False)
                raise

    def _wait_for_place(self, row: LedgerRow, course: _Course) -> None:
        """Return once the line is committed as leaving."""
        pause = 0.02
        while True:
            if course.is_stopped.is_set():
                raise _Stopped
            try:
                with self._transaction() as session:
                    if ledger.may_send(session, row.id, self._endpoint):
                        return
            except ledger.LineSent as error:
                # The user has cancelled this moment.
                course.is_stopped.set()
                raise _Stopped from error
            self._sleep(pause, course, is_sent=False)
            pause = min(pause * 2, 1.0)

    def _put_back(self, row: LedgerRow) -> None:
        with self._transaction() as session:
            ledger.was_not_sent(session, row.id)

    def _wait(self, row: LedgerRow, delivery: Delivery, course: _Course) -> TaskState:
        """Ask until the task has ended. Raises what it ended with; an image that is owed stays in the ledger."""
        begun = time.monotonic()
        sent_ago = (now() - row.sent_at).total_seconds() if row.sent_at is not None else 0.0
        looks = 0
        last = "It was not asked for yet."
        while True:
            waited = time.monotonic() - begun
            looks += 1
            try:
                state = self._client.look(row.task_id or "", row.polling_url)
            except (HostedDown, HostUnreachable, TooManyTasks) as error:
                state, last = None, str(error)
            except FluxtuneError as error:
                self._note(row, error.problem())
                raise
            if state is not None and state.kind == "ready":
                self._pace.took(self._endpoint.name, max(sent_ago, 0.0) + waited, at_first_look=looks == 1)
                with self._transaction() as session:
                    ledger.is_ready(session, row.id, state.cost)
                return state
            if state is not None:
                last = f"BFL says: {state.status}."
                if state.error is not None and state.kind == "failed":
                    self._fail(row, state.error.problem(), was_charged=True, cost=state.cost)
                    raise state.error
                if state.error is not None and sent_ago + waited > _LOST_AFTER_S:
                    self._lose(row, state.error.problem())
                    raise state.error
                delivery.progressed(row.slot, state.progress, state.status)
            if waited > self._limits.deadline_s:
                late = TaskUnfinished(f"{last} It was asked for {waited:.0f} s.")
                self._note(row, late.problem())
                raise late
            self._sleep(self._pace.next_wait(waited), course)

    def _fetch(self, row: LedgerRow, state: TaskState, delivery: Delivery, course: _Course) -> None:
        """Fetch and hand over; a broken or expired image is asked for again while that can help."""
        for attempt in range(1, FETCH_TRIES + 1):
            try:
                content = self._client.fetch(state.sample or "")
                delivery.deliver(row.id, row.slot, content, state)
                return
            except (DeliveryFailed, FileRefused) as error:
                failed = (
                    error
                    if isinstance(error, DeliveryFailed)
                    else DeliveryFailed(f"{error.title}: {error.detail}", technical=error.technical)
                )
                self._note(row, failed.problem())
                if attempt == FETCH_TRIES:
                    raise failed from error
                self._sleep(0.2 * 4 ** (attempt - 1), course)
                if isinstance(error, LinkExpired):
                    state = self._fresh(row, state)

    def _fresh(self, row: LedgerRow, state: TaskState) -> TaskState:
        """Ask once more: the answer may hold a new link."""
        try:
            asked = self._client.look(row.task_id or "", row.polling_url)
        except FluxtuneError:
            return state
        return asked if asked.kind == "ready" else state

    def _fail(self, row: LedgerRow, problem: Problem, *, was_charged: bool, cost: float | None = None) -> None:
        with self._transaction() as session:
            ledger.set_failed(session, row.id, problem, was_charged=was_charged, cost=cost)

    def _lose(self, row: LedgerRow, problem: Problem) -> None:
        with self._transaction() as session:
            ledger.set_unknown(ledger.get_line(session, row.id), problem)

    def _note(self, row: LedgerRow, problem: Problem) -> None:
        with self._transaction() as session:
            ledger.note(session, row.id, problem)

    def _sleep(self, seconds: float, course: _Course, *, is_sent: bool = True) -> None:
        """Wait; end early when the worker leaves, or when nothing was sent and the user cancels."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if course.is_leaving.is_set() or (not is_sent and course.is_stopped.is_set()):
                raise _Stopped
            time.sleep(min(left, _STEP_S))


def _summary(problems: Mapping[int, Problem], count: int) -> Problem:
    """Return one problem for all: the first of them, with how many images it is about."""
    first = problems[min(problems)]
    if count == 1:
        return first
    titles = sorted({problem.title for problem in problems.values()})
    others = f" Also: {', '.join(title for title in titles if title != first.title)}." if len(titles) > 1 else ""
    detail = f"{len(problems)} of {count} images did not come. {first.detail}{others}"
    return first.model_copy(update={"detail": detail})
