"""Keeps one worker alive beside the server: starts it, starts it again, adopts one that lives already.

One that was left by another version of the code is adopted, too, and replaced as soon as it runs nothing.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import psutil
import structlog

from fluxtune.config import Settings
from fluxtune.db import code_version
from fluxtune.storage import holder_of, is_locked, words_of

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.25
_FIRST_BACK_OFF_S = 0.25
_LONGEST_BACK_OFF_S = 30.0
# A worker that lived this long did not fail at starting.
_HEALTHY_AFTER_S = 20.0


class WorkerSupervisor:
    """Watches over the worker of one data folder from a thread."""

    def __init__(self, settings: Settings, is_idle: Callable[[], bool]) -> None:
        self._settings = settings
        self._is_idle = is_idle
        self._version = code_version()
        self._outdated: int | None = None
        self._lock_file = settings.paths.worker_lock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._back_off_s = _FIRST_BACK_OFF_S

    def start(self) -> None:
        """Begin to watch; the worker is started, or the living one adopted, right away."""
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def stop(self, *, leave_worker: bool = False) -> None:
        """Stop watching; end the worker, which lets work under way save itself first, or leave it at work."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        if not leave_worker:
            self._end_worker()

    def worker_pid(self) -> int | None:
        """Return the process number of the living worker, ours or adopted."""
        return holder_of(self._lock_file) if is_locked(self._lock_file) else None

    def _watch(self) -> None:
        while not self._stopping.is_set():
            if not self._has_worker():
                self._start_worker()
            elif self._process is None:
                self._replace_outdated()
            self._stopping.wait(_LOOK_EVERY_S)

    def _has_worker(self) -> bool:
        if self._process is not None:
            if self._process.poll() is None:
                return True
            self._note_end(self._process.returncode)
            self._process = None
        return is_locked(self._lock_file)

    def _replace_outdated(self) -> None:
        """End an adopted worker of another version once it runs nothing; the next look starts one of ours.

        It is looked at twice: for a moment the lock file says what the holder before wrote.
        """
        pid = holder_of(self._lock_file)
        if pid is None or words_of(self._lock_file) == self._version:
            self._outdated = None
        elif pid != self._outdated:
            self._outdated = pid
            log.info("adopted a worker of another version; it is replaced when it is idle", pid=pid)
        elif self._is_idle():
            log.info("replacing a worker of another version", pid=pid, version=words_of(self._lock_file))
            self._end_worker()
            self._outdated = None

    def _note_end(self, code: int) -> None:
        if self._stopping.is_set() or is_locked(self._lock_file):
            return
        if time.monotonic() - self._started_at > _HEALTHY_AFTER_S:
            self._back_off_s = _FIRST_BACK_OFF_S
        log.warning("the worker ended; starting it again", code=code, wait_s=self._back_off_s)
        self._stopping.wait(self._back_off_s)
        self._back_off_s = min(self._back_off_s * 2, _LONGEST_BACK_OFF_S)

    def _start_worker(self) -> None:
        if self._stopping.is_set():
            return
        self._started_at = time.monotonic()
        command = [sys.executable, "-P", "-m", "fluxtune.worker", str(self._settings.data)]
        with (self._settings.paths.logs / "worker.err").open("wb") as stderr:
            # A session of its own: Ctrl-C and a closed terminal are for the server; the worker is told what to do.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True
            )

    def _end_worker(self) -> None:
        patience_s = self._settings.worker.shutdown_seconds + 15
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(patience_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            return
        pid = self.worker_pid()
        if pid is not None:
            try:
                process = psutil.Process(pid)
                process.terminate()
                process.wait(patience_s)
            except psutil.Error as error:
                log.warning("the worker did not end", pid=pid, error=str(error))
