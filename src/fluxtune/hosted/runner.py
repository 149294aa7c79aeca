"""Brings the lines of one ledger target to their end: sends what was not sent, asks, fetches, hands over.

A line takes a thread from the moment it leaves. Every change of it is committed before the next thing happens, so that
a process may be killed between any two of them; `ledger.take_up` says what then.
"""

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import structlog
from sqlalchemy.orm import Session

from fluxtune.backends.base import RunEnd, Steering
from fluxtune.backends.bfl.answers import TaskState
from fluxtune.backends.bfl.client import BflClient, LinkExpired
from fluxtune.backends.bfl.endpoints import Endpoint
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
from fluxtune.hosted.hooks import News
from fluxtune.hosted.places import Places, Ticket
from fluxtune.hosted.tables import LedgerRow

log = structlog.get_logger(__name__)

FETCH_TRIES = 4
_LOOK_AT_WISHES_S = 0.05
_LOST_AFTER_S = 20.0
"""A task just accepted may not be known everywhere at once."""
FIRST_BACK_OFF_S = 0.5
_MOST_BACK_OFF_S = 15.0
SAY_WAITING_AFTER_S = 0.5
DRAWING, WAITING = "generating", "waiting for a free place"
PACE = Pace()
"""What this process has learned of how long images take."""


class Delivery(Protocol):
    """Where images go."""

    def body_of(self, slot: int) -> Mapping[str, Any]:
        """Return the request of an image."""
        ...

    def standing(self, phase: str) -> None:
        """Tell what the images as a whole are waiting for."""
        ...

    def keep(self, content: bytes) -> None:
        """Keep the bytes of an image, safe from a power cut. Raise FileRefused for what starts like none."""
        ...

    def deliver(self, line_id: str, slot: int, content: bytes, state: TaskState) -> None:
        """Show an image that is kept, and in the same transaction mark its line as delivered.

        Raise FileRefused for a broken one.
        """
        ...


class Transaction(Protocol):
    """Opens a session that is committed when its block ends well."""

    def __call__(self, *, durable: bool = False) -> AbstractContextManager[Session]:
        """Open it; what is durable survives a power cut."""
        ...


@dataclass(frozen=True)
class Limits:
    """How long to be patient, in seconds."""

    deadline_s: float
    patience_s: float


@dataclass(eq=False)
class _Line:
    """One line on its way. `wake` ends its sleep."""

    row: LedgerRow
    body: Mapping[str, Any]
    done: "Future[None]" = field(default_factory=Future)
    wake: threading.Event = field(default_factory=threading.Event)
    was_woken: bool = False
    ticket: Ticket | None = None
    patient_until: float | None = None
    has_left: bool = False
    is_told_ready: bool = False
    back_off_s: float = field(default_factory=lambda: FIRST_BACK_OFF_S)


@dataclass
class _Course:
    """What the lines of one run share."""

    delivery: Delivery
    is_stopped: threading.Event = field(default_factory=threading.Event)
    is_leaving: threading.Event = field(default_factory=threading.Event)
    problems: dict[int, Problem] = field(default_factory=dict)


class _Stopped(Exception):
    """The worker leaves; whatever is committed stays."""


