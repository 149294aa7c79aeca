"""Child processes of the engine: started so that they survive us or end with us, and found again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import structlog

from fluxtune.storage import start_mark

log = structlog.get_logger(__name__)

PID_FILE = "trainer.pid"
LOCAL = "local"
"""The only worker of a data folder. Where several share one, each has a device and a name of its own."""


def engine_command(*arguments: str) -> list[str]:
    """Return the command line of an engine process.

    `-P`: a `click.py` or `torch.py` in the folder where the studio was started must not be taken for the library.
    """
    return [sys.executable, "-P", "-m", "fluxtune.engine", *arguments]


def start_detached(command: list[str], stderr_file: Path, **environment: str) -> "subprocess.Popen[bytes]":
    """Start a process that goes on when we die: own session, no pipes to us; `environment` is added to our own."""
    with stderr_file.open("ab") as stderr:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            env={**os.environ, **environment},
        )


def note_process(run_dir: Path, pid: int, worker: str = LOCAL) -> None:
    """Write down which process trains in a run folder, with its start (numbers are used again), on whose device."""
    note = {"pid": pid, "started": start_mark(pid), "worker": worker}
    if note["started"] is not None:
        (run_dir / PID_FILE).write_text(json.dumps(note))


def noted_process(run_dir: Path) -> psutil.Process | None:
    """Return the living process that was noted, if it lives."""
    try:
        note = json.loads((run_dir / PID_FILE).read_text())
        pid = int(note["pid"])
        return psutil.Process(pid) if start_mark(pid) == note["started"] else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None


def noted_worker(run_dir: Path) -> str:
    """Return the name of the worker whose device the noted process has."""
    try:
        return str(json.loads((run_dir / PID_FILE).read_text()).get("worker", LOCAL))
    except (OSError, ValueError, AttributeError):
        return LOCAL


def send(process: psutil.Process | None, what: signal.Signals) -> None:
    """Send a signal to a process and those it started; that it is gone already is fine."""
    if process is None:
        return
    try:
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, what)
        else:
            process.send_signal(what)
    except (psutil.Error, ProcessLookupError, PermissionError) as error:
        log.debug("signal not delivered", pid=process.pid, error=str(error))


def last_lines(file: Path, count: int = 20) -> str:
    """Return the end of a text file."""
    try:
        with file.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - 16_384))
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])
