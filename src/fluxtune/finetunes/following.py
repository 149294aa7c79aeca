"""What following a finetune at a server takes: patience with the server, an ear for the user, and a place to write."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from fluxtune.backends.bfl.errors import DeliveryFailed, HostedDown, HostUnreachable, TooManyTasks
from fluxtune.config import Settings
from fluxtune.core.clock import now
from fluxtune.engine.events import RunEvent, RunEventType
from fluxtune.engine.runfolder import RunFolder
from fluxtune.finetunes.runs import RunRecorder
from fluxtune.finetunes.tables import FinetuneRow
from fluxtune.jobs.tasks import JobContext, StepEnd
from fluxtune.storage import Blobs

LOOK_EVERY_S = 1.0
MOST_BACK_OFF_S = 15.0
TELL_AFTER_S = 3.0
"""A server that misses one question is not away."""
_STEP_S = 0.1

A = TypeVar("A")


class Leave(Exception):
    """The user has cancelled before there was anything to cancel, or the worker leaves."""

    def __init__(self, end: StepEnd) -> None:
        super().__init__(end.state)
        self.end = end


class Following:
    """One finetune at a server: what its steps have in common."""

    def __init__(self, settings: Settings, blobs: Blobs, job: JobContext, row: FinetuneRow) -> None:
        self._settings = settings
        self._blobs = blobs
        self._job = job
        self._row = row
        self._folder = RunFolder(settings.paths.run(row.id))
        self._recorder = RunRecorder(job, blobs, self._folder.path)
        self._seq = row.last_seq
        self._asked: str | None = None
        self._phase = ""

    def _patiently(self, ask: Callable[[], A]) -> A:
        """Return the answer to a question that may be repeated; wait, and say so, while the server is away."""
        begun = time.monotonic()
        back_off = LOOK_EVERY_S
        is_told = False
        while True:
            try:
                answer = ask()
            except (HostUnreachable, HostedDown, TooManyTasks, DeliveryFailed) as error:
                name = self._row.server_name
                if not is_told and time.monotonic() - begun >= TELL_AFTER_S:
                    is_told = True
                    self._say("warning", f"{error.title}: {error.detail} Waiting for {name}.")
                if is_told:
                    self._tell_phase(f"waiting for {name}"[:40])
                if self._job.request() == "cancel":
                    if self._row.remote_id is not None:
                        self._say("warning", f"{name} could not be told. Cancel it there, too.")
                    raise Leave(self._ended("cancelled")) from error
                self._rest(back_off)
                back_off = min(back_off * 2, MOST_BACK_OFF_S)
            else:
                if is_told:
                    self._say("info", f"{self._row.server_name} answers again.")
                return answer

    def _rest(self, seconds: float) -> None:
        """Wait a while; end early when the worker leaves or something new is asked."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._job.is_leaving():
                raise Leave(StepEnd("handed_back"))
            if self._job.request() not in (None, self._asked):
                return
            time.sleep(min(left, _STEP_S))

    def _ended(self, state: Any) -> StepEnd:
        return StepEnd(state, {"seq": self._next_seq()})

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _event(self, kind: RunEventType, data: dict[str, Any]) -> RunEvent:
        return RunEvent(seq=self._next_seq(), at=now(), type=kind, data=data)

    def _record(self, events: list[RunEvent]) -> None:
        if events:
            self._recorder.receive(events)

    def _say(self, level: str, message: str) -> None:
        self._record([self._event("run.logged", {"level": level, "message": message})])

    def _tell_phase(self, phase: str) -> None:
        if phase != self._phase:
            self._phase = phase
            self._record([self._event("run.phase", {"phase": phase, "done": None, "total": None})])
