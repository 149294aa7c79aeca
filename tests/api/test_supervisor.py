"""A worker that lives already is adopted; one of another version is replaced, but not in the middle of its work."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from fluxtune.api.supervisor import WorkerSupervisor
from fluxtune.config import Settings
from fluxtune.db import code_version
from fluxtune.storage import is_locked, words_of

HOLD = """
import signal, sys
from pathlib import Path
from fluxtune.storage import FileLock
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
lock = FileLock(Path(sys.argv[1]), sys.argv[2])
assert lock.acquire(5)
signal.sigwait([signal.SIGTERM])
"""


class Scene:
    """A worker that is there already, and a supervisor that comes to it."""

    def __init__(self, settings: Settings) -> None:
        self.is_idle = threading.Event()
        self.starts = 0
        self._lock = settings.paths.worker_lock
        self.supervisor = WorkerSupervisor(settings, self.is_idle.is_set)

    def leave_worker(self, version: str) -> "subprocess.Popen[bytes]":
        """Start what holds the worker's lock, as a worker of that version does, until it is told to end."""
        worker = subprocess.Popen([sys.executable, "-c", HOLD, str(self._lock), version])
        wait_until(lambda: is_locked(self._lock) and words_of(self._lock) == version)
        return worker


@pytest.fixture
def scene(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Nothing is started for real."""
    scene = Scene(settings)

    def start(_: WorkerSupervisor) -> None:
        scene.starts += 1

    monkeypatch.setattr(WorkerSupervisor, "_start_worker", start)
    monkeypatch.setattr("fluxtune.api.supervisor._LOOK_EVERY_S", 0.02)
    yield scene
    scene.supervisor.stop()


def wait_until(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("version", ["0.0.1 0001", "", code_version().replace(" ", "1 ")])
def test_one_of_another_version_is_replaced_once_it_is_idle(scene: Scene, version: str) -> None:
    worker = scene.leave_worker(version)
    scene.supervisor.start()
    time.sleep(0.5)
    assert worker.poll() is None, "it is at work"
    assert scene.supervisor.worker_pid() == worker.pid
    scene.is_idle.set()
    assert worker.wait(60) == 0
    wait_until(lambda: scene.starts > 0)


def test_one_of_the_same_version_is_adopted(scene: Scene) -> None:
    scene.is_idle.set()
    worker = scene.leave_worker(code_version())
    scene.supervisor.start()
    time.sleep(0.5)
    assert worker.poll() is None
    assert scene.starts == 0
    scene.supervisor.stop()
    assert worker.wait(60) == 0, "it ends with the server, as one of its own does"
