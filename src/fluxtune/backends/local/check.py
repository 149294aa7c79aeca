"""Follows one health check to its end: a child process that prints JSON lines and keeps what it measured.

It needs no file to be found again by: it ends with the worker that started it, and the next one goes on where it was.
"""

import os
import queue
import signal
import subprocess
import threading
import time
from pathlib import Path

import psutil
import structlog
from pydantic import ValidationError

from fluxtune.backends.base import HealthSink, RunEnd, Steering
from fluxtune.backends.local import children
from fluxtune.config import Settings
from fluxtune.core.errors import EngineCrashed, Problem
from fluxtune.engine.reports import HealthEvent

log = structlog.get_logger(__name__)

LOG_FILE = "health.log"
_TRIES = 2
_LOCKED = 3
_WAIT_S = 1.0
_END_WAIT_S = 5.0
_END = b""


class HealthCheck:
    """The check of one run folder."""

    def __init__(self, settings: Settings, run_dir: Path, sink: HealthSink, steering: Steering) -> None:
        self._settings = settings.engine
        self._leave_within_s = settings.worker.shutdown_seconds
        self._dir = run_dir
        self._sink = sink
        self._steering = steering

    def follow(self) -> RunEnd:
        """Measure; a process that dies is started once more and goes on with what is not measured yet."""
        tries = 0
        while tries < _TRIES:
            end, code = self._attempt()
            if end is not None:
                return end
            if code == _LOCKED:
                # Of a worker that died; it notices at its next image, and ends.
                time.sleep(_WAIT_S)
                continue
            tries += 1
            log.warning("the health check died", run=self._dir.name, tries=tries)
        crash = EngineCrashed(
            "The health check stopped twice in the middle.",
            action="The model is not affected. Measure again; what was measured stays.",
            technical=children.last_lines(self._dir / LOG_FILE),
        )
        return RunEnd("failed", error=crash.problem())

    def _attempt(self) -> tuple[RunEnd | None, int]:
        """Run one process; return how the check ended, None if it died without saying why, and its exit code."""
        command = children.engine_command("health", str(self._dir), "--attached")
        with (self._dir / LOG_FILE).open("wb") as stderr:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
                env=self._environment(),
            )
        lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=_read, args=(child, lines), name="health-output", daemon=True).start()
        try:
            end = self._listen(child, lines)
        finally:
            if _outstays(child):
                children.send(psutil.Process(child.pid), signal.SIGKILL)
            code = child.wait()
        return end, code

    def _environment(self) -> dict[str, str]:
        """Hand the chosen judge of images on, which may have come from the settings file."""
        chosen = self._settings.embeddings
        return {**os.environ, "FLUXTUNE_ENGINE__EMBEDDINGS": str(chosen)} if chosen else dict(os.environ)

    def _listen(self, child: "subprocess.Popen[bytes]", lines: "queue.Queue[bytes]") -> RunEnd | None:
        told_at: float | None = None
        heard_at = time.monotonic()
        is_leaving = False
        while True:
            wants_end = self._steering.request() in ("cancel", "stop")
            if told_at is None and (self._steering.is_leaving() or wants_end):
                is_leaving = not wants_end
                children.send(psutil.Process(child.pid), signal.SIGTERM)
                told_at = time.monotonic()
            patience = self._leave_within_s if is_leaving else self._settings.cancel_grace_seconds
            if told_at is not None and time.monotonic() - told_at > patience:
                return RunEnd("handed_back" if is_leaving else "cancelled")
            if time.monotonic() - heard_at > self._settings.silent_after_seconds:
                return None
            try:
                line = lines.get(timeout=self._settings.poll_seconds)
            except queue.Empty:
                continue
            heard_at = time.monotonic()
            if line == _END:
                if told_at is not None:
                    return RunEnd("handed_back" if is_leaving else "cancelled")
                return None
            end = self._take(line)
            if end is not None:
                return RunEnd("handed_back") if is_leaving and end.state == "cancelled" else end

    def _take(self, line: bytes) -> RunEnd | None:
        try:
            event = HealthEvent.model_validate_json(line)
        except ValidationError:
            log.debug("the health check printed something else", line=line[:200])
            return None
        if event.type == "health.succeeded":
            return RunEnd("succeeded", data=event.data)
        if event.type == "health.cancelled":
            return RunEnd("cancelled", data=event.data)
        if event.type == "health.failed":
            return RunEnd("failed", data=event.data, error=Problem.model_validate(event.data["error"]))
        self._sink.receive(event)
        return None


def _outstays(child: "subprocess.Popen[bytes]") -> bool:
    """Return whether a process that has said its last word is still there after a while."""
    try:
        child.wait(_END_WAIT_S)
    except subprocess.TimeoutExpired:
        return True
    return False


def _read(child: "subprocess.Popen[bytes]", lines: "queue.Queue[bytes]") -> None:
    assert child.stdout is not None  # noqa: S101 - opened as a pipe above
    for line in child.stdout:
        lines.put(line)
    lines.put(_END)
