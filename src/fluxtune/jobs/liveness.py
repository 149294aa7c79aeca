"""Does the process that runs a job still live?"""

import os
import socket
from datetime import datetime, timedelta
from functools import cache

import psutil

from fluxtune.core.clock import now

# A very busy computer delays heartbeats. On the same computer a process that is gone is seen at once by its number;
# this is for workers elsewhere, and for those that hang.
LOST_AFTER = timedelta(seconds=60)


@cache
def _host() -> str:
    return socket.gethostname()


def _started(pid: int) -> int | None:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return int(process.create_time())
    except psutil.Error:
        return None


def owner_name() -> str:
    """Return the name of this process: host, number and start, so that a reused number is another owner."""
    return f"{_host()}:{os.getpid()}:{_started(os.getpid())}"


def is_alive(owner: str | None, heartbeat_at: datetime | None) -> bool:
    """Return whether the owner lives: its heartbeat is fresh and, on this computer, its process is there."""
    if owner is None or heartbeat_at is None or now() - heartbeat_at > LOST_AFTER:
        return False
    host, pid, started = owner.rsplit(":", 2)
    if host != _host():
        return True
    return str(_started(int(pid))) == started
