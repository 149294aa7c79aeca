"""One worker: holds the data folder's worker lock, keeps its heart beating, feeds the queue, leaves tidily."""

import gc
import hashlib
import signal
import socket
import threading
import time
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from fluxtune.adjustments.live import LiveSettings
from fluxtune.alerts.telling import EVENT, webhook_shape
from fluxtune.backends.local.backend import LocalBackend
from fluxtune.backups import service as backups
from fluxtune.config import Settings
from fluxtune.config.logs import set_up_logs
from fluxtune.contract.telling import EndTeller
from fluxtune.core.clock import now
from fluxtune.core.errors import Conflict
from fluxtune.db import Bell, Database, code_version, migrate
from fluxtune.hosted import ledger
from fluxtune.jobs.queue import JobQueue
from fluxtune.metrics.recorder import Recorder
from fluxtune.metrics.sources import Sample
from fluxtune.storage import Blobs, FileLock, is_any_locked, take_slot
from fluxtune.upkeep.retention import Retention
from fluxtune.upkeep.trash import Trash
from fluxtune.webhooks.sender import WebhookSender
from fluxtune.worker.lookout import Lookout
from fluxtune.worker.tasks import build_tasks

log = structlog.get_logger(__name__)

# Whoever looks whether the lock is held holds it for a moment.
_LOCK_WAIT_S = 1.0
_LOOK_AROUND_EVERY_S = 2.0
# Whoever has just clicked clicks again, and should not notice the wait.
_ATTENTIVE_S = 0.005
_ATTENTIVE_FOR_S = 30.0
_TIDY_EVERY_S = 6 * 3600.0
_SEND_EVERY_S = 2.0
# Not while the first page and the first job want the processor.
_EMPTY_TRASH_AFTER_S = 15.0
_EMPTY_TRASH_EVERY_S = 24 * 3600.0
_LOOK_FOR_BACKUPS_EVERY_S = 30.0


class WorkerRunning(Conflict):
    """Another worker is at work on this data folder."""

    title = "A worker is running already"
    action = "Nothing needs to be done: it takes all jobs of this data folder."


