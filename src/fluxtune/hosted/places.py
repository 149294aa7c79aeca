"""Who may send next: gives the places an account has for unfinished tasks to paid requests, in the order they asked.

One for all generations of a process. A request that waits takes no thread and asks nothing of the database; whenever a
place may be free, one short transaction lets as many leave as there is room for, across all processes.
"""

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import structlog
from sqlalchemy.orm import Session

from fluxtune.hosted import ledger

log = structlog.get_logger(__name__)

SENDING_AT_ONCE = 6
"""Requests under way whose answer has not come: as many as a crash could leave unknown."""
LOOK_AGAIN_S = 0.25
"""Another process, or another program, may have freed a place."""
_GIVE_WAY_S = 0.1
_PATIENCE_SHARE = 0.25
_MOST_PATIENCE_S = 1.0
"""What is made of images gives way for a quarter of the time at most, and a second at once: with many people at work
something leaves all the time, and images that came would wait for ever."""
_MOST_THREADS = 256
"""More than a few accounts can have unfinished; threads are made as they are needed."""


@dataclass(eq=False)
class Ticket:
    """One paid request that wants to leave. `go` runs in a thread of its own as soon as its line says so.

    `refuse` is called instead when it can't leave at all.
    """

    line_id: str
    account: str
    endpoint: str
    go: Callable[[], None]
    refuse: Callable[[BaseException], None]

    @property
    def group(self) -> tuple[str, str]:
        """What has limits of its own: an account's endpoint."""
        return self.account, self.endpoint


@dataclass
class Turn:
    """So many requests may leave at once; `granted` are those whose lines say that they do."""

    most: int
    granted: frozenset[str] = field(default_factory=frozenset)


