"""Follows one training run to its end, over crashes of the trainer and of ourselves.

The run folder is all there is between us and the trainer, a process in a session of its own: events come out of
`events.jsonl`, files in `control/` go in, and a lock on `run.lock` says that a trainer lives.
"""

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import structlog

from fluxtune.backends.base import Request, RunEnd, RunSink, Steering
from fluxtune.backends.local import children
from fluxtune.backends.local.runlog import RunLog
from fluxtune.config import Settings
from fluxtune.core.errors import EngineCrashed, Problem
from fluxtune.engine.events import TERMINAL, RunEvent
from fluxtune.storage import is_locked

log = structlog.get_logger(__name__)

CONTROLS: tuple[Request, ...] = ("cancel", "stop", "pause")


class TrainingRun:
    """One run folder, followed to its end."""

    def __init__(
        self, settings: Settings, run_dir: Path, sink: RunSink, steering: Steering, worker: str = children.LOCAL
    ) -> None:
        self._settings = settings.engine
        self._leave_within_s = settings.worker.shutdown_seconds
        self._dir = run_dir
        self._worker = worker
        self._sink = sink
        self._steering = steering
        self._log = RunLog(run_dir / "events.jsonl", sink.last_seq())
        self._child: subprocess.Popen[bytes] | None = None
        self._tries = 0
        self._asked: Request | None = None
        self._asked_at = 0.0
        self._left_at: float | None = None
        self._is_woken = False
        self._heard_at = time.monotonic()

    def follow(self) -> RunEnd:
        """Start the trainer, or join the one that lives, and stay until the run has ended.

        When what it says can't be stored (the disk is full), the trainer is paused, too: nobody listens to it any more.
        """
        if self._is_alive():
            log.info("joining the trainer that is at work", run=self._dir.name)
        try:
            return self._follow()
        except Exception:
            with contextlib.suppress(OSError):
                (self._dir / "control").mkdir(exist_ok=True)
                (self._dir / "control" / "pause").touch()
            raise

    def _follow(self) -> RunEnd:
        while True:
            end = self._take_events()
            if end is not None:
                return end
            if self._is_alive():
                if self._log.is_paused and self._steering.request() == "pause":
                    return RunEnd("paused", self._log.seq, {"reason": "user"})
                self._steer()
                time.sleep(self._settings.poll_seconds)
                continue
            # What it wrote between our last look and its end.
            end = self._take_events() or self._end_without_trainer()
            if end is not None:
                return end
            self._start()

    def _is_alive(self) -> bool:
        if self._child is not None:
            if self._child.poll() is None:
                return True
            self._child = None
        return is_locked(self._dir / "run.lock")

    # ------------------------------------------------------------------ events

    def _take_events(self) -> RunEnd | None:
        """Pass new events on; return how the run ended if one of them says so.

        A terminal event is not passed on: the job's end stores its number. A crash before that reads it again.
        """
        events = self._log.read()
        if not events:
            return None
        self._heard_at = time.monotonic()
        batch: list[RunEvent] = []
        for event in events:
            if event.type == "run.checkpointed":
                self._tries = 1  # it got further; what comes now is a new misfortune
            if event.type not in TERMINAL:
                batch.append(event)
                continue
            end = self._end_of(event)
            if end is not None:
                self._pass_on(batch)
                return end
            batch.append(event)
        self._pass_on(batch)
        return None

    def _pass_on(self, events: Sequence[RunEvent]) -> None:
        if events:
            self._sink.receive(events)

    def _end_of(self, event: RunEvent) -> RunEnd | None:
        if event.type == "run.succeeded":
            return RunEnd("succeeded", event.seq, event.data)
        if event.type == "run.cancelled":
            return RunEnd("cancelled", event.seq, event.data)
        if event.type == "run.failed":
            return RunEnd("failed", event.seq, event.data, Problem.model_validate(event.data["error"]))
        if event.data.get("reason") == "shutdown":
            # It saved itself because it was told to go. With us, the next worker goes on; else we do, at once.
            return RunEnd("handed_back", event.seq, event.data) if self._steering.is_leaving() else None
        return RunEnd("paused", event.seq, event.data)

    # ------------------------------------------------------------------ no trainer

    def _end_without_trainer(self) -> RunEnd | None:
        """Return how the run ends when nobody trains and nobody needs to."""
        seq = self._log.seq
        if self._steering.is_leaving():
            return RunEnd("handed_back", seq)
        request = self._steering.request()
        if request == "cancel":
            return RunEnd("cancelled", seq)
        if request == "pause":
            return RunEnd("paused", seq, {"reason": "user"})
        if self._tries > self._settings.max_tries:
            crash = EngineCrashed(
                f"It stopped {self._settings.max_tries} times in a row without getting further.",
                technical=children.last_lines(self._dir / "trainer.log"),
            )
            return RunEnd("failed", seq, {}, crash.problem())
        if shutil.disk_usage(self._dir).free < self._settings.min_free_disk_bytes:
            return RunEnd("paused", seq, {"reason": "disk-full"})
        return None

    def _start(self) -> None:
        if self._tries:
            log.warning("the trainer is gone; starting it again", run=self._dir.name, tries=self._tries)
            time.sleep(min(self._tries - 1, 5))
        self._tries += 1
        self._asked, self._heard_at = None, time.monotonic()
        control = self._dir / "control"
        control.mkdir(exist_ok=True)
        wanted = self._steering.request()
        for name in (*CONTROLS, "resume", "leave"):
            if name != wanted:
                (control / name).unlink(missing_ok=True)
        self._is_woken = False
        command = children.engine_command("train", str(self._dir))
        patience = str(self._settings.pause_seconds)
        self._child = children.start_detached(command, self._dir / "trainer.log", FLUXTUNE_PAUSE_SECONDS=patience)
        children.note_process(self._dir, self._child.pid, self._worker)
        log.info("trainer started", run=self._dir.name, pid=self._child.pid)

    # ------------------------------------------------------------------ a living trainer

    def _steer(self) -> None:
        """Tell the trainer what the user wants; when we leave, let it save itself; when it hangs, end it."""
        if self._steering.is_leaving():
            self._let_it_save()
            return
        control = self._dir / "control"
        request = self._steering.request()
        if request is not None and request != self._asked:
            control.mkdir(exist_ok=True)
            (control / request).touch()
            self._asked, self._asked_at = request, time.monotonic()
        elif request is None and self._log.is_paused and not self._is_woken:
            log.info("waking the trainer that waits with its model loaded", run=self._dir.name)
            control.mkdir(exist_ok=True)
            (control / "pause").unlink(missing_ok=True)
            (control / "resume").touch()
            self._is_woken, self._heard_at = True, time.monotonic()
        wishes = self._steering.wishes()
        if wishes and not self._log.is_paused:
            control.mkdir(exist_ok=True)
            for wish in wishes:
                (control / wish).touch()
            # Said only now: a crash before this asks again, which is better than never.
            self._steering.passed_on(wishes)
        if self._asked == "cancel" and time.monotonic() - self._asked_at > self._settings.cancel_grace_seconds:
            log.warning("the trainer does not obey; ending it", run=self._dir.name)
            self._kill()
        elif time.monotonic() - self._heard_at > self._settings.silent_after_seconds:
            log.warning("the trainer says nothing any more; ending it", run=self._dir.name)
            self._kill()

    def _let_it_save(self) -> None:
        if self._left_at is None:
            self._left_at = time.monotonic()
            children.send(self._process(), signal.SIGTERM)
        elif time.monotonic() - self._left_at > self._leave_within_s:
            # Its last checkpoint is whole; the next worker goes on from there.
            self._kill()

    def _kill(self) -> None:
        children.send(self._process(), signal.SIGKILL)
        self._heard_at = self._asked_at = time.monotonic()

    def _process(self) -> psutil.Process | None:
        if self._child is not None:
            return psutil.Process(self._child.pid) if psutil.pid_exists(self._child.pid) else None
        return children.noted_process(self._dir)
