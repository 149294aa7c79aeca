"""Does the process that runs a job still live?"""

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

from fluxtune.core.clock import now
from fluxtune.storage import start_mark

# A very busy computer delays heartbeats. On the same computer a process that is gone is seen at once by its number;
# this is for workers elsewhere, and for those that hang.
LOST_AFTER = timedelta(seconds=60)
# More than clocks are corrected by in small steps; less than anybody means by setting one.
_JUMP = timedelta(seconds=5)


class Liveness:
    """Judges heartbeats by the wall clock, which all computers share, and notices when it is set.

    After a jump old heartbeats say nothing until their owners had the time to renew them: a living worker must not be
    taken for dead because the clock went ahead, nor a dead one for alive because it went back.
    """

    def __init__(self, clock: Callable[[], datetime] = now, ticks: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._last = (clock(), ticks())
        self._jumped_at: float | None = None

    def is_alive(self, owner: str | None, heartbeat_at: datetime | None) -> bool:
        """Return whether the owner lives: its heartbeat is fresh and, on this computer, its process is there."""
        if owner is None or heartbeat_at is None:
            return False
        at, is_unsettled = self._look()
        is_fresh = abs(at - heartbeat_at) <= LOST_AFTER
        host, pid, mark = owner.rsplit(":", 2)
        if host == _host():
            return (is_fresh or is_unsettled) and start_mark(int(pid)) == mark
        return is_fresh or is_unsettled

    def _look(self) -> tuple[datetime, bool]:
        """Return the time, and whether the clock was set so lately that heartbeats can't be compared with it."""
        with self._lock:
            at, tick = self._clock(), self._ticks()
            last_at, last_tick = self._last
            if abs((at - last_at) - timedelta(seconds=tick - last_tick)) > _JUMP:
                self._jumped_at = tick
            self._last = (at, tick)
            is_unsettled = self._jumped_at is not None and tick - self._jumped_at <= LOST_AFTER.total_seconds()
            return at, is_unsettled


@cache
def _host() -> str:
    return socket.gethostname()


def owner_name() -> str:
    """Return the name of this process: host, number and start, so that a reused number is another owner."""
    return f"{_host()}:{os.getpid()}:{start_mark(os.getpid())}"


@cache
def _liveness() -> Liveness:
    return Liveness()


def is_alive(owner: str | None, heartbeat_at: datetime | None) -> bool:
    """Return whether the owner lives, as far as this process can tell."""
    return _liveness().is_alive(owner, heartbeat_at)
