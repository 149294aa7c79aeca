"""Live events: one look at the table per process, shared by everyone who listens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from contextvars import Context

import structlog

from fluxtune.core.actor import Actor, acting
from fluxtune.db import ChangeWatch, Database
from fluxtune.jobs import service
from fluxtune.jobs.audiences import hear
from fluxtune.jobs.schemas import HeardEvent, JobEvent

_BATCH = 500
# A listener that falls this far behind is cut off; it reconnects and resumes from the table.
_QUEUE_LENGTH = 2_000

log = structlog.get_logger(__name__)


class Subscription:
    """New events as one listener gets them: those of what they may see."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._queue: asyncio.Queue[JobEvent | None] = asyncio.Queue(_QUEUE_LENGTH)
        self.is_over = False

    def offer(self, heard: HeardEvent) -> None:
        """Put an event, or cut the listener off if it does not keep up."""
        if not may_hear(heard, self.actor):
            return
        try:
            self._queue.put_nowait(heard.event)
        except asyncio.QueueFull:
            self.is_over = True

    def end(self) -> None:
        """End the stream now."""
        self.is_over = True
        with suppress(asyncio.QueueFull):
            self._queue.put_nowait(None)

    async def next(self, timeout_s: float) -> JobEvent | None:
        """Return the next event, or None if none came in time."""
        try:
            return await asyncio.wait_for(self._queue.get(), timeout_s)
        except TimeoutError:
            return None


def may_hear(heard: HeardEvent, actor: Actor) -> bool:
    """Return whether somebody may hear of an event. Nobody but administrators may where that was not looked up."""
    return actor.is_administrator or (heard.audience is not None and heard.audience.admits(actor))


class EventTail:
    """Follows the event table while anyone listens."""

    def __init__(self, database: Database, poll_seconds: float) -> None:
        self._database = database
        self._poll_seconds = poll_seconds
        self._watch = ChangeWatch(database)
        self._subscriptions: set[Subscription] = set()
        self._task: asyncio.Task[None] | None = None
        self._last_id = 0

    @property
    def listener_count(self) -> int:
        """How many listen now."""
        return len(self._subscriptions)

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[Subscription]:
        """Listen to everything that happens from now on."""
        subscription = Subscription(acting())
        if self._task is None:
            newest = await self.newest_id()
            if self._task is None:
                self._last_id = newest
                # Without the context of who listens first: it reads for all of them.
                self._task = asyncio.create_task(self._follow(), context=Context())
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            if not self._subscriptions and self._task is not None:
                self._task.cancel()
                self._task = None

    def end_streams(self) -> None:
        """Make everyone stop listening; they reconnect when the server is back."""
        for subscription in self._subscriptions:
            subscription.end()

    async def close(self) -> None:
        """Stop following."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._watch.close()

    async def read(self, after: int, job_id: str | None = None) -> list[HeardEvent]:
        """Return stored events after an id, a batch at most."""
        return await asyncio.to_thread(self._read, after, job_id)

    async def newest_id(self) -> int:
        """Return the id of the newest stored event."""
        return await asyncio.to_thread(self._newest)

    def _read(self, after: int, job_id: str | None = None) -> list[HeardEvent]:
        with self._database.reading() as session:
            events = service.list_events(session, after, job_id=job_id, limit=_BATCH)
            if acting().is_administrator and all(each.actor.is_administrator for each in self._subscriptions):
                return [HeardEvent(event, None) for event in events]
            return hear(session, events)

    def _newest(self) -> int:
        with self._database.reading() as session:
            return service.newest_event_id(session)

    async def _follow(self) -> None:
        more = True
        while True:
            if not self._watch.has_changed() and not more:
                await asyncio.sleep(self._poll_seconds)
                continue
            try:
                events = await asyncio.to_thread(self._read, self._last_id)
            except Exception:
                log.exception("events could not be read; trying again")
                await asyncio.sleep(1)
                continue
            for heard in events:
                self._last_id = heard.event.id
                for subscription in self._subscriptions:
                    subscription.offer(heard)
            more = len(events) == _BATCH
            if not more:
                await asyncio.sleep(self._poll_seconds)
