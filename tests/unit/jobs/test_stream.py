"""Event streams: each event written out once for all who listen, in order, whole, and only what somebody may see."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from fluxtune.core.actor import LOCAL_OWNER, Actor, acting_as
from fluxtune.db import Database
from fluxtune.jobs import service
from fluxtune.jobs.schemas import JobEvent
from fluxtune.jobs.stream import EventStream, EventTail
from fluxtune.sharing import service as sharing

ANN, BEN = (Actor(name.title(), id=name, role="creator") for name in ("ann", "ben"))


@pytest.fixture
def tail(database: Database) -> Iterator[EventTail]:
    tail = EventTail(database, 0.001)
    yield tail
    asyncio.run(tail.close())


def draw(database: Database, person: Actor, name: str) -> None:
    with acting_as(person), database.transaction() as session:
        sharing.own(session, "generation", name)
        service.enqueue(session, "generation", name, name, {})


class Listener:
    """Somebody's stream, spoken to as a server would."""

    def __init__(self) -> None:
        self.text = ""
        self.is_over = asyncio.Event()
        self.left = asyncio.Event()
        self.may_send = asyncio.Event()
        self.may_send.set()
        self._news = asyncio.Event()

    async def receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message) -> None:
        await self.may_send.wait()
        self.text += message.get("body", b"").decode()
        self._news.set()
        if not message.get("more_body", True):
            self.is_over.set()

    @property
    def targets(self) -> list[str]:
        return re.findall(r'"target_id":"([^"]+)"', self.text)

    async def wait_for(self, text: str) -> None:
        async with asyncio.timeout(20):
            while text not in self.text:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def listening(
    tail: EventTail, person: Actor = LOCAL_OWNER, after: int | None = 0, life_s: float = 60.0
) -> AsyncIterator[Listener]:
    listener = Listener()
    with acting_as(person):
        stream = EventStream(tail, life_s, after)
        task = asyncio.create_task(stream({}, listener.receive, listener.send))
    await listener.wait_for("connected")
    try:
        yield listener
        listener.left.set()
        await asyncio.wait_for(task, 20)
    finally:
        task.cancel()


def test_an_event_is_written_out_once_for_all_who_listen(database, tail, monkeypatch):
    written: list[int] = []
    dump = JobEvent.model_dump_json

    def count(self: JobEvent) -> str:
        written.append(self.id)
        return dump(self)

    async def listen() -> None:
        async with listening(tail) as first, listening(tail) as second, listening(tail) as third:
            await asyncio.to_thread(draw, database, LOCAL_OWNER, "one")
            for each in (first, second, third):
                await each.wait_for('"one"')
            # Now nobody reads any more what was there before they came.
            monkeypatch.setattr(JobEvent, "model_dump_json", count)
            for name in ("two", "three"):
                await asyncio.to_thread(draw, database, LOCAL_OWNER, name)
            for each in (first, second, third):
                await each.wait_for('"three"')
                assert each.targets == ["one", "two", "three"]

    asyncio.run(listen())
    assert written == [2, 3]


def test_many_who_come_at_once_hear_everything_once(database, tail):
    async def listen() -> None:
        async with AsyncExitStack() as stack:
            opening = [listening(tail) for _ in range(10)]
            listeners = await asyncio.gather(*map(stack.enter_async_context, opening))
            for number in range(5):
                await asyncio.to_thread(draw, database, LOCAL_OWNER, f"n{number}")
            for each in listeners:
                await each.wait_for('"n4"')
                assert each.targets == [f"n{number}" for number in range(5)]

    asyncio.run(listen())


def test_what_somebody_may_not_see_never_reaches_their_stream(database, tail):
    draw(database, ANN, "anns-before")
    draw(database, BEN, "bens-before")

    async def listen() -> None:
        async with listening(tail, ANN) as ann, listening(tail, BEN) as ben, listening(tail) as owner:
            for person, name in ((ANN, "anns-after"), (BEN, "bens-after"), (LOCAL_OWNER, "everyones")):
                await asyncio.to_thread(draw, database, person, name)
            for each in (ann, ben, owner):
                await each.wait_for('"everyones"')
            assert ann.targets == ["anns-before", "anns-after", "everyones"]
            assert ben.targets == ["bens-before", "bens-after", "everyones"]
            assert owner.targets == ["anns-before", "bens-before", "anns-after", "bens-after", "everyones"]
            assert "bens" not in ann.text
            assert "anns" not in ben.text

    asyncio.run(listen())


def test_who_does_not_keep_up_is_cut_off_and_resumes_without_a_gap(database, tail, monkeypatch):
    monkeypatch.setattr("fluxtune.jobs.stream._QUEUE_LENGTH", 3)

    async def listen() -> None:
        async with listening(tail) as quick, listening(tail) as slow:
            await asyncio.to_thread(draw, database, LOCAL_OWNER, "first")
            await slow.wait_for('"first"')
            slow.may_send.clear()
            for number in range(8):
                await asyncio.to_thread(draw, database, LOCAL_OWNER, f"n{number}")
                await quick.wait_for(f'"n{number}"')
            slow.may_send.set()
            await asyncio.wait_for(slow.is_over.wait(), 20)
        assert len(slow.targets) < 9
        seen = int(re.findall(r"^id: (\d+)$", slow.text, re.MULTILINE)[-1])
        async with listening(tail, after=seen) as again:
            await again.wait_for('"n7"')
        assert slow.targets + again.targets == quick.targets

    asyncio.run(listen())


def test_a_stream_ends_with_its_time_and_with_the_server(database, tail):
    async def listen() -> None:
        async with listening(tail, life_s=0.01) as short:
            await asyncio.wait_for(short.is_over.wait(), 20)
        async with listening(tail) as long:
            tail.end_streams()
            await asyncio.wait_for(long.is_over.wait(), 20)
        assert tail.listener_count == 0

    asyncio.run(listen())


def test_a_quiet_stream_shows_that_it_lives(database, tail, monkeypatch):
    monkeypatch.setattr("fluxtune.jobs.stream._SIGN_OF_LIFE_S", 0.001)

    async def listen() -> None:
        async with listening(tail) as listener:
            await listener.wait_for(": ping\n\n")

    asyncio.run(listen())