class Worker:
    """The parts of a worker, and the loop that runs until there is a reason to leave."""

    def __init__(self, settings: Settings, slot: int = 1, *, stays: bool = False) -> None:
        """Put a worker together; `slot` tells it from others on the same data folder.

        One that `stays` waits for work for ever; others end a while after the last server of the data folder.
        """
        self._settings = settings
        self._stays = stays
        self._slot = slot
        self._leaving = threading.Event()
        self._bell = Bell(settings.paths.data, slot)
        self._ended = threading.Event()
        self._database = Database.at(settings.paths.database, settings.database_url)
        self._live = LiveSettings(settings, self._database)
        self._backend = LocalBackend(settings, self._worker_id())
        blobs = Blobs.at(settings.paths.blobs, settings.storage_url)
        tasks = build_tasks(settings, self._database, blobs, self._backend)
        self._queue = JobQueue(settings, self._database, tasks, self._leaving.is_set)
        self._teller = EndTeller(settings, self._database, blobs)
        self._webhooks = WebhookSender(settings, self._database, shapes={**self._teller.shapes, EVENT: webhook_shape()})
        self._trash = Trash(settings, self._database, blobs)
        self._retention = Retention(settings, self._database)
        self._recorder = Recorder(settings, self._database, [_watch_spending], is_keeper=True)
        self._lookout = Lookout(settings, self._database)
        self._started = (now(), time.monotonic())
        self._idle_since = time.monotonic()

    def leave(self) -> None:
        """End soon: let what runs save itself, then go."""
        self._leaving.set()
        self._bell.ring("leave")

    def run(self, *, until_idle: bool) -> None:
        """Work until told to leave, or until there is nothing to do and nobody to wait for."""
        migrate(self._database, self._settings.paths.migration_lock)
        self._live.load()
        self._bell.hang()
        heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        post = threading.Thread(target=self._send, name="webhooks", daemon=True)
        keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._queue.start(self._worker_id())
        heart.start()
        post.start()
        if not until_idle:
            keeper.start()
            self._recorder.start()
            self._lookout.start()
        if threading.current_thread() is threading.main_thread():
            gc.freeze()  # modules are no garbage; looking through them all holds everything up for a while
        log.info("worker ready")
        try:
            self._loop(until_idle)
        finally:
            self._leaving.set()
            self._wait_for_steps()
            self._ended.set()
            heart.join()
            # What is on its way and not answered yet is sent again by the next worker.
            post.join(_SEND_EVERY_S)
            if not until_idle:
                keeper.join(_SEND_EVERY_S)
            self._backend.close()
            self._queue.stop()
            self._bell.take_down()
            self._queue.runner.goodbye()
            self._recorder.stop()
            self._lookout.stop()
            self._live.stop()
            self._database.close()
            log.info("worker ended")

    def _worker_id(self) -> str:
        """Return the name this worker's unfinished work is found by after a restart.

        Where several share a database, it names host and data folder: two of one host with one name would take what the
        other runs for something they lost.
        """
        if self._settings.is_local:
            return "local"
        folder = hashlib.sha256(str(self._settings.data.resolve()).encode()).hexdigest()
        return f"{socket.gethostname()[:44]}-{folder[:12]}" + (f"-{self._slot}" if self._slot > 1 else "")

    def _loop(self, until_idle: bool) -> None:
        looked_at = time.monotonic()
        tidied_at: float | None = None
        attentive_until = 0.0
        while not self._leaving.is_set():
            called = self._bell.wait(self._patience_s(time.monotonic() < attentive_until))
            if self._leaving.is_set():
                return
            try:
                self._live.look()  # before a job is taken: what was changed before it was queued holds for it
                if self._queue.take_next(called):
                    attentive_until = time.monotonic() + _ATTENTIVE_FOR_S
                    continue
                if until_idle or time.monotonic() - looked_at > _LOOK_AROUND_EVERY_S:
                    looked_at = time.monotonic()
                    self._backend.tend()
                    if not self._settings.is_local:
                        self._queue.runner.take_over()
                    if not until_idle and (tidied_at is None or looked_at - tidied_at > _TIDY_EVERY_S):
                        tidied_at = looked_at
                        self._queue.runner.tidy()
                    if self._is_done(until_idle):
                        return
            except Exception:
                log.exception("worker stumbled; going on")
                self._leaving.wait(1)

    def _patience_s(self, is_attentive: bool) -> float:
        """Return how long to wait at most for the bell, which those on other computers can't ring."""
        poll_s = self._settings.worker.poll_seconds
        return min(poll_s, _ATTENTIVE_S) if is_attentive and not self._settings.is_local else poll_s

    def _is_done(self, until_idle: bool) -> bool:
        if self._queue.active_count or self._queue.runner.is_busy() or self._has_post():
            self._idle_since = time.monotonic()
            return False
        if until_idle:
            return True
        patience = self._settings.worker.idle_exit_seconds
        if not patience or self._stays or is_any_locked(self._settings.paths.server_lock):
            self._idle_since = time.monotonic()
            return False
        return time.monotonic() - self._idle_since > patience

    def _has_post(self) -> bool:
        return self._webhooks.is_any_new() or self._teller.is_any_untold()

    def _beat(self) -> None:
        while not self._ended.wait(self._settings.worker.heartbeat_seconds):
            try:
                self._queue.runner.beat()
            except Exception:
                log.exception("heartbeat failed")

    def _send(self) -> None:
        """Send webhooks; in a thread of its own, because a receiver may take long to answer."""
        while not self._ended.wait(_SEND_EVERY_S):
            try:
                self._teller.tell_ended()
                while not self._ended.is_set() and self._webhooks.send_next():
                    pass
            except Exception:
                log.exception("webhooks could not be sent; going on")

    def _keep(self) -> None:
        """Empty the trash soon after the start, then daily, and begin backups when they are due.

        In a thread of its own: removing files takes long.
        """
        emptied_at: float | None = None
        wait_s = _EMPTY_TRASH_AFTER_S
        while not self._ended.wait(wait_s):
            wait_s = _LOOK_FOR_BACKUPS_EVERY_S
            try:
                with self._database.transaction() as session:
                    backups.start_if_due(session, self._settings, now())
            except Exception:
                log.exception("a backup could not be begun; going on")
            if emptied_at is not None and time.monotonic() - emptied_at < _EMPTY_TRASH_EVERY_S:
                continue
            emptied_at = time.monotonic()
            try:
                self._retention.apply(self._steady_now())
                self._trash.empty(self._steady_now())
            except Exception:
                log.exception("the trash could not be emptied; going on")

    def _steady_now(self) -> datetime:
        """Return the time, but no later than has passed since the start: a clock set ahead must not empty the trash."""
        at, tick = self._started
        return min(now(), at + timedelta(seconds=time.monotonic() - tick))

    def _wait_for_steps(self) -> None:
        """Give running steps the time to save and end; the trainer gets the same time within its step."""
        until = time.monotonic() + self._settings.worker.shutdown_seconds + 10
        while self._queue.active_count and time.monotonic() < until:
            time.sleep(0.05)


def _watch_spending(session: Session) -> list[Sample]:
    """Return what was spent or set aside this month, in credits."""
    return [Sample("spent_this_month", "", ledger.spent(session).this_month / ledger.PER_CREDIT)]


def run_worker(settings: Settings, until_idle: bool = False, *, console: bool = True, is_only: bool = True) -> None:
    """Run a worker of a data folder until SIGTERM or SIGINT, or until it has not been needed for a while.

    With `until_idle` it ends as soon as nothing waits or runs. Raises `WorkerRunning` if another one is at work; unless
    `is_only`, workers that share a database that is made for it (PostgreSQL) work side by side.
    """
    settings.paths.create()
    set_up_logs(settings, "worker", console=console)
    lock, slot = _take_lock(settings, is_only=is_only)
    try:
        worker = Worker(settings, slot, stays=not is_only and not settings.is_local)
        if threading.current_thread() is threading.main_thread():
            for what in (signal.SIGTERM, signal.SIGINT):
                signal.signal(what, lambda *_: worker.leave())
        worker.run(until_idle=until_idle)
    finally:
        lock.release()


def _take_lock(settings: Settings, *, is_only: bool) -> tuple[FileLock, int]:
    if not is_only and not settings.is_local:
        taken = take_slot(settings.paths.worker_lock, code_version())
        if taken is not None:
            return taken
        raise WorkerRunning(f"As many as there can be work on {settings.data}.")
    lock = FileLock(settings.paths.worker_lock, code_version())
    if not lock.acquire(_LOCK_WAIT_S):
        raise WorkerRunning(f"It works on {settings.data}.")
    return lock, 1
