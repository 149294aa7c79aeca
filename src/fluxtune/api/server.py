"""`fluxtune serve`: one web server per data folder, with a worker beside it."""

import errno
import gc
import json
import os
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy.orm import Session

from fluxtune.accounts import service as accounts
from fluxtune.accounts.keys import new_token
from fluxtune.api.app import create_app, load_api
from fluxtune.api.supervisor import WorkerSupervisor
from fluxtune.config import Settings
from fluxtune.config.logs import set_up_logs
from fluxtune.config.settings import DEFAULT_PORT
from fluxtune.core.errors import Conflict, InvalidInput
from fluxtune.db import Database
from fluxtune.jobs import service as jobs
from fluxtune.jobs.stream import EventTail
from fluxtune.storage import FileLock, slot_file, take_slot

if TYPE_CHECKING:
    from fluxtune.metrics.recorder import Recorder
    from fluxtune.metrics.sources import Sample

log = structlog.get_logger(__name__)

_LOCK_WAIT_S = 1.0
_STOP_WAIT_S = 5


class StudioRunning(Conflict):
    """Another server is at work on this data folder."""

    title = "The studio is running already"


class AddressRefused(InvalidInput):
    """The studio can't listen there."""

    title = "The studio can't listen on that address"


def open_socket(host: str, port: int) -> socket.socket:
    """Bind to an address; port 0 takes a free one, and so does the default port if it is taken.

    Raises `AddressRefused` if another port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, because asyncio sends without delay only over sockets that say they are TCP; else each answer of two
    # writes waits 40 ms for the client's acknowledgement of the first.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)  # only now is the port surely ours; who is early waits until we answer
    except OSError as error:
        listener.close()
        if port == DEFAULT_PORT and error.errno == errno.EADDRINUSE:
            return open_socket(host, 0)  # nobody asked for this one in particular
        raise AddressRefused(
            f"Port {port} of {host} can't be used: {error.strerror}.",
            action="Choose another with `--port`, or let fluxtune choose one with `--port 0`.",
            field="port",
        ) from error
    return listener


class Studio:
    """A running web server: its address, tokens and worker."""

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        self.settings = settings
        self.is_team = accounts.is_team(settings, host)
        self.token = new_token()
        settings.paths.create()
        self._lock, self._slot = _take_lock(settings)
        try:
            self._set_up(host, port)
        except BaseException:
            self._lock.release()
            raise

    def _set_up(self, host: str, port: int) -> None:
        self.leave_worker = False
        self.is_open_to_others = not accounts.is_loopback(host)
        self._listener = open_socket(host, port)
        self.port: int = self._listener.getsockname()[1]
        # What listens everywhere is reached from here by this.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - looked for, not listened on
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.port}"
        self.app: FastAPI = create_app(self.settings, studio_token=self.token, is_team=self.is_team, with_api=False)
        self._loading = threading.Thread(target=self._load, name="loading", daemon=True)
        self._recorder: Recorder | None = None
        self.failure: BaseException | None = None
        self.supervisor = WorkerSupervisor(self.settings, self._is_worker_idle)
        config = uvicorn.Config(
            self.app,
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=_STOP_WAIT_S,
            server_header=False,
            timeout_keep_alive=30,
            proxy_headers=bool(self.settings.server.trusted_proxies),
            forwarded_allow_ips=self.settings.server.trusted_proxies,
        )
        self.server = StudioServer(config, self.app.state.event_tail)

    def sign_in_url(self) -> str:
        """Return an address that signs in whoever opens it first; where people sign in themselves, a plain one."""
        database: Database = self.app.state.database
        with database.transaction() as session:
            if self.is_team and not accounts.needs_administrator(session):
                return self.url
            return f"{self.url}/?token={accounts.create_link(session)}"

    def welcome(self, address: str) -> str:
        """Return what is said before the address."""
        if not self.is_team:
            return "Open this address; it signs you in once"
        if address == self.url:
            return "People sign in here with their e-mail address and password"
        return "Nobody has an account yet. Open this address, once, and make the first administrator"

    def run(
        self,
        *,
        with_worker: bool = True,
        on_ready: Callable[[], None] = lambda: None,
        on_loaded: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve until told to stop; the calling thread is busy meanwhile.

        `on_ready` is called once pages are served; the API follows, and with it `on_loaded`: now commands find the
        studio, and the worker starts. Raises what kept it from that.
        """
        self._on_loaded = on_loaded

        def ready() -> None:
            on_ready()
            self._loading.start()

        self.server.on_ready = ready
        self.app.state.is_worker_expected = with_worker
        try:
            self.server.run(sockets=[self._listener])
        finally:
            if self._loading.ident is not None:
                self._loading.join()
            if self._recorder is not None:
                self._recorder.stop()
            self.app.state.database.close()
            self._remove_studio_file()
            self._listener.close()
            if with_worker:
                self.supervisor.stop(leave_worker=self.leave_worker)
            self._lock.release()
        if self.failure is not None:
            raise self.failure

    def _load(self) -> None:
        try:
            load_api(self.app)
            gc.freeze()  # modules and routes are no garbage and need not be looked at again
            gc.enable()
            self._write_studio_file()
            self._recorder = self._new_recorder()
            self._recorder.start()
            if self.app.state.is_worker_expected:  # after the first page: both compete for the same processor
                self.supervisor.start()
            self._on_loaded()
        except BaseException as error:
            self.failure = error
            self.server.should_exit = True

    def stop(self, *, leave_worker: bool = False) -> None:
        """Make `run` return, from any thread. The worker ends too, unless it is to be left at its work."""
        self.leave_worker = leave_worker
        self.server.should_exit = True

    def work_under_way(self) -> list[str]:
        """Return the titles of the jobs that run or wait."""
        database: Database = self.app.state.database
        with database.reading() as session:
            return [job.title for job in jobs.list_(session, active=True) if job.state in ("running", "queued")]

    def _new_recorder(self) -> "Recorder":
        from fluxtune.api.lookout import ServerLookout
        from fluxtune.metrics.recorder import Recorder
        from fluxtune.metrics.sources import Sample
        from fluxtune.metrics.sources import host as this_host

        tail: EventTail = self.app.state.event_tail

        def watch_listeners(_session: Session) -> "list[Sample]":
            return [Sample("listeners", this_host(), tail.listener_count)]

        lookout = ServerLookout(self.settings, self.app.state.database, self.app.state.blobs)
        return Recorder(self.settings, self.app.state.database, [watch_listeners], besides=lookout.look_around)

    def _is_worker_idle(self) -> bool:
        database: Database = self.app.state.database
        with database.reading() as session:
            return jobs.device_holder(session) is None

    def _write_studio_file(self) -> None:
        record = {"url": self.url, "token": self.token, "pid": os.getpid()}
        file = slot_file(self.settings.paths.studio_file, self._slot)
        part = file.with_suffix(".part")
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as stream:
            json.dump(record, stream)
        part.replace(file)

    def _remove_studio_file(self) -> None:
        file = slot_file(self.settings.paths.studio_file, self._slot)
        record = read_studio_file(file)
        if record is not None and record.get("pid") == os.getpid():
            file.unlink(missing_ok=True)