class Places:
    """Gives places in turn. `transaction` opens a durable one on the ledger."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Session]]) -> None:
        self._transaction = transaction
        self._changed = threading.Condition()
        self._waiting: deque[Ticket] = deque()
        self._sending = 0
        self._not_before: dict[tuple[str, str], float] = {}
        self._freed_at: dict[str, float] = {}
        self._thread: threading.Thread | None = None
        # Whether a place was freed and nobody has it yet, though somebody waits.
        self._is_due = False
        self._patience_s, self._patient_at = _MOST_PATIENCE_S, time.monotonic()
        self._makers = threading.Semaphore(max(1, (os.cpu_count() or 2) // 2))
        self._carriers = ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="hosted")

    def carry(self, work: Callable[[], None]) -> None:
        """Run something in a thread of its own: asking for, and fetching, what has left before."""
        self._carriers.submit(work)

    def ask(self, *tickets: Ticket, first: bool = False) -> None:
        """Let requests leave when it is their turn; `first` is for one that has had its turn and was sent back."""
        with self._changed:
            if first:
                self._waiting.extendleft(reversed(tickets))
            else:
                self._waiting.extend(tickets)
            if self._thread is None:
                self._thread = threading.Thread(target=self._give, name="hosted places", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    @contextmanager
    def turn(self, group: tuple[str, str], count: int) -> Iterator[Turn]:
        """Let up to `count` requests leave at once if nobody waits: without asking the ledger a second time.

        Commit within the block what `ledger.let_rows_leave` says. Of what was granted each must be `answered`; the rest
        has to ask.
        """
        with self._changed:
            is_free = not self._waiting and self._not_before.get(group, 0.0) <= time.monotonic()
            turn = Turn(max(0, min(count, SENDING_AT_ONCE - self._sending)) if is_free else 0)
            self._sending += turn.most
        held = turn.most
        try:
            yield turn
            held -= len(turn.granted)
        finally:
            with self._changed:
                self._sending -= held
                self._changed.notify_all()

    @contextmanager
    def making(self) -> Iterator[None]:
        """Hold while something is made of an image.

        24 that come at once must not hold up what is to be sent: only some are worked on at once, and none is begun
        while a request is about to leave.
        """
        with self._makers:
            self._give_way()
            yield

    def _give_way(self) -> None:
        """Wait while a request is about to leave; where requests never cease, for a share of the time only."""
        with self._changed:
            begun = time.monotonic()
            self._patience_s = min(_MOST_PATIENCE_S, self._patience_s + _PATIENCE_SHARE * (begun - self._patient_at))
            self._changed.wait_for(
                lambda: not (self._is_due or self._sending), min(_GIVE_WAY_S, max(0.0, self._patience_s))
            )
            self._patient_at = time.monotonic()
            self._patience_s -= self._patient_at - begun

    def is_wanted(self, account: str) -> bool:
        """Return whether anybody waits for a place of an account."""
        with self._changed:
            return any(ticket.account == account for ticket in self._waiting)

    def withdraw(self, tickets: Collection[Ticket]) -> list[Ticket]:
        """Take back what waits; return it. The rest has left, or is being asked about: withdraw it again soon."""
        wanted = set(tickets)
        with self._changed:
            taken = [ticket for ticket in self._waiting if ticket in wanted]
            self._remove(taken)
        return taken

    def answered(self) -> None:
        """Say that the answer to a request has come, or never will."""
        with self._changed:
            self._sending -= 1
            self._changed.notify_all()

    def freed(self, account: str) -> None:
        """Say that a task of an account has ended, so that there is a place."""
        with self._changed:
            self._freed_at[account] = time.monotonic()
            self._is_due = self._is_due or any(ticket.account == account for ticket in self._waiting)
            self._not_before = {group: until for group, until in self._not_before.items() if group[0] != account}
            self._changed.notify_all()

    def pause(self, group: tuple[str, str], seconds: float) -> None:
        """Send nothing to an account's endpoint for a while, unless one of the account's tasks ends before."""
        with self._changed:
            self._not_before[group] = time.monotonic() + seconds

    def _give(self) -> None:
        while True:
            chosen, room = self._choose()
            if not chosen:
                return
            asked_at = time.monotonic()
            try:
                with self._transaction() as session:
                    leave = ledger.let_leave(session, [ticket.line_id for ticket in chosen], room)
            except Exception as error:
                log.warning("requests can't leave", error=str(error))
                for ticket in chosen:
                    ticket.refuse(error)
            else:
                self._send_off(chosen, leave, asked_at)

    def _choose(self) -> tuple[list[Ticket], int]:
        """Wait until something may leave; take it out of the queue. Nothing: nobody waits any more.

        The second is how many of them may leave. There are more, because an endpoint may have no room left.
        """
        with self._changed:
            while self._waiting:
                at, room = time.monotonic(), SENDING_AT_ONCE - self._sending
                chosen: list[Ticket] = []
                counts: Counter[tuple[str, str]] = Counter()
                for ticket in self._waiting if room > 0 else ():
                    if counts[ticket.group] < room and self._not_before.get(ticket.group, 0.0) <= at:
                        counts[ticket.group] += 1
                        chosen.append(ticket)
                if chosen:
                    self._remove(chosen)
                    return chosen, room
                if room > 0:
                    self._be_calm()
                times = [until - at for until in self._not_before.values() if until > at]
                self._changed.wait(min(times, default=LOOK_AGAIN_S) if room > 0 else None)
            self._thread = None
            self._be_calm()
            return [], 0

    def _be_calm(self) -> None:
        """Let what gives way to requests go on: none of them can leave now."""
        if self._is_due:
            self._is_due = False
            self._changed.notify_all()

    def _send_off(self, chosen: Sequence[Ticket], leave: ledger.Leave, asked_at: float) -> None:
        """Start what may leave, and put back what may not yet."""
        late = [ticket for ticket in chosen if ticket.line_id not in leave.granted | leave.gone]
        with self._changed:
            self._sending += len(leave.granted)
            self._waiting.extendleft(reversed(late))
            self._be_calm()
            for ticket in late:
                # Another process, or another program, may free a place without telling. What was freed here since
                # the ledger was asked counts at once.
                if ticket.line_id in leave.full and self._freed_at.get(ticket.account, 0.0) < asked_at:
                    self._not_before[ticket.group] = asked_at + LOOK_AGAIN_S
        for ticket in chosen:
            if ticket.line_id in leave.granted:
                self._carriers.submit(ticket.go)
            elif ticket.line_id in leave.gone:
                ticket.refuse(ledger.LineSent("It was cancelled, or sent before."))

    def _remove(self, tickets: Collection[Ticket]) -> None:
        gone = set(tickets)
        self._waiting = deque(ticket for ticket in self._waiting if ticket not in gone)
