"""The resident generator: a child process that keeps a base loaded between requests."""

import json
import queue
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from fluxtune.backends.base import GenerationSink, RunEnd, Steering
from fluxtune.backends.local import children
from fluxtune.config import Settings
from fluxtune.core.errors import EngineCrashed, Problem
from fluxtune.engine.config import GenerationRequest
from fluxtune.engine.events import GeneratorEvent

log = structlog.get_logger(__name__)

_TRIES = 2
END = b""
_END_WAIT_S = 10.0


class _Process:
    """One generator process and the lines it prints."""

    def __init__(self, log_file: Path) -> None:
        self._log_file = log_file
        with log_file.open("wb") as stderr:
            self.popen = subprocess.Popen(
                children.engine_command("generate"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
            )
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._read, name="generator-output", daemon=True).start()

    def _read(self) -> None:
        assert self.popen.stdout is not None  # noqa: S101 - opened as a pipe above
        for line in self.popen.stdout:
            self._lines.put(line)
        self._lines.put(END)

    def next_line(self, wait_s: float) -> bytes | None:
        """Return the next line it printed, `END` when it ended, None if nothing came in time."""
        try:
            return self._lines.get(timeout=wait_s)
        except queue.Empty:
            return None

    def say(self, line: str) -> None:
        """Send a line; raises `OSError` if the process is gone."""
        assert self.popen.stdin is not None  # noqa: S101 - opened as a pipe above
        self.popen.stdin.write(line.encode() + b"\n")
        self.popen.stdin.flush()

    def is_alive(self) -> bool:
        return self.popen.poll() is None

    def end(self, *, at_once: bool = False) -> None:
        """Close its input, which ends it; if that does not help, kill it."""
        if not at_once and self.popen.stdin is not None:
            try:
                self.popen.stdin.close()
                self.popen.wait(_END_WAIT_S)
            except (OSError, subprocess.TimeoutExpired):
                log.warning("the generator does not end by itself; ending it")
        if self.is_alive():
            self.popen.kill()
            self.popen.wait()


class Generator:
    """Starts the generator when it is needed, keeps it while it is used, lets it go when it idles."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.engine
        self._log_file = settings.paths.logs / "generator.log"
        self._lock = threading.Lock()
        self._process: _Process | None = None
        self._used_at = 0.0

    def generate(self, request: GenerationRequest, sink: GenerationSink, steering: Steering) -> RunEnd:
        """Run one request to its end. A generator that dies is started once more."""
        with self._lock:
            for attempt in range(1, _TRIES + 1):
                end = self._attempt(request, sink, steering)
                self._used_at = time.monotonic()
                if end is not None:
                    return end
                log.warning("the generator died", generation=request.id, attempt=attempt)
        crash = EngineCrashed(
            "The generator stopped twice in the middle of this generation.",
            action="Try again with fewer or smaller images; the log has the technical detail.",
            technical=children.last_lines(self._log_file),
        )
        return RunEnd("failed", error=crash.problem())

    def release(self) -> None:
        """End the generator and free the memory it holds, once it is done with what it does."""
        with self._lock:
            self._drop()

    def release_if_idle(self) -> None:
        """End the generator if it has not been used for a while. Never waits."""
        if self._process is None or time.monotonic() - self._used_at < self._settings.generator_idle_seconds:
            return
        if self._lock.acquire(blocking=False):
            try:
                log.info("letting the idle generator go")
                self._drop()
            finally:
                self._lock.release()

    def _drop(self, *, at_once: bool = False) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end(at_once=at_once)

    def _attempt(self, request: GenerationRequest, sink: GenerationSink, steering: Steering) -> RunEnd | None:
        """Run the request; return None if the generator died over it."""
        if self._process is None or not self._process.is_alive():
            self._drop()
            self._process = _Process(self._log_file)
        process = self._process
        heard_at = time.monotonic()
        cancelled_at: float | None = None
        try:
            process.say(request.model_dump_json())
            while True:
                if steering.is_leaving():
                    self._drop(at_once=True)
                    return RunEnd("handed_back")
                if cancelled_at is None and steering.request() in ("cancel", "stop"):
                    process.say(json.dumps({"cancel": request.id}))
                    cancelled_at = time.monotonic()
                line = process.next_line(self._settings.poll_seconds)
                if line == END:
                    self._drop()
                    return RunEnd("cancelled") if cancelled_at is not None else None
                if line is not None:
                    heard_at = time.monotonic()
                    end = self._take(line, request.id, sink)
                    if end is not None:
                        return end
                elif cancelled_at is not None and time.monotonic() - cancelled_at > self._settings.cancel_grace_seconds:
                    # Killing it surely stops it; the next request loads the base again.
                    self._drop(at_once=True)
                    return RunEnd("cancelled")
                elif time.monotonic() - heard_at > self._settings.silent_after_seconds:
                    self._drop(at_once=True)
                    return None
        except OSError:
            self._drop(at_once=True)
            return None

    def _take(self, line: bytes, request_id: str, sink: GenerationSink) -> RunEnd | None:
        try:
            event = GeneratorEvent.model_validate_json(line)
        except ValidationError:
            log.debug("the generator printed something else", line=line[:200])
            return None
        data: dict[str, Any] = event.data
        if event.type == "generator.ready" or data.get("id") not in (request_id, None):
            return None
        if event.type == "generation.cancelled":
            return RunEnd("cancelled", data=data)
        if event.type == "generation.failed":
            return RunEnd("failed", data=data, error=Problem.model_validate(data["error"]))
        sink.receive(event)
        return RunEnd("succeeded", data=data) if event.type == "generation.succeeded" else None
