"""Who a process is: numbers are used again, and clocks are set."""

from functools import cache
from pathlib import Path

import psutil

# Of `/proc/PID/stat`, behind the name in brackets: the time of the start in clock ticks since the computer was started.
_START_FIELD = 19


def start_mark(pid: int) -> str | None:
    """Return what tells a process from every other that has or had its number; None if it is gone or a zombie.

    Its start in ticks since boot, and which boot: unlike a time of day, it stays the same when the clock is set. Where
    the system does not say that, the time of its start.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        boot = _boot()
        if boot is None:
            return str(int(process.create_time()))
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return f"{stat.rpartition(')')[2].split()[_START_FIELD]}-{boot}"
    except (psutil.Error, OSError, IndexError):
        return None


@cache
def _boot() -> str | None:
    """Return the name of this start of the computer, where the system gives it one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return None
