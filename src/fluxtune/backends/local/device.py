"""One device, one holder: trainers that wait with their model loaded make room for whoever needs it."""

import signal
import time
from pathlib import Path

import structlog

from fluxtune.backends.local import children
from fluxtune.config import Settings
from fluxtune.storage import is_locked

log = structlog.get_logger(__name__)

LEAVE_WITHIN_S = 10.0
"""A waiting trainer looks at its control folder many times a second; ending takes a moment."""
_LOOK_S = 0.05


def make_room(settings: Settings, keep: Path | None = None, worker: str = children.LOCAL) -> None:
    """Return once no trainer but the one of the run folder `keep` holds the device of a worker.

    A paused trainer leaves when asked; its checkpoint is saved. One that is at work without anybody following it (its
    worker died) saves itself when told to end. One that does neither is ended: its last checkpoint is whole.
    """
    for run_dir in loaded_runs(settings, worker):
        if run_dir == keep:
            continue
        log.info("asking a waiting trainer to leave the device", run=run_dir.name)
        control = run_dir / "control"
        control.mkdir(exist_ok=True)
        (control / "leave").touch()
        for what, patience_s in (
            (None, LEAVE_WITHIN_S),
            (signal.SIGTERM, settings.worker.shutdown_seconds),
            (signal.SIGKILL, LEAVE_WITHIN_S),
        ):
            if what is not None:
                log.warning("the trainer is still there; ending it", run=run_dir.name, signal=what.name)
                children.send(children.noted_process(run_dir), what)
            if _is_gone(run_dir, patience_s):
                break
        (control / "leave").unlink(missing_ok=True)


def let_go(settings: Settings, worker: str = children.LOCAL) -> None:
    """Ask all trainers that wait with their model loaded on a worker's device to leave; don't wait for it."""
    for run_dir in loaded_runs(settings, worker):
        control = run_dir / "control"
        control.mkdir(exist_ok=True)
        (control / "leave").touch()


def loaded_runs(settings: Settings, worker: str = children.LOCAL) -> list[Path]:
    """Return the run folders whose trainer lives on the device of a worker."""
    found = [lock.parent for lock in sorted(settings.paths.runs.glob("*/run.lock")) if is_locked(lock)]
    return [run_dir for run_dir in found if children.noted_worker(run_dir) == worker]


def _is_gone(run_dir: Path, patience_s: float) -> bool:
    until = time.monotonic() + patience_s
    while is_locked(run_dir / "run.lock"):
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_S)
    return True
