"""A captioner's process: one image in, one caption out, until it is closed."""

import os
import queue
import subprocess
import threading
import time
from pathlib import Path

import structlog
from pydantic import ValidationError

from fluxtune.backends.base import Steering
from fluxtune.backends.local import children
from fluxtune.config import Settings
from fluxtune.core.errors import EngineCrashed, JobFailed, Problem
from fluxtune.engine.captioning.messages import CaptionerEvent, CaptionerSetup, CaptionRequest

log = structlog.get_logger(__name__)

LOG_FILE = "captioner.log"
_END = b""
_END_WAIT_S = 5.0


class CaptionerFailed(JobFailed):
    """The captioner said why it can't go on; carries its own words."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail, title=problem.title, action=problem.action, technical=problem.technical)


class Interrupted(Exception):
    """The job shall end, or the worker leaves; the image that was asked for is not answered."""


class LocalCaptioner:
    """Use as a context manager."""

    def __init__(self, settings: Settings, setup: CaptionerSetup, steering: Steering) -> None:
        self._settings = settings.engine
        self._log_file = settings.paths.logs / LOG_FILE
        self._setup = setup
        self._steering = steering
        self._lines: queue.Queue[bytes] = queue.Queue()

    def __enter__(self) -> "LocalCaptioner":
        """Start the process and wait until it has loaded."""
        # The small network is quicker on one processor than two threads are that wait for each other.
        alone = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"} if self._setup.kind == "pocket" else {}
        with self._log_file.open("wb") as stderr:
            self._child = subprocess.Popen(
                children.engine_command("caption"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
                env={**os.environ, **alone},
            )  # fmt: skip
        threading.Thread(target=self._read, name="captioner-output", daemon=True).start()
        try:
            self._say(self._setup.model_dump_json())
            self._next()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the process: by itself when it waits, else at once."""
        if self._child.stdin is not None:
            try:
                self._child.stdin.close()
                self._child.wait(_END_WAIT_S if self._child.poll() is None and not self._is_told() else 0.1)
            except (OSError, subprocess.TimeoutExpired):
                log.info("ending the captioner in the middle of an image")
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()

    def caption(self, image_id: str, file: Path) -> tuple[str | None, str]:
        """Return the caption of an image, or None and why there is none.

        Raises Interrupted when the job shall end, CaptionerFailed and EngineCrashed when the captioner can't go on.
        """
        self._say(CaptionRequest(id=image_id, file=file).model_dump_json())
        event = self._next()
        return event.data.get("text"), event.data.get("reason", "")

    def _say(self, line: str) -> None:
        assert self._child.stdin is not None  # noqa: S101 - opened as a pipe above
        try:
            self._child.stdin.write(line.encode() + b"\n")
            self._child.stdin.flush()
        except OSError:
            log.debug("the captioner is gone")  # what it said last, or that it said nothing, comes with the next line

    def _next(self) -> CaptionerEvent:
        heard_at = time.monotonic()
        while True:
            if self._is_told():
                raise Interrupted
            if time.monotonic() - heard_at > self._settings.silent_after_seconds:
                raise self._crashed("It said nothing for too long.")
            try:
                line = self._lines.get(timeout=self._settings.poll_seconds)
            except queue.Empty:
                continue
            if line == _END:
                raise self._crashed("Its process ended by itself.")
            try:
                event = CaptionerEvent.model_validate_json(line)
            except ValidationError:
                log.debug("the captioner printed something else", line=line[:200])
                continue
            if event.type == "captioner.failed":
                raise CaptionerFailed(Problem.model_validate(event.data["error"]))
            return event

    def _is_told(self) -> bool:
        return self._steering.is_leaving() or self._steering.request() is not None

    def _crashed(self, why: str) -> EngineCrashed:
        return EngineCrashed(
            why,
            title="The captioner broke off",
            action="Start it again; captions that were written stay.",
            technical=children.last_lines(self._log_file),
        )

    def _read(self) -> None:
        assert self._child.stdout is not None  # noqa: S101 - opened as a pipe above
        for line in self._child.stdout:
            self._lines.put(line)
        self._lines.put(_END)
