"""Live events: one look at the table per process, shared by everyone who listens."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager, suppress
from contextvars import Context

import structlog
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from sqlalchemy.orm import Session
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fluxtune.core.actor import Actor, acting
from fluxtune.db import ChangeWatch, Database
from fluxtune.jobs import service
from fluxtune.jobs.audiences import hear
from fluxtune.jobs.schemas import HeardEvent

_BATCH = 500
# A listener that falls this far behind is cut off; it reconnects and resumes from the table.
_QUEUE_LENGTH = 2_000
# Proxies and browsers give a connection up that is silent for longer than some half a minute.
_SIGN_OF_LIFE_S = 15.0
_CHANGED = format_sse_event(event="studio.changed", data_str='{"type":"studio.changed"}')
# Half a second is at once for whoever looks at a page, and spares the database a question for each commit.
_LOOK_EVERY_S = 0.5
_HELLO = format_sse_event(comment="connected", retry=1000)

Standing = Callable[[Session], Hashable]
"""Reads what everybody's page depends on, such as which features are on; another value is another standing."""

log = structlog.get_logger(__name__)


class Subscription:
    """New events as one listener gets them: those of what they may see, of one job or of all."""

    def __init__(self, actor: Actor, job_id: str | None = None) -> None:
        self.actor = actor
        self.is_over = False
        self._job_id = job_id
        self._waiting: list[HeardEvent] = []
        self._has_any = asyncio.Event()
        self._is_studio_changed = False

    def wants(self, heard: HeardEvent) -> bool:
        """Return whether an event is one that this listener asked for and may hear of."""
        return self._job_id in (None, heard.event.job_id) and may_hear(heard, self.actor)

    def offer(self, heard: HeardEvent) -> None:
        """Put an event, or cut the listener off if it does not keep up."""
        if not self.wants(heard):
            return
        if len(self._waiting) >= _QUEUE_LENGTH:
            self.is_over = True
        else:
            self._waiting.append(heard)
        self._has_any.set()

    def tell_changed(self) -> None:
        """Say that the studio itself has changed; several changes are told once. Who follows one job is not told."""
        if self._job_id is None:
            self._is_studio_changed = True
            self._has_any.set()

    def take_changed(self) -> bool:
        """Return whether the studio has changed since this was asked last."""
        is_changed, self._is_studio_changed = self._is_studio_changed, False
        return is_changed

    def end(self) -> None:
        """End the stream now."""
        self.is_over = True
        self._has_any.set()

    async def take(self, timeout_s: float) -> list[HeardEvent]:
        """Return all events that wait, or the next ones; none if none came in time or the stream ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._has_any.wait()
        taken, self._waiting = self._waiting, []
        if not self.is_over:
            self._has_any.clear()
        return taken


def may_hear(heard: HeardEvent, actor: Actor) -> bool:
    """Return whether somebody may hear of an event. Nobody but administrators may where that was not looked up."""
    return actor.is_administrator or (heard.audience is not None and heard.audience.admits(actor))


class EventTail:
    """Follows the event table while anyone listens."""

    def __init__(self, database: Database, poll_seconds: float, standing: Standing = lambda _session: None) -> None:
        self._database = database
        self._read_standing = standing
        self._standing: Hashable = None
        self._looked_at = 0.0
        self._is_look_due = False
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
    async def subscribe(self, job_id: str | None = None) -> AsyncIterator[Subscription]:
        """Listen to everything that happens from now on, to one job or to all."""
        subscription = Subscription(acting(), job_id)
        if self._task is None:
            # Before anybody is told that they are connected: what changes from now on is news.
            newest, standing = await self.newest_id(), await asyncio.to_thread(self._look_up)
            if self._task is None:  # nothing is awaited from here on: of many who come at once only one may follow
                self._last_id, self._standing = newest, standing
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
            has_changed = self._watch.has_changed()
            self._is_look_due |= has_changed
            try:
                await self._look()
                if not has_changed and not more:
                    await asyncio.sleep(self._poll_seconds)
                    continue
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

    async def _look(self) -> None:
        """Tell everybody when what all pages depend on has changed: flags, settings, roles."""
        at = time.monotonic()
        if not self._is_look_due or at - self._looked_at < _LOOK_EVERY_S:
            return
        self._is_look_due = False
        before, self._standing = self._standing, await asyncio.to_thread(self._look_up)
        if self._standing != before:
            for subscription in self._subscriptions:
                subscription.tell_changed()
        self._looked_at = at

    def _look_up(self) -> Hashable:
        with self._database.reading() as session:
            return self._read_standing(session)


class EventStream(Response):
    """Events as server-sent events: those after a number, then what happens until the stream has lived long enough.

    Each event is written out once for everybody who listens, and a listener gets all that wait for it at once.
    FastAPI's own streams take two tasks and two queues for each listener, and write each event out for each.
    """

    media_type = "text/event-stream"

    def __init__(
        self, tail: EventTail, life_s: float, after: int | None, job_id: str | None = None, status_code: int = 200
    ) -> None:
        self.status_code = status_code
        self.background = None
        self.init_headers({"cache-control": "no-cache", "x-accel-buffering": "no"})
        self._tail = tail
        self._until = time.monotonic() + life_s
        self._after = after
        self._job_id = job_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the time is over, the listener is gone or does not keep up, or the server ends."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with self._tail.subscribe(self._job_id) as subscription:
            leaving = asyncio.create_task(_end_when_left(receive, subscription))
            try:
                async for part in self._parts(subscription):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            finally:
                leaving.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _parts(self, subscription: Subscription) -> AsyncIterator[bytes]:
        yield _HELLO
        # Subscribed first, then read: what happens in between arrives twice and is dropped once.
        newest_id = await self._tail.newest_id()
        # More than the newest was seen on another database, before the data folder was replaced.
        last_id = newest_id if self._after is None or self._after > newest_id else self._after
        while last_id < newest_id and (batch := await self._tail.read(last_id, self._job_id)):
            last_id = batch[-1].event.id
            if part := b"".join(heard.frame for heard in batch if subscription.wants(heard)):
                yield part
        while (left_s := self._until - time.monotonic()) > 0 and not subscription.is_over:
            taken = await subscription.take(min(left_s, _SIGN_OF_LIFE_S))
            part = b"".join(heard.frame for heard in taken if heard.event.id > last_id)
            if subscription.take_changed():
                part += _CHANGED
            if part:
                yield part
            elif not subscription.is_over:
                yield KEEPALIVE_COMMENT


async def _end_when_left(receive: Receive, subscription: Subscription) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscription.end()