class HostedRunner:
    """Runs lines of one endpoint with one client."""

    def __init__(
        self,
        client: BflClient,
        endpoint: Endpoint,
        transaction: Transaction,
        places: Places,
        limits: Limits,
        news: News | None = None,
        pace: Pace = PACE,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._transaction = transaction
        self._places = places
        self._limits = limits
        self._news = news
        self._pace = pace

    def run(
        self, rows: Sequence[LedgerRow], delivery: Delivery, steering: Steering, leaving: Collection[str] = ()
    ) -> RunEnd:
        """Bring all lines to an end. After a cancel nothing more is sent; what was sent is paid, so it is fetched.

        `leaving` are those that a `Places.turn` has let leave already.
        """
        course = _Course(delivery)
        lines = [_Line(row, self._body(row, delivery)) for row in rows]
        self._start(lines, course, leaving)
        # What is made at once is not told about.
        begun, phase = time.monotonic(), ""
        ends = [line.done for line in lines]
        while wait(ends, timeout=_LOOK_AT_WISHES_S).not_done:
            if steering.is_leaving():
                course.is_leaving.set()
                course.is_stopped.set()
                for line in lines:
                    line.wake.set()
            elif not course.is_stopped.is_set() and steering.request() in ("cancel", "stop"):
                course.is_stopped.set()
            if course.is_stopped.is_set():
                self._withdraw(lines)
            self._wake(lines)
            has_left = any(line.has_left for line in lines)
            if has_left or time.monotonic() - begun > SAY_WAITING_AFTER_S:
                phase, before = DRAWING if has_left else WAITING, phase
                if phase != before:
                    delivery.standing(phase)
        for end in ends:
            end.result()
        return self._end(lines, course)

    def _body(self, row: LedgerRow, delivery: Delivery) -> Mapping[str, Any]:
        if row.state != "reserved":
            return {}
        more = self._news.fields_of(row.id) if self._news is not None and self._endpoint.takes_webhook else {}
        return {**delivery.body_of(row.slot), **more}

    def _wake(self, lines: Sequence[_Line]) -> None:
        """Let lines that a webhook was about ask at once, each once."""
        told = self._news.told() if self._news is not None else ()
        for line in lines:
            if line.row.id in told and not line.was_woken:
                line.was_woken = True
                line.wake.set()

    def _start(self, lines: Sequence[_Line], course: _Course, leaving: Collection[str]) -> None:
        """What is made already comes first: its link expires."""
        asking: list[Ticket] = []
        for line in lines:
            if line.row.state == "reserved":
                line.ticket = self._ticket(line, course)
            if line.row.state != "reserved" or line.row.id in leaving:
                self._places.carry(partial(self._bring, line, course))
            elif line.ticket is not None:
                asking.append(line.ticket)
        if asking:
            self._places.ask(*asking)

    def _ticket(self, line: _Line, course: _Course) -> Ticket:
        def refuse(error: BaseException) -> None:
            # The user has cancelled this moment; the loop above sees to the rest.
            if isinstance(error, ledger.LineSent):
                course.is_stopped.set()
                line.done.set_result(None)
            else:
                line.done.set_exception(error)

        row = line.row
        return Ticket(row.id, row.key_name, row.endpoint, partial(self._bring, line, course), refuse)

    def _withdraw(self, lines: Sequence[_Line]) -> None:
        tickets = {line.ticket: line for line in lines if line.ticket is not None}
        for ticket in self._places.withdraw(tickets):
            tickets[ticket].done.set_result(None)

    def _end(self, lines: Sequence[_Line], course: _Course) -> RunEnd:
        if course.is_leaving.is_set():
            return RunEnd("handed_back")
        if course.is_stopped.is_set():
            return RunEnd("cancelled")
        if course.problems:
            return RunEnd("failed", error=_summary(course.problems, len(lines)))
        return RunEnd("succeeded")

    def _bring(self, line: _Line, course: _Course) -> None:
        """Bring one line to its end; whatever goes wrong is in the ledger before it is told."""
        try:
            line.has_left = True
            if line.row.state == "reserved":
                if not self._send(line):
                    line.has_left = False
                    return
                self._sleep(line, self._pace.first_wait(self._endpoint.name, self._endpoint.typical_s), course)
            state = self._wait(line, course)
            self._fetch(line, state, course)
        except _Stopped:
            pass
        except FluxtuneError as error:
            log.warning("no hosted image", line=line.row.id, error=str(error), technical=error.technical)
            course.problems[line.row.slot] = error.problem()
        except BaseException as error:
            line.done.set_exception(error)
            return
        line.done.set_result(None)

    def _send(self, line: _Line) -> bool:
        """Send a line that may leave; False: it was surely not accepted, and waits for another turn."""
        row = line.row
        if line.patient_until is None:
            line.patient_until = time.monotonic() + self._limits.patience_s
        try:
            row.sent_at = row.sent_at or now()  # as the ledger says; it was asked in another transaction
            accepted = self._client.submit(self._endpoint.path, line.body)
            with self._transaction(durable=True) as session:
                ledger.was_accepted(session, row, accepted)
            return True
        except AcceptanceUnknown as error:
            with self._transaction(durable=True) as session:
                line.row = ledger.get_line(session, row.id)
                is_lost = ledger.lose_answer(line.row, error.problem())
            if is_lost:
                raise
            return True
        except (TooManyTasks, HostUnreachable) as error:
            # Other programs may use the account for long; an address nobody answers at is not waited for.
            if isinstance(error, HostUnreachable) and time.monotonic() + line.back_off_s > line.patient_until:
                self._fail(row, error.problem(), was_charged=False)
                raise
            self._send_later(line)
            return False
        except FluxtuneError as error:
            self._fail(row, error.problem(), was_charged=False)
            raise
        finally:
            self._places.answered()

    def _send_later(self, line: _Line) -> None:
        with self._transaction() as session:
            ledger.was_not_sent(session, line.row.id)
        line.row.sent_at = None
        assert line.ticket is not None  # noqa: S101 - it was given a place
        self._places.pause(line.ticket.group, line.back_off_s)
        line.back_off_s = min(line.back_off_s * 2, _MOST_BACK_OFF_S)
        self._places.ask(line.ticket, first=True)

    def _wait(self, line: _Line, course: _Course) -> TaskState:
        """Ask until the task has ended. Raises what it ended with; an image that is owed stays in the ledger."""
        row = line.row
        begun = time.monotonic()
        # A clock may have been set since.
        sent_ago = max((now() - row.sent_at).total_seconds(), 0.0) if row.sent_at is not None else 0.0
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
                self._pace.took(self._endpoint.name, sent_ago + waited, at_first_look=looks == 1)
                if self._places.is_wanted(row.key_name):
                    self._tell_ready(line, state)
                return state
            if state is not None:
                last = f"BFL says: {state.status}."
                if state.error is not None and state.kind == "failed":
                    self._fail(row, state.error.problem(), was_charged=True, cost=state.cost)
                    raise state.error
                if state.error is not None and sent_ago + waited > _LOST_AFTER_S:
                    self._lose(row, state.error.problem())
                    raise state.error
            if waited > self._limits.deadline_s:
                late = TaskUnfinished(f"{last} It was asked for {waited:.0f} s.")
                self._note(row, late.problem())
                raise late
            self._sleep(line, self._pace.next_wait(sent_ago + waited, self._endpoint.name), course)

    def _tell_ready(self, line: _Line, state: TaskState) -> None:
        """Note that a task has ended, once: before its image is fetched if somebody waits for the place, else after."""
        if line.is_told_ready:
            return
        line.is_told_ready = True
        with self._transaction() as session:
            ledger.is_ready(session, line.row, state.cost)
        self._places.freed(line.row.key_name)

    def _fetch(self, line: _Line, state: TaskState, course: _Course) -> None:
        """Fetch and hand over; a broken or expired image is asked for again while that can help."""
        row = line.row
        for attempt in range(1, FETCH_TRIES + 1):
            try:
                try:
                    content = self._client.fetch(state.sample or "")
                    course.delivery.keep(content)
                finally:
                    self._tell_ready(line, state)
                course.delivery.deliver(row.id, row.slot, content, state)
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
                self._sleep(line, 0.2 * 4 ** (attempt - 1), course)
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
        self._places.freed(row.key_name)

    def _lose(self, row: LedgerRow, problem: Problem) -> None:
        with self._transaction() as session:
            ledger.set_unknown(ledger.get_line(session, row.id), problem)

    def _note(self, row: LedgerRow, problem: Problem) -> None:
        with self._transaction() as session:
            ledger.note(session, row.id, problem)

    def _sleep(self, line: _Line, seconds: float, course: _Course) -> None:
        """Wait; end early when there is news of the line. Raises _Stopped when the worker leaves."""
        if seconds > 0:
            line.wake.wait(seconds)
        if course.is_leaving.is_set():
            raise _Stopped
        line.wake.clear()


def _summary(problems: Mapping[int, Problem], count: int) -> Problem:
    """Return one problem for all: the first of them, with how many images it is about."""
    first = problems[min(problems)]
    if count == 1:
        return first
    titles = sorted({problem.title for problem in problems.values()})
    others = f" Also: {', '.join(title for title in titles if title != first.title)}." if len(titles) > 1 else ""
    detail = f"{len(problems)} of {count} images did not come. {first.detail}{others}"
    return first.model_copy(update={"detail": detail})
