"""The process around a check: events on stdout, an orderly end on SIGTERM. Loads no torch before it must."""

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fluxtune.core.errors import EngineCrashed
from fluxtune.engine.reports import HealthEvent, HealthEventType
from fluxtune.engine.runfolder import RunLocked
from fluxtune.engine.runtime import as_fluxtune_error, make_deterministic, quieten_libraries

FAILED, LOCKED = 1, 3
REPEAT_SECONDS = 15.0


class Stopped(Exception):
    """The check was told to end; what is measured stays."""


class Voice:
    """Says how far the check is, and looks whether it shall end."""

    def __init__(self, write: Callable[[str], object], is_attached: bool) -> None:
        """`is_attached`: ends when the process that started it is gone, which may have been killed."""
        self._write = write
        self._is_attached = is_attached
        self._parent = os.getppid()
        self._is_stopping = False
        self._last: dict[str, Any] = {"done": 0, "total": 0, "what": "starting"}
        self._lock = threading.Lock()

    def stop(self, *_: object) -> None:
        """End soon; a signal handler."""
        self._is_stopping = True

    def say(self, type_: HealthEventType, **data: Any) -> None:
        """Print one event."""
        with self._lock:
            self._write(HealthEvent(type=type_, data=data).model_dump_json() + "\n")

    def progress(self, done: int, total: int, what: str) -> None:
        """Say what is being done, nothing without words; raise `Stopped` when it shall end."""
        if self._is_stopping or (self._is_attached and os.getppid() != self._parent):
            raise Stopped
        if what:
            self._last = {"done": done, "total": total, "what": what}
            self.say("health.progressed", **self._last)

    @contextlib.contextmanager
    def repeating(self) -> Iterator[None]:
        """Say the last again now and then: loading a large base, or one image on a slow computer, takes minutes."""
        done = threading.Event()

        def repeat() -> None:
            while not done.wait(REPEAT_SECONDS):
                self.say("health.progressed", **self._last)

        thread = threading.Thread(target=repeat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def check_health(run: Path, write: Callable[[str], object], *, is_attached: bool, require: Callable[[], None]) -> int:
    """Measure a run; return the exit code: 0 done or stopped, 1 failed, 3 another process is at it.

    `require` raises what is missing before anything heavy is loaded.
    """
    voice = Voice(write, is_attached)
    before = signal.signal(signal.SIGTERM, voice.stop)
    started = time.monotonic()
    try:
        require()
        voice.progress(0, 0, "starting")
        from fluxtune.engine.health.check import Check, locked

        with locked(run), voice.repeating():
            quieten_libraries()
            make_deterministic(0)
            Check(run, voice.progress).run()
        voice.say("health.succeeded", seconds=round(time.monotonic() - started, 1))
    except Stopped:
        voice.say("health.cancelled")
    except RunLocked as error:
        sys.stderr.write(f"{error}\n")
        return LOCKED
    except Exception as error:
        problem = as_fluxtune_error(error, "measuring")
        if isinstance(problem, EngineCrashed):
            traceback.print_exception(error)
        voice.say("health.failed", error=problem.as_record())
        return FAILED
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0