class StudioServer(uvicorn.Server):
    """Uvicorn, except that signals are ours, and that event streams don't hold up the end."""

    def __init__(self, config: uvicorn.Config, tail: EventTail) -> None:
        super().__init__(config)
        self._tail = tail
        self.on_ready: Callable[[], None] = lambda: None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs us."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self.started:
            self.on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams, which would last for minutes, then everything else."""
        self._tail.end_streams()
        await super().shutdown(sockets)


def read_studio_file(file: Path) -> dict[str, Any] | None:
    """Return what a running or killed studio left, or None."""
    try:
        record = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _take_lock(settings: Settings) -> tuple[FileLock, int]:
    """Return the lock of a server, and which of a row of servers it is: on PostgreSQL several may share a folder."""
    if not settings.is_local:
        taken = take_slot(settings.paths.server_lock)
        if taken is not None:
            return taken
    lock = FileLock(settings.paths.server_lock)
    if not lock.acquire(_LOCK_WAIT_S):
        raise StudioRunning(
            _where(settings), action="`fluxtune open` opens it. To start it anew, end the other one first."
        )
    return lock, 1


def _where(settings: Settings) -> str:
    record = read_studio_file(settings.paths.studio_file)
    address = record.get("url") if record else None
    return f"It serves {settings.data} at {address}." if address else f"It serves {settings.data}."


def serve(settings: Settings, host: str, port: int, open_browser: bool = False, *, with_worker: bool = True) -> None:
    """Run the studio until Ctrl-C or SIGTERM.

    SIGTERM ends the worker too: a run saves itself and goes on with the next start. After Ctrl-C, or when the terminal
    is closed, work under way goes on in the background, and the worker ends by itself when it is done.
    """
    settings.paths.create()
    set_up_logs(settings, "server")
    studio = Studio(settings, host, port)

    def on_ready() -> None:
        address = studio.sign_in_url()
        _say(f"\n  fluxtune is ready. {studio.welcome(address)}:\n\n    {address}\n")
        if studio.is_open_to_others:
            _say(
                "  Others reach it without encryption: let them come by a proxy that speaks HTTPS, or over a network\n"
                "  that you trust. docs/guide/team.md shows how.\n"
            )
        if open_browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    def on_signal(what: int, _frame: FrameType | None) -> None:
        studio.stop(leave_worker=with_worker and what != signal.SIGTERM and bool(studio.work_under_way()))

    for what in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(what, on_signal)
    studio.run(with_worker=with_worker, on_ready=on_ready)
    if studio.leave_worker:
        _say(
            f"\n  Work goes on in the background. Start fluxtune again to see it.\n"
            f"  To stop that too: kill {studio.supervisor.worker_pid()} (it saves itself first).\n"
        )


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the address has to reach the person who started us
