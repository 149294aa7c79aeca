"""Locks held by living processes: the kernel lets go of them however a process ends."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO


class FileLock:
    """An exclusive lock on a file. Its content, the holder's process number and words, is a note; the lock counts."""

    def __init__(self, path: Path, words: str = "") -> None:
        self._path = path
        self._note = f"{os.getpid()} {words}".strip()
        self._file: IO[str] | None = None

    def acquire(self, wait_s: float = 0.0) -> bool:
        """Take the lock; return False if another process still holds it after `wait_s`."""
        until = time.monotonic() + wait_s
        file = self._path.open("a+")
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() >= until:
                    file.close()
                    return False
                time.sleep(0.05)
            else:
                file.truncate(0)
                file.write(self._note)
                file.flush()
                self._file = file
                return True

    def release(self) -> None:
        """Let go."""
        if self._file is not None:
            self._file.close()
            self._file = None


def take_slot(path: Path, words: str = "", *, most: int = 64) -> tuple[FileLock, int] | None:
    """Take the first free lock of a row: `worker.lock`, `worker-2.lock` and so on; return it and its number."""
    for number in range(1, most + 1):
        lock = FileLock(slot_file(path, number), words)
        if lock.acquire():
            return lock, number
    return None


def slot_file(path: Path, number: int) -> Path:
    """Return the file that the holder of a slot uses: the first has the plain name."""
    return path if number == 1 else path.with_stem(f"{path.stem}-{number}")


def is_any_locked(path: Path) -> bool:
    """Return whether a living process holds any lock of a row."""
    return any(is_locked(each) for each in path.parent.glob(f"{path.stem}*{path.suffix}"))


def is_locked(path: Path) -> bool:
    """Return whether a living process holds the lock.

    Looking takes a shared lock for a moment, so whoever wants the lock should wait for it a little.
    """
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def holder_of(path: Path) -> int | None:
    """Return the process number that the last holder of the lock wrote down."""
    return _note_in(path)[0]


def words_of(path: Path) -> str:
    """Return the words that the last holder of the lock wrote down."""
    return _note_in(path)[1]


def _note_in(path: Path) -> tuple[int | None, str]:
    try:
        number, _, words = path.read_text().partition(" ")
        return int(number), words
    except (OSError, ValueError):
        return None, ""
