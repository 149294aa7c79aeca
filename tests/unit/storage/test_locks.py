"""A lock is held by a living process, and by nobody after it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from fluxtune.storage import FileLock, holder_of, is_any_locked, is_locked, take_slot


def test_one_holder(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    assert not is_locked(file)
    first, second = FileLock(file), FileLock(file)
    assert first.acquire()
    assert is_locked(file)
    assert holder_of(file) == os.getpid()
    assert not second.acquire(0.1)
    first.release()
    assert not is_locked(file)
    assert second.acquire()
    second.release()


def test_death_lets_go(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    program = (
        "import sys, time; from pathlib import Path; from fluxtune.storage.locks import FileLock;"
        "lock = FileLock(Path(sys.argv[1])); lock.acquire(); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert is_locked(file)
        assert holder_of(file) == child.pid
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not is_locked(file)


def test_any_of_a_row(tmp_path: Path) -> None:
    path = tmp_path / "server.lock"
    assert not is_any_locked(path)
    first, second = take_slot(path), take_slot(path)
    assert first is not None
    assert second is not None
    first[0].release()
    assert is_any_locked(path)
    second[0].release()
    assert not is_any_locked(path)
