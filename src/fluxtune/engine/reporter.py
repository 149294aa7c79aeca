"""What a run says and what it is told: phases, progress, heartbeat; stop, cancel, pause. No torch here."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from typing import Literal

from fluxtune.engine.events import RunResult
from fluxtune.engine.runfolder import EventLog, RunFolder

HEARTBEAT_SECONDS = 2.0
LOOK_SECONDS = 0.1  # how often a waiting run looks into its control folder

Reason = Literal["stop", "cancel", "pause", "shutdown", "leave"]


class Interrupted(Exception):
    """The run was asked to end early, or to wait ("pause"); "leave" ends a run that has already said it is paused."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason)


class Reporter:
    """A run's voice and ear."""

    def __init__(self, folder: RunFolder, log: EventLog) -> None:
        self.folder = folder
        self.log = log
        self.current = ""
        self.doing = "starting"
        """What is being done, to be said when it fails: "… while {doing}"."""
        self._is_shutting_down = False
        self._is_waiting = False

    def shut_down(self) -> None:
        """Ask the run to save and pause at the next step; safe to call from a signal handler."""
        self._is_shutting_down = True

    def check_requests(self) -> None:
        """Raise `Interrupted` when the control folder or a signal asks for an end."""
        requested = self.folder.requested()
        if requested:
            raise Interrupted(requested)
        if self._is_shutting_down:
            raise Interrupted("shutdown")

    def phase(self, phase: str, done: int | None = None, total: int | None = None) -> None:
        """Say what is being done, `done` of `total`; obey requests first."""
        self.check_requests()
        self.current = phase
        self.log.write("run.phase", phase=phase, done=done, total=total)

    def say(self, level: str, message: str) -> None:
        """Put a line into the run's log."""
        self.log.write("run.logged", level=level, message=message)

    def wait(self, step: int) -> None:
        """Say that the run is paused with its model loaded, and wait in silence until it is to go on.

        Raises `Interrupted`: "leave" when asked to, by signal, or after FLUXTUNE_PAUSE_SECONDS (900); "stop", "cancel".
        """
        seconds = float(os.environ.get("FLUXTUNE_PAUSE_SECONDS", "900"))
        self.folder.clear_requests("pause", "resume")
        self._is_waiting = True
        try:
            self.log.write("run.paused", step=step, reason="user", is_loaded=seconds > 0)
            until = time.monotonic() + seconds
            while time.monotonic() < until and not self._is_shutting_down and not self.folder.wishes("leave"):
                if self.folder.wishes("resume"):
                    break
                if self.folder.requested() in ("stop", "cancel"):
                    self.check_requests()
                time.sleep(LOOK_SECONDS)
            else:
                raise Interrupted("leave")
        finally:
            self._is_waiting = False
        self.folder.clear_requests("resume", "pause")
        self.log.write("run.resumed", step=step)
        self.current = ""

    @contextlib.contextmanager
    def heartbeat(self) -> Iterator[None]:
        """Say every two seconds that the process lives, whatever it is busy with; not while it waits, paused."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(HEARTBEAT_SECONDS):
                if not self._is_waiting:
                    with contextlib.suppress(OSError):
                        self.log.write("run.heartbeat")

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def say_succeeded(log: EventLog, result: RunResult) -> None:
    """Write the event of a finished run."""
    is_early = result.step < result.steps
    log.write("run.succeeded", step=result.step, adapter="adapter.safetensors", stopped_early=is_early)
