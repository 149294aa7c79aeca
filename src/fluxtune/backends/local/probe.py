"""Follows one probe: a child process that takes a few real steps and writes down what they took."""

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import structlog
from pydantic import ValidationError

from fluxtune.backends.base import RunEnd, Steering
from fluxtune.backends.local import children
from fluxtune.config import Settings
from fluxtune.core.errors import EngineCrashed, Problem
from fluxtune.engine.estimate import ProbeResult

log = structlog.get_logger(__name__)

RESULT_FILE = "probe.json"
LOG_FILE = "probe.log"


class ProbeRun:
    """The probe of one folder that holds `run.json` and `snapshot/`. It ends with the worker that started it."""

    def __init__(self, settings: Settings, folder: Path, steering: Steering) -> None:
        self._settings = settings.engine
        self._folder = folder
        self._steering = steering

    def follow(self) -> RunEnd:
        """Measure, unless it is measured already; return what was measured in `data`."""
        known = self._result()
        if known is not None:
            return RunEnd("succeeded", data=known)
        command = children.engine_command("probe", str(self._folder))
        child = children.start_detached(command, self._folder / LOG_FILE)
        try:
            end = self._wait(child)
        finally:
            if child.poll() is None:
                children.send(psutil.Process(child.pid), signal.SIGKILL)
            child.wait()
        return end or self._end()

    def _wait(self, child: "subprocess.Popen[bytes]") -> RunEnd | None:
        """Stay until the process has ended, or return how it ends before that."""
        until = time.monotonic() + self._settings.probe_seconds
        while child.poll() is None:
            if self._steering.is_leaving():
                return RunEnd("handed_back")
            if self._steering.request() in ("cancel", "stop"):
                return RunEnd("cancelled")
            if time.monotonic() > until:
                slow = EngineCrashed(
                    f"It was not done after {self._settings.probe_seconds / 60:.0f} minutes.",
                    title="Measuring takes too long",
                    action="Choose a smaller base or resolution, or start the finetune without measuring.",
                )
                return RunEnd("failed", error=slow.problem())
            time.sleep(self._settings.poll_seconds)
        return None

    def _end(self) -> RunEnd:
        result = self._result()
        if result is not None:
            return RunEnd("succeeded", data=result)
        return RunEnd("failed", error=self._problem())

    def _result(self) -> dict[str, Any] | None:
        try:
            result = ProbeResult.model_validate_json((self._folder / RESULT_FILE).read_bytes())
        except (OSError, ValidationError):
            return None
        return result.model_dump(mode="json")

    def _problem(self) -> Problem:
        """Return what the process wrote about its end, else what its log ends with."""
        try:
            said = json.loads((self._folder / RESULT_FILE).read_bytes())
            return Problem.model_validate(said["error"])
        except (OSError, ValueError, KeyError, TypeError):
            return EngineCrashed(
                "The process that measures ended without a result.",
                action="Try again; the technical detail says more.",
                technical=children.last_lines(self._folder / LOG_FILE),
            ).problem()
